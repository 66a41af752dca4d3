import { tensor } from '../base/tensor.js';
import type { Turns } from '../base/turns.js';
import type { PoseDataset, PoseSequence } from '../datasets/pose-dataset.js';
import { poolMpiInf3dhp } from '../metrics/mpi-inf-3dhp.js';
import { poolScores } from '../metrics/pooling.js';
import { type SequenceScore, scoreSequence } from '../metrics/sequence-score.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { MethodReport } from './report.js';

/**
 * Scores one method: `predicted` holds (T, J', 3) metres for each of the sequences. Throws `ERR_ABORTED` when the signal of
 * `turns` comes.
 */
export async function methodReport(
  method: string,
  dataset: PoseDataset,
  sequences: readonly PoseSequence[],
  predicted: readonly Float32Array[],
  turns: Turns,
): Promise<MethodReport> {
  const joints = skeletonByName(dataset.outputLayout).joints.length;
  const pairs = sequences.map((sequence, i) => ({
    sequence,
    predicted: tensor(predicted[i], [sequence.frames, joints, 3]),
    truth: tensor(sequence.poses!, [sequence.frames, joints, 3]),
  }));
  const scores: SequenceScore[] = [];
  for (const pair of pairs) {
    scores.push(scoreSequence(pair.sequence, pair.predicted, pair.truth, dataset.rootJoint));
    await turns.take();
  }
  // The pools of subjects, with the camera in the subject's place.
  const byCamera = scores.map((score, i) => ({ ...score, subject: sequences[i].camera }));
  return {
    method,
    ...poolScores(scores),
    cameras: poolScores(byCamera).subjects,
    ...(dataset.outputLayout === '3dhp-17' && {
      mpiInf3dhp: poolMpiInf3dhp(
        pairs.map((pair) => ({
          name: pair.sequence.name,
          predicted: pair.predicted,
          truth: pair.truth,
          ...(pair.sequence.valid && { valid: pair.sequence.valid }),
          ...(pair.sequence.activity && { activity: pair.sequence.activity }),
        })),
      ),
    }),
  };
}
