import { TENSOR } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import type { Tensor } from '../base/tensor.js';
import { mpjpeMm, posePairShape } from './joint-errors.js';
import { largestEigenvector } from './symmetric-eigen.js';

/**
 * Each predicted pose moved onto its true pose by the rotation (never a reflection), scale and translation that make the
 * squared distance least. Both (T, J, 3); the answer too.
 *
 * The rotation is Horn's closed form: the unit quaternion that maximises sum_j truth_j . R(q) predicted_j is the
 * eigenvector of the largest eigenvalue of a symmetric 4 x 4 matrix of the moments. A quaternion is a proper rotation by
 * construction, and flat, straight or single-point poses still give one. Scale = that eigenvalue / |predicted|^2.
 */
export function similarityAligned(predicted: Tensor, truth: Tensor): Tensor {
  checkArguments('similarityAligned', { predicted, truth }, TENSOR, TENSOR);
  const { frames, joints } = posePairShape(predicted, truth);
  const row = 3 * joints;
  const data = new Float32Array(frames * row);
  for (let frame = 0; frame < frames; frame++) {
    const from = frame * row;
    alignFrame(
      predicted.data.subarray(from, from + row),
      truth.data.subarray(from, from + row),
      data.subarray(from, from + row),
    );
  }
  return { data, shape: predicted.shape };
}

/** P-MPJPE: mean joint distance in millimetres after {@link similarityAligned}, of two arrays (T, J, 3) in metres. */
export function pMpjpeMm(predicted: Tensor, truth: Tensor): number {
  checkArguments('pMpjpeMm', { predicted, truth }, TENSOR, TENSOR);
  return mpjpeMm(similarityAligned(predicted, truth), truth);
}

/** Each predicted pose times the one factor a frame that makes its squared distance to the true pose least. */
export function scaleAligned(predicted: Tensor, truth: Tensor): Tensor {
  checkArguments('scaleAligned', { predicted, truth }, TENSOR, TENSOR);
  const { frames, joints } = posePairShape(predicted, truth);
  const row = 3 * joints;
  const data = new Float32Array(frames * row);
  for (let frame = 0; frame < frames; frame++) {
    let cross = 0;
    let square = 0;
    for (let i = frame * row; i < (frame + 1) * row; i++) {
      cross += predicted.data[i] * truth.data[i];
      square += predicted.data[i] * predicted.data[i];
    }
    const scale = square > 0 ? cross / square : 0;
    for (let i = frame * row; i < (frame + 1) * row; i++) {
      data[i] = scale * predicted.data[i];
    }
  }
  return { data, shape: predicted.shape };
}

/** N-MPJPE: mean joint distance in millimetres after {@link scaleAligned}, of two arrays (T, J, 3) in metres. */
export function nMpjpeMm(predicted: Tensor, truth: Tensor): number {
  checkArguments('nMpjpeMm', { predicted, truth }, TENSOR, TENSOR);
  return mpjpeMm(scaleAligned(predicted, truth), truth);
}

function alignFrame(predicted: Float32Array, truth: Float32Array, out: Float32Array): void {
  const p0 = centroid(predicted);
  const t0 = centroid(truth);
  // moments[3 a + b] = sum over joints of predicted_a * truth_b, both centred
  const moments = new Float64Array(9);
  let square = 0;
  for (let i = 0; i < predicted.length; i += 3) {
    for (let a = 0; a < 3; a++) {
      const p = predicted[i + a] - p0[a];
      square += p * p;
      for (let b = 0; b < 3; b++) {
        moments[3 * a + b] += p * (truth[i + b] - t0[b]);
      }
    }
  }
  const { value, vector } = largestEigenvector(hornMatrix(moments), 4);
  const scale = square > 0 ? value / square : 0;
  const rotation = rotationOf(vector);
  for (let i = 0; i < predicted.length; i += 3) {
    for (let b = 0; b < 3; b++) {
      let turned = 0;
      for (let a = 0; a < 3; a++) {
        turned += rotation[3 * b + a] * (predicted[i + a] - p0[a]);
      }
      out[i + b] = scale * turned + t0[b];
    }
  }
}

function centroid(pose: Float32Array): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < pose.length; i++) {
    sum[i % 3] += pose[i];
  }
  const joints = pose.length / 3;
  return [sum[0] / joints, sum[1] / joints, sum[2] / joints];
}

/** Horn's matrix N, row-major 4 x 4: q^T N q = sum_j truth_j . R(q) predicted_j for a unit quaternion (w, x, y, z). */
function hornMatrix(m: Float64Array): Float64Array {
  const [xx, xy, xz, yx, yy, yz, zx, zy, zz] = m;
  return Float64Array.of(
    ...[xx + yy + zz, yz - zy, zx - xz, xy - yx],
    ...[yz - zy, xx - yy - zz, xy + yx, zx + xz],
    ...[zx - xz, xy + yx, -xx + yy - zz, yz + zy],
    ...[xy - yx, zx + xz, yz + zy, -xx - yy + zz],
  );
}

/** Rotation matrix, row-major, of a unit quaternion (w, x, y, z). */
function rotationOf(q: Float64Array): number[] {
  const [w, x, y, z] = q;
  return [
    ...[w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
    ...[2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
    ...[2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
  ];
}
