import { addNoise, bundledDetectorNoise, type DetectorNoise } from '../datasets/noise.js';
import type { PoseDataset, PoseSequence } from '../datasets/pose-dataset.js';
import type { ModelConfig } from '../models/config.js';
import { createRandom } from '../random.js';
import { skeletonByName } from '../skeletons/skeletons.js';

/** Noise on 2D keypoints as a training or a test asks for it. */
export interface KeypointNoise {
  noise: ModelConfig['noise'];
  seed: number;
  /** Errors of a detector, joint by joint. */
  table: DetectorNoise;
}

/** The noise of a data set's layout, with the bundled table of detector errors unless another one is given. */
export function keypointNoise(
  dataset: Pick<PoseDataset, 'inputLayout'>,
  noise: ModelConfig['noise'],
  seed: number,
  table: DetectorNoise = bundledDetectorNoise(skeletonByName(dataset.inputLayout)),
): KeypointNoise {
  return { noise, seed, table };
}

/** (T, J, 2) normalised keypoints of a sequence with noise; `draw` names the random numbers. */
export function noisyKeypoints(sequence: PoseSequence, about: KeypointNoise, draw: string): Float32Array {
  const { noise, seed, table } = about;
  return noise.kind === 'none'
    ? sequence.keypoints
    : addNoise(sequence, noise, createRandom(seed, 'noise', draw, sequence.name), table);
}
