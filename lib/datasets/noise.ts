import { SKELETON } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import type { Random } from '../base/random.js';
import { findStateDict, readTorch } from '../formats/torch/torch.js';
import { human36m17 } from '../skeletons/human36m.js';
import type { Skeleton } from '../skeletons/skeleton.js';
import type { PoseSequence } from './pose-dataset.js';

/** Fields of a `PoseSequence` that noise needs. */
const SEQUENCE = { keypoints: 'Float32Array', frames: 'number', width: 'number', height: 'number' } as const;

/** Which noise: none, Gaussian (`sigma` in normalised units or pixels), or a detector's errors times `scale`. */
export type Noise =
  | { kind: 'none' }
  | { kind: 'gaussian'; sigma: number; unit: 'normalised' | 'pixels' }
  | { kind: 'detector'; scale: number };

/** Errors of a 2D detector joint by joint, in normalised units (half image widths). */
export interface DetectorNoise {
  /** (J, 2): what a joint is off by on average, in x and y. */
  mean: Float32Array;
  /** (J, 2). */
  std: Float32Array;
  /** (J): the share of frames in which the error follows mean and std; in the others the detector has lost the joint. */
  weight: Float32Array;
}

/** A lost joint is found anywhere within this distance, in normalised units, in x and in y. */
const LOST_REACH = 0.03;
/** Seconds over which a detector's error on one joint changes, and for which it loses a joint. */
const DRIFT_SECONDS = 0.15;
const LOST_SECONDS = 0.2;

/**
 * Our own choice of a detector's errors, for want of a measured table: standard deviation and share of good frames
 * by part of the body, growing from the trunk to the hands and feet. 0.006 is 3 pixels in an image of 1000.
 */
const parts: readonly (readonly [part: RegExp, std: number, weight: number])[] = [
  [/wrist|hand|thumb|finger/, 0.01, 0.82],
  [/elbow|radius/, 0.0085, 0.88],
  [/ankle|tibia|toe|foot|heel/, 0.009, 0.88],
  [/knee|femur/, 0.007, 0.92],
  [/shoulder|clavicle/, 0.006, 0.95],
  [/eye|ear|nose|head/, 0.005, 0.96],
  [/hip/, 0.007, 0.95],
  [/./, 0.005, 0.97],
];

/** The bundled table for a layout. */
export function bundledDetectorNoise(skeleton: Skeleton): DetectorNoise {
  checkArguments('bundledDetectorNoise', { skeleton }, SKELETON);
  const found = skeleton.joints.map((joint) => parts.find(([part]) => part.test(joint)) ?? parts[parts.length - 1]);
  return {
    mean: new Float32Array(found.length * 2),
    std: Float32Array.from(found.flatMap(([, std]) => [std, std])),
    weight: Float32Array.from(found, ([, , weight]) => weight),
  };
}

/**
 * Reads measured errors from a PyTorch file with tensors `mean` (J, 2), `std` (J, 2) and `weight` (J). Throws
 * `ERR_FORMAT` when one is missing or has another shape.
 */
export function readDetectorNoise(path: string): DetectorNoise {
  checkArguments('readDetectorNoise', { path }, 'text');
  const tensors = findStateDict(readTorch(path), path);
  const joints = tensors.get('weight')?.shape[0] ?? 0;
  const take = (name: keyof DetectorNoise, shape: readonly number[]): Float32Array => {
    const found = tensors.get(name);
    if (joints === 0 || found === undefined || found.shape.join() !== shape.join()) {
      const came = found === undefined ? 'none of that name' : `(${found.shape.join(', ')})`;
      throw new PoseError(
        'ERR_FORMAT',
        `${path}: expected a tensor ${name} of shape (${shape.join(', ')}), got ${came}.`,
      );
    }
    return Float32Array.from(found.data as Float32Array);
  };
  return { mean: take('mean', [joints, 2]), std: take('std', [joints, 2]), weight: take('weight', [joints]) };
}

function addDetectorNoise(sequence: PoseSequence, scale: number, random: Random, table: DetectorNoise): Float32Array {
  const { frames, fps } = sequence;
  const out = sequence.keypoints.slice();
  const joints = out.length / frames / 2;
  if (table.weight.length !== joints) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${sequence.name} has ${joints} joints a frame, the table of detector errors ${table.weight.length}.`,
    );
  }
  const keep = Math.exp(-1 / (fps * DRIFT_SECONDS));
  const fresh = Math.sqrt(1 - keep * keep);
  const recover = 1 - Math.exp(-1 / (fps * LOST_SECONDS));
  for (let j = 0; j < joints; j++) {
    const { mean, std, weight } = table;
    // Chance of losing the joint that makes the lost frames a share of 1 - weight in the long run.
    const lose = weight[j] > 0 ? Math.min(1, (recover * (1 - weight[j])) / weight[j]) : 1;
    let driftX = random.normal();
    let driftY = random.normal();
    let lost = random.uniform() >= weight[j];
    let lostX = random.uniform(-LOST_REACH, LOST_REACH);
    let lostY = random.uniform(-LOST_REACH, LOST_REACH);
    for (let t = 0; t < frames; t++) {
      const at = (t * joints + j) * 2;
      out[at] += scale * (lost ? lostX : mean[j * 2] + std[j * 2] * driftX);
      out[at + 1] += scale * (lost ? lostY : mean[j * 2 + 1] + std[j * 2 + 1] * driftY);
      driftX = keep * driftX + fresh * random.normal();
      driftY = keep * driftY + fresh * random.normal();
      const change = random.uniform();
      if (lost) lost = change >= recover;
      else if (change < lose) {
        lost = true;
        lostX = random.uniform(-LOST_REACH, LOST_REACH);
        lostY = random.uniform(-LOST_REACH, LOST_REACH);
      }
    }
  }
  return out;
}

/**
 * A sequence's normalised keypoints (T, J, 2) with noise, as new data; the same random source gives the same noise.
 * A detector's errors drift over 0.15 s instead of jumping from frame to frame, and now and then a joint is lost for
 * about 0.2 s. `table` is needed for `detector` on layouts other than `h36m-17`.
 */
export function addNoise(
  sequence: PoseSequence,
  noise: Noise,
  random: Random,
  table: DetectorNoise = bundledDetectorNoise(human36m17),
): Float32Array {
  checkArguments(
    'addNoise',
    { sequence, noise, random, table },
    SEQUENCE,
    { kind: 'text' },
    { normal: 'function' },
    'object?',
  );
  if (noise.kind === 'none') return sequence.keypoints.slice();
  if (noise.kind === 'detector') return addDetectorNoise(sequence, noise.scale, random, table);
  const sigma = noise.unit === 'pixels' ? (noise.sigma * 2) / sequence.width : noise.sigma;
  return sequence.keypoints.map((value) => value + random.normal(0, sigma));
}
