import { TENSOR } from '../../base/argument-kinds.js';
import { checkArguments } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import { type Tensor, tensor } from '../../base/tensor.js';

export interface OneEuroOptions {
  /** Hz: cut-off for what stands still; lower is smoother. Default 1.5. */
  minCutoff?: number;
  /** How much the cut-off rises with speed, in Hz per unit a second: 1 for metres, 0.005 for pixels. Default 1. */
  beta?: number;
  /** Hz: cut-off of the speed. Default 1. */
  speedCutoff?: number;
}

export interface SavitzkyGolayOptions {
  /** Frames of the window, odd; default 7. A shorter video uses the largest odd number that it has. */
  window?: number;
  /** Degree of the polynomial, below the window; default 2. */
  degree?: number;
}

/**
 * One-Euro filter along the frames of (T, ...): each value follows itself through a low pass whose cut-off rises with the
 * speed, so that rest is steady and fast motion is not late. Causal. Returns new data. Throws `ERR_ARGUMENT`.
 */
export function smoothOneEuro(values: Tensor, fps: number, given: OneEuroOptions = {}): Tensor {
  checkArguments('smoothOneEuro', { values, fps, given }, TENSOR, 'number', 'object?');
  const { minCutoff = 1.5, beta = 1, speedCutoff = 1 } = given;
  if (!(fps > 0 && minCutoff > 0 && beta >= 0 && speedCutoff > 0)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `smoothOneEuro: expected positive fps, minCutoff, speedCutoff and beta from 0, got ${fps}, ${minCutoff}, ${speedCutoff}, ${beta}.`,
    );
  }
  const { data, shape } = tensor(values.data, values.shape);
  const [frames] = shape;
  const width = data.length / Math.max(frames, 1);
  const share = (cutoff: number) => 1 / (1 + fps / (2 * Math.PI * cutoff));
  const out = Float32Array.from(data);
  for (let column = 0; column < width; column++) {
    let speed = 0;
    for (let at = column + width; at < out.length; at += width) {
      speed += share(speedCutoff) * ((data[at] - data[at - width]) * fps - speed);
      out[at] = out[at - width] + share(minCutoff + beta * Math.abs(speed)) * (data[at] - out[at - width]);
    }
  }
  return { data: out, shape };
}

/**
 * Savitzky-Golay filter along the frames of (T, ...): each value becomes that of the least-squares polynomial through the
 * window about it; at the ends, the window is moved inside. Returns new data. Throws `ERR_ARGUMENT`.
 */
export function smoothSavitzkyGolay(values: Tensor, given: SavitzkyGolayOptions = {}): Tensor {
  checkArguments('smoothSavitzkyGolay', { values, given }, TENSOR, 'object?');
  const { window = 7, degree = 2 } = given;
  if (!(Number.isInteger(window) && window % 2 === 1 && Number.isInteger(degree) && degree >= 0 && degree < window)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `smoothSavitzkyGolay: expected an odd window and a degree below it, got ${window} and ${degree}.`,
    );
  }
  const { data, shape } = tensor(values.data, values.shape);
  const [frames] = shape;
  const width = data.length / Math.max(frames, 1);
  const length = Math.min(window, frames % 2 === 1 ? frames : frames - 1);
  if (length <= degree) return { data: Float32Array.from(data), shape };
  const half = (length - 1) / 2;
  const weights = Array.from({ length }, (_, at) => fitWeights(length, degree, at - half));
  const out = new Float32Array(data.length);
  for (let frame = 0; frame < frames; frame++) {
    const first = Math.min(Math.max(frame - half, 0), frames - length);
    const row = weights[frame - first];
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let i = 0; i < length; i++) sum += row[i] * data[(first + i) * width + column];
      out[frame * width + column] = sum;
    }
  }
  return { data: out, shape };
}

/** Weights of `length` samples for the value at `at` (0: the middle) of the polynomial fitted to them. */
function fitWeights(length: number, degree: number, at: number): Float64Array {
  const half = (length - 1) / 2;
  // Gram polynomials: orthogonal on the samples, so that the fit is a sum of projections.
  const basis: Float64Array[] = [];
  const valuesAt: number[] = [];
  const points = Array.from({ length }, (_, i) => (i - half) / Math.max(half, 1));
  const target = at / Math.max(half, 1);
  for (let power = 0; power <= degree; power++) {
    const column = Float64Array.from(points, (point) => point ** power);
    let value = target ** power;
    for (const [index, earlier] of basis.entries()) {
      const dot = column.reduce((sum, x, i) => sum + x * earlier[i], 0);
      for (let i = 0; i < length; i++) column[i] -= dot * earlier[i];
      value -= dot * valuesAt[index];
    }
    const norm = Math.sqrt(column.reduce((sum, x) => sum + x * x, 0));
    basis.push(column.map((x) => x / norm));
    valuesAt.push(value / norm);
  }
  return Float64Array.from(points, (_, i) => basis.reduce((sum, column, k) => sum + column[i] * valuesAt[k], 0));
}
