import type { Turns } from '../base/turns.js';
import type { PoseDataset, PoseSequence } from '../datasets/pose-dataset.js';
import { fitBaselines, predictLinear, predictMeanPose } from './baselines.js';
import { methodReport } from './method-report.js';
import type { MethodReport } from './report.js';

/**
 * Mean pose and per-frame linear regression, fitted on the training sequences and scored on the test ones; both see the
 * 2D that `seen` gives, (T, J, 2). Throws `ERR_ABORTED` when the signal of `turns` comes.
 */
export async function baselineReports(
  dataset: PoseDataset,
  training: readonly PoseSequence[],
  tests: readonly PoseSequence[],
  seen: (sequence: PoseSequence) => Float32Array,
  turns: Turns,
): Promise<MethodReport[]> {
  const sequences: PoseSequence[] = [];
  for (const sequence of training) {
    sequences.push({ ...sequence, keypoints: seen(sequence) });
    await turns.take();
  }
  const { meanPose, linear } = await fitBaselines({ ...dataset, sequences }, turns);
  const constant = tests.map(({ frames }) => predictMeanPose(meanPose, frames));
  const regressed: Float32Array[] = [];
  for (const sequence of tests) {
    regressed.push(predictLinear(linear, seen(sequence)));
    await turns.take();
  }
  return [
    await methodReport('mean pose', dataset, tests, constant, turns),
    await methodReport('linear regression', dataset, tests, regressed, turns),
  ];
}
