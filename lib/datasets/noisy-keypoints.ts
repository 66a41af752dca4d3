import { createRandom } from '../base/random.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { addNoise, bundledDetectorNoise, type DetectorNoise, type Noise } from './noise.js';
import type { PoseDataset, PoseSequence } from './pose-dataset.js';

/** Noise on 2D keypoints as a training or a test asks for it. */
export interface KeypointNoise {
  noise: Noise;
  seed: number;
  /** Errors of a detector, joint by joint. */
  table: DetectorNoise;
}

/** The noise of a data set's layout, with the bundled table of detector errors unless another one is given. */
export function keypointNoise(
  dataset: Pick<PoseDataset, 'inputLayout'>,
  noise: Noise,
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
