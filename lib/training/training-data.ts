import { createHash } from 'node:crypto';
import type { Sequences } from '../../binding.js';
import { PoseError } from '../base/pose-error.js';
import { joined } from '../base/tensor.js';
import type { Turns } from '../base/turns.js';
import { cameraRow } from '../datasets/camera-row.js';
import type { DetectorNoise } from '../datasets/noise.js';
import { type KeypointNoise, noisyKeypoints } from '../datasets/noisy-keypoints.js';
import type { PoseDataset, PoseSequence, Split } from '../datasets/pose-dataset.js';
import type { ModelConfig } from '../networks/config.js';
import type { SampledSequence } from './sampler.js';

/** The sequences that a training looks at, in the native model's order. */
export interface TrainingData {
  sequences: PoseSequence[];
  train: SampledSequence[];
  /** Held out for choosing the model; empty when the last epoch's weights are taken. */
  validation: SampledSequence[];
  /** Tells one data set from another. */
  digest: string;
  /** Tells what the digest leaves out: layouts, rates, sizes, cameras, the root's path and which frames count. */
  restDigest: string;
}

/** Which split a sequence belongs to once whole training subjects are held out for validation. */
function splitOf(sequence: PoseSequence, heldOut: readonly string[]): Split {
  return sequence.split === 'train' && heldOut.includes(sequence.subject) ? 'validation' : sequence.split;
}

/**
 * Chooses the sequences of one stage: the training split seen by the stage's cameras, and what `select` validates on.
 * Throws `ERR_DATASET` or `ERR_CONFIG` when something is missing for it, `ERR_ABORTED` when the signal of `turns` comes.
 */
export async function selectSequences(
  dataset: PoseDataset,
  config: ModelConfig,
  options: { heldOut: readonly string[]; select: 'validation' | 'test' | 'last' },
  turns: Turns,
): Promise<TrainingData> {
  const { heldOut, select } = options;
  for (const subject of heldOut) {
    if (!dataset.sequences.some((sequence) => sequence.subject === subject && sequence.split === 'train')) {
      throw new PoseError(
        'ERR_DATASET',
        `validation names ${subject}, which is no training subject of ${dataset.name}: ${subjects(dataset)}.`,
      );
    }
  }
  const seen = stageCameras(dataset, config);
  const usable = (split: Split) =>
    dataset.sequences.filter(
      (sequence) =>
        splitOf(sequence, heldOut) === split && sequence.frames > 0 && (!seen || seen.includes(sequence.camera)),
    );
  const train = usable('train');
  const validation = select === 'last' ? [] : usable(select);
  if (train.length === 0) {
    throw new PoseError('ERR_DATASET', `${dataset.name} has no training sequence left for this stage.`);
  }
  if (select !== 'last' && validation.length === 0) {
    throw new PoseError(
      'ERR_DATASET',
      `${dataset.name} has no ${select} sequence to choose the best epoch on; name training subjects to hold out ` +
        `(${subjects(dataset)}) or take the last epoch's weights.`,
    );
  }
  const sequences = [...train, ...validation];
  for (const sequence of sequences) {
    checkSequence(sequence, config);
  }
  const sampled = sequences.map(({ frames, valid }, index) => ({ index, frames, valid }));
  return {
    sequences,
    train: sampled.slice(0, train.length),
    validation: sampled.slice(train.length),
    digest: await digestOf(sequences, turns),
    restDigest: await restDigestOf(dataset, sequences, turns),
  };
}

function subjects(dataset: PoseDataset): string {
  return [...new Set(dataset.sequences.filter(({ split }) => split === 'train').map(({ subject }) => subject))].join(
    ', ',
  );
}

function stageCameras(dataset: PoseDataset, config: ModelConfig): string[] | null {
  const asked = config.stage === 1 ? config.cameras.pretrain : config.cameras.finetune;
  const known = [...new Set(dataset.sequences.map(({ camera }) => camera))];
  const missing = asked?.filter(
    (camera) => !(typeof camera === 'number' ? camera < known.length : known.includes(camera)),
  );
  if (missing && missing.length > 0) {
    throw new PoseError(
      'ERR_CONFIG',
      `cameras names ${missing.join(', ')}, but ${dataset.name} has ${known.join(', ')}; a number is a place, from 0 to ${known.length - 1}.`,
    );
  }
  return asked?.map((camera) => (typeof camera === 'number' ? known[camera] : camera)) ?? null;
}

function checkSequence(sequence: PoseSequence, config: ModelConfig): void {
  if (config.stage === 2 && !sequence.poses) {
    throw new PoseError('ERR_DATASET', `Sequence ${sequence.name} has no 3D poses, which Stage II learns from.`);
  }
  if (config.refine && !(sequence.root && sequence.intrinsics)) {
    throw new PoseError(
      'ERR_DATASET',
      `Sequence ${sequence.name} has no ${sequence.root ? 'intrinsics of its camera' : 'path of the root joint'}, which refining needs.`,
    );
  }
}

/** The sequences as the native model takes them, with this epoch's noise on the training ones. */
export async function packSequences(
  data: TrainingData,
  config: ModelConfig,
  noise: KeypointNoise,
  epoch: number,
  turns: Turns,
): Promise<Sequences> {
  const { sequences } = data;
  const keypoints: Float32Array[] = [];
  for (const [index, sequence] of sequences.entries()) {
    // What is validated on has the same noise every time.
    const draw = index < data.train.length ? `epoch ${epoch}` : 'validation';
    keypoints.push(noisyKeypoints(sequence, noise, draw));
    await turns.take();
  }
  return {
    keypoints: joined(Float32Array, keypoints),
    poses:
      config.stage === 2
        ? joined(
            Float32Array,
            sequences.map(({ poses }) => poses!),
          )
        : undefined,
    roots: config.refine
      ? joined(
          Float32Array,
          sequences.map(({ root }) => root!),
        )
      : undefined,
    cameras: config.refine
      ? joined(
          Float32Array,
          sequences.map(({ intrinsics }) => cameraRow(intrinsics!)),
        )
      : undefined,
    lengths: Int32Array.from(sequences, ({ frames }) => frames),
  };
}

async function digestOf(sequences: readonly PoseSequence[], turns: Turns): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, split, frames, keypoints, poses } of sequences) {
    hash.update(JSON.stringify([name, split, frames]));
    hash.update(bytesOf(keypoints));
    if (poses) {
      hash.update(bytesOf(poses));
    }
    await turns.take();
  }
  return hash.digest('hex');
}

async function restDigestOf(
  { inputLayout, outputLayout, rootJoint }: PoseDataset,
  sequences: readonly PoseSequence[],
  turns: Turns,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([inputLayout, outputLayout, rootJoint]));
  for (const { subject, action, camera, fps, width, height, intrinsics, extrinsics, root, valid } of sequences) {
    const values = [subject, action, camera, fps, width, height, intrinsics && [...cameraRow(intrinsics)], extrinsics];
    hash.update(JSON.stringify([...values, root?.length, valid?.length]));
    if (root) hash.update(bytesOf(root));
    if (valid) hash.update(valid);
    await turns.take();
  }
  return hash.digest('hex');
}

/** Tells one table of a detector's errors from another. */
export function noiseTableDigest({ mean, std, weight }: DetectorNoise): string {
  const hash = createHash('sha256').update(`${weight.length}`);
  for (const values of [mean, std, weight]) hash.update(bytesOf(values));
  return hash.digest('hex');
}

function bytesOf(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
