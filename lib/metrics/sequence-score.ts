import { TENSOR } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { nMpjpeMm, pMpjpeMm } from './alignment.js';
import { jointErrorsMm, mean, meanByJoint, mpjveMm, posePairShape } from './joint-errors.js';

/** What a score needs to know of a sequence. */
export interface ScoredSequence {
  name: string;
  subject: string;
  action: string;
  /** (T), 1 where a frame counts; absent: all count. */
  valid?: Uint8Array;
}

/** Errors of one sequence: means over its counted frames. */
export interface SequenceScore {
  name: string;
  subject: string;
  action: string;
  /** Frames that count, and steps between two neighbouring frames that count (for the velocity error). */
  frames: number;
  steps: number;
  mpjpeMm: number;
  pMpjpeMm: number;
  nMpjpeMm: number;
  /** Millimetres a frame; NaN where no step counts. */
  mpjveMm: number;
  /** (J) */
  jointErrorsMm: number[];
}

/**
 * Scores one sequence. Both arrays are (T, J, 3), metres, relative to joint `root`, whose predicted row is taken as 0.
 * Throws `ERR_ARGUMENT` when shapes disagree, `ERR_DATASET` when no frame counts.
 */
export function scoreSequence(about: ScoredSequence, predicted: Tensor, truth: Tensor, root: number): SequenceScore {
  checkArguments(
    'scoreSequence',
    { about, predicted, truth, root },
    { name: 'text', subject: 'text', action: 'text', valid: 'Uint8Array?' },
    TENSOR,
    TENSOR,
    'number',
  );
  const { frames } = posePairShape(predicted, truth);
  const valid = about.valid;
  if (valid && valid.length !== frames) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Sequence ${about.name} has ${frames} frames, but ${valid.length} marks of valid frames came.`,
    );
  }
  const poses = withoutRoot(predicted, root);
  const p = countedFrames(poses, valid);
  const t = countedFrames(truth, valid);
  if (p.shape[0] === 0) {
    throw new PoseError('ERR_DATASET', `Sequence ${about.name} has no valid frame to score.`);
  }
  const errors = jointErrorsMm(p, t);
  return {
    name: about.name,
    subject: about.subject,
    action: about.action,
    frames: p.shape[0],
    steps: countSteps(frames, valid),
    mpjpeMm: mean(errors.data),
    pMpjpeMm: pMpjpeMm(p, t),
    nMpjpeMm: nMpjpeMm(p, t),
    mpjveMm: mpjveMm(poses, truth, valid),
    jointErrorsMm: meanByJoint(errors),
  };
}

/** A copy of poses (T, J, 3) whose joint `root` is 0 in every frame. */
export function withoutRoot(poses: Tensor, root: number): Tensor {
  checkArguments('withoutRoot', { poses, root }, TENSOR, 'number');
  const [frames, joints] = poses.shape;
  const data = poses.data.slice();
  for (let frame = 0; frame < frames; frame++) {
    data.fill(0, 3 * (frame * joints + root), 3 * (frame * joints + root) + 3);
  }
  return { data, shape: poses.shape };
}

/** The frames of an array (T, ...) whose mark in `valid` (T) is set; the array itself without marks. */
export function countedFrames(array: Tensor, valid?: Uint8Array): Tensor {
  checkArguments('countedFrames', { array, valid }, TENSOR, 'Uint8Array?');
  if (!valid) {
    return array;
  }
  const [frames, ...rest] = array.shape;
  const row = array.data.length / frames;
  const count = valid.reduce((sum, mark) => sum + (mark ? 1 : 0), 0);
  const data = new Float32Array(count * row);
  let to = 0;
  for (let frame = 0; frame < frames; frame++) {
    if (valid[frame]) {
      data.set(array.data.subarray(frame * row, (frame + 1) * row), to);
      to += row;
    }
  }
  return { data, shape: [count, ...rest] };
}

function countSteps(frames: number, valid?: Uint8Array): number {
  if (!valid) {
    return frames - 1;
  }
  let steps = 0;
  for (let frame = 1; frame < frames; frame++) {
    steps += valid[frame - 1] && valid[frame] ? 1 : 0;
  }
  return steps;
}
