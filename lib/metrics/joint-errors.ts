import { TENSOR } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { sizeOf } from '../base/tensor.js';

/** T and J of two arrays (T, J, 3) that must agree; throws `ERR_ARGUMENT` otherwise. */
export function posePairShape(predicted: Tensor, truth: Tensor): { frames: number; joints: number } {
  const [frames, joints, axes] = predicted.shape;
  const same = predicted.shape.every((length, axis) => length === truth.shape[axis]);
  if (predicted.shape.length !== 3 || truth.shape.length !== 3 || axes !== 3 || !same) {
    throw new PoseError(
      'ERR_ARGUMENT',
      'Predicted and true poses must both be (T, J, 3), ' +
        `but (${predicted.shape.join(', ')}) and (${truth.shape.join(', ')}) came.`,
    );
  }
  for (const poses of [predicted, truth]) {
    if (poses.data.length !== sizeOf(poses.shape)) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `Poses of shape (${poses.shape.join(', ')}) hold ${sizeOf(poses.shape)} values, but ${poses.data.length} came.`,
      );
    }
  }
  if (frames === 0 || joints === 0) {
    throw new PoseError('ERR_ARGUMENT', `Errors need at least one frame and one joint, got ${frames} and ${joints}.`);
  }
  return { frames, joints };
}

/** Distance of each joint in millimetres, (T, J), of two arrays (T, J, 3) in metres. */
export function jointErrorsMm(predicted: Tensor, truth: Tensor): Tensor {
  checkArguments('jointErrorsMm', { predicted, truth }, TENSOR, TENSOR);
  const { frames, joints } = posePairShape(predicted, truth);
  const p = predicted.data;
  const t = truth.data;
  const data = new Float32Array(frames * joints);
  for (let i = 0; i < data.length; i++) {
    const x = p[3 * i] - t[3 * i];
    const y = p[3 * i + 1] - t[3 * i + 1];
    const z = p[3 * i + 2] - t[3 * i + 2];
    data[i] = 1000 * Math.sqrt(x * x + y * y + z * z);
  }
  return { data, shape: [frames, joints] };
}

/** Mean of numbers, summed in double precision; NaN where there are none. */
export function mean(values: Iterable<number>): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    sum += value;
    count++;
  }
  return sum / count;
}

/** MPJPE: mean joint distance in millimetres of two arrays (T, J, 3) in metres. */
export function mpjpeMm(predicted: Tensor, truth: Tensor): number {
  checkArguments('mpjpeMm', { predicted, truth }, TENSOR, TENSOR);
  return mean(jointErrorsMm(predicted, truth).data);
}

/** Mean error of each joint, (J), over the frames of errors (T, J). */
export function meanByJoint(errorsMm: Tensor): number[] {
  checkArguments('meanByJoint', { errorsMm }, TENSOR);
  const [frames, joints] = errorsMm.shape;
  const sums = new Array<number>(joints).fill(0);
  for (let i = 0; i < errorsMm.data.length; i++) {
    sums[i % joints] += errorsMm.data[i];
  }
  return sums.map((sum) => sum / frames);
}

/**
 * MPJVE: mean distance in millimetres between the true and the predicted step from one frame to the next, of two arrays
 * (T, J, 3) in metres. With `valid` (T), only steps between two valid frames count. NaN where there is no step.
 */
export function mpjveMm(predicted: Tensor, truth: Tensor, valid?: Uint8Array): number {
  checkArguments('mpjveMm', { predicted, truth, valid }, TENSOR, TENSOR, 'Uint8Array?');
  const { frames, joints } = posePairShape(predicted, truth);
  const p = predicted.data;
  const t = truth.data;
  const row = 3 * joints;
  let sum = 0;
  let count = 0;
  for (let frame = 1; frame < frames; frame++) {
    if (valid && !(valid[frame - 1] && valid[frame])) {
      continue;
    }
    for (let at = frame * row; at < (frame + 1) * row; at += 3) {
      let square = 0;
      for (let i = at; i < at + 3; i++) {
        square += (p[i] - p[i - row] - t[i] + t[i - row]) ** 2;
      }
      sum += 1000 * Math.sqrt(square);
    }
    count += joints;
  }
  return sum / count;
}
