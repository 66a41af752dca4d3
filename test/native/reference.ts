import { philox4x32 } from '../../lib/base/random.js';

/** The operations of native/ops/operations.h written plainly in double precision: what kernels are judged by. */
export type Doubles = Float64Array;

export interface DropoutState {
  rate: number;
  seed: number;
  step: number;
  site: number;
}

/** 0 where dropped, 1 / (1 - rate) where kept, of a (rows, width) matrix; all 1 without dropout. */
export function dropoutScale(dropout: DropoutState | undefined, rows: number, width: number): Doubles {
  if (!dropout) return new Float64Array(rows * width).fill(1);
  const threshold = Math.floor(Math.fround(dropout.rate) * 2 ** 32);
  const kept = Math.fround(1 / Math.fround(1 - Math.fround(dropout.rate)));
  return Float64Array.from({ length: rows * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    const group = Math.floor(row / 2) * Math.ceil(width / 32) + Math.floor(column / 32);
    const counter = group * 16 + (column % 16);
    const words = Uint32Array.of(counter, Math.floor(counter / 2 ** 32), dropout.step, dropout.site);
    philox4x32(words, dropout.seed, Math.floor(dropout.seed / 2 ** 32));
    return words[(row % 2) * 2 + (Math.floor(column / 16) % 2)] >= threshold ? kept : 0;
  });
}

/** The order of a window's frames where they are shuffled: Fisher and Yates by words of Philox. */
export function permutation(frames: number, seed: number, step: number, sample: number): number[] {
  const order = Array.from({ length: frames }, (_, i) => i);
  for (let i = frames - 1; i > 0; i--) {
    const words = Uint32Array.of(i, sample, step, 0xffffffff);
    philox4x32(words, seed, Math.floor(seed / 2 ** 32));
    const other = Math.floor((words[0] * (i + 1)) / 2 ** 32);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

/** x (rows, in) times weight (out, in) transposed, + bias. */
export function linear(
  x: Doubles,
  weight: Doubles,
  bias: Doubles | undefined,
  inputs: number,
  outputs: number,
): Doubles {
  const rows = x.length / inputs;
  const y = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias ? bias[o] : 0;
      for (let i = 0; i < inputs; i++) sum += x[r * inputs + i] * weight[o * inputs + i];
      y[r * outputs + o] = sum;
    }
  }
  return y;
}

export interface Moments {
  mean: Doubles;
  variance: Doubles;
  inverseStd: Doubles;
}

/** Mean and biased variance of each column. */
export function columnMoments(x: Doubles, channels: number): Moments {
  const rows = x.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  x.forEach((value, i) => {
    mean[i % channels] += value / rows;
  });
  x.forEach((value, i) => {
    variance[i % channels] += (value - mean[i % channels]) ** 2 / rows;
  });
  return { mean, variance, inverseStd: variance.map((value) => 1 / Math.sqrt(value + 1e-5)) };
}

export function batchNorm(x: Doubles, gamma: Doubles, beta: Doubles, moments: Moments): Doubles {
  const channels = gamma.length;
  return x.map((value, i) => {
    const c = i % channels;
    return gamma[c] * (value - moments.mean[c]) * moments.inverseStd[c] + beta[c];
  });
}

export function leakyRelu(x: Doubles): Doubles {
  return x.map((value) => (value > 0 ? value : 0.2 * value));
}

export function relu(x: Doubles): Doubles {
  return x.map((value) => Math.max(value, 0));
}

export function times(a: Doubles, b: Doubles): Doubles {
  return a.map((value, i) => value * b[i]);
}

export function plus(a: Doubles, b: Doubles): Doubles {
  return a.map((value, i) => value + b[i]);
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a (x - mean) / (std + 1e-6) + b; std unbiased. */
export function layerNorm(x: Doubles, a: Doubles, b: Doubles): { y: Doubles; mean: Doubles; std: Doubles } {
  const channels = a.length;
  const rows = x.length / channels;
  const mean = new Float64Array(rows);
  const std = new Float64Array(rows);
  const y = new Float64Array(x.length);
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * channels, (r + 1) * channels);
    mean[r] = row.reduce((sum, value) => sum + value, 0) / channels;
    std[r] = Math.sqrt(row.reduce((sum, value) => sum + (value - mean[r]) ** 2, 0) / (channels - 1));
    for (let c = 0; c < channels; c++) y[r * channels + c] = (a[c] * (row[c] - mean[r])) / (std[r] + 1e-6) + b[c];
  }
  return { y, mean, std };
}

export interface AttentionShape {
  batch: number;
  tokens: number;
  width: number;
  heads: number;
}

/** softmax(Q K^T / sqrt(w)) V a head; `keep` scales the weights, (B heads n, n). */
export function attention(
  qkv: Doubles,
  { batch, tokens, width, heads }: AttentionShape,
  keep: Doubles,
): { out: Doubles; logSumExp: Doubles; maps: Doubles } {
  const w = width / heads;
  const out = new Float64Array(batch * tokens * width);
  const logSumExp = new Float64Array(batch * heads * tokens);
  const maps = new Float64Array(batch * heads * tokens * tokens);
  const at = (b: number, n: number, part: number, head: number) => ((b * tokens + n) * 3 + part) * width + head * w;
  for (let b = 0; b < batch; b++) {
    for (let head = 0; head < heads; head++) {
      for (let i = 0; i < tokens; i++) {
        const row = (b * heads + head) * tokens + i;
        const scores = Array.from({ length: tokens }, (_, j) => {
          const [q, k] = [at(b, i, 0, head), at(b, j, 1, head)];
          return dot(qkv.subarray(q, q + w), qkv.subarray(k, k + w)) / Math.sqrt(w);
        });
        const largest = Math.max(...scores);
        const sum = scores.reduce((total, score) => total + Math.exp(score - largest), 0);
        logSumExp[row] = largest + Math.log(sum);
        for (let j = 0; j < tokens; j++) {
          const weight = Math.exp(scores[j] - logSumExp[row]);
          maps[row * tokens + j] = weight;
          const v = at(b, j, 2, head);
          for (let c = 0; c < w; c++) {
            out[(b * tokens + i) * width + head * w + c] += weight * keep[row * tokens + j] * qkv[v + c];
          }
        }
      }
    }
  }
  return { out, logSumExp, maps };
}

export interface ConvolutionShape {
  batch: number;
  tokens: number;
  stride: number;
  in: number;
  out: number;
}

/** Kernel 3, padding 1 over time, x (B, n, in), weight (out, in, 3). */
export function convolution(x: Doubles, weight: Doubles, bias: Doubles, shape: ConvolutionShape): Doubles {
  const { batch, tokens, stride, in: inputs, out: outputs } = shape;
  const outTokens = Math.ceil(tokens / stride);
  const y = new Float64Array(batch * outTokens * outputs);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < outTokens; i++) {
      for (let o = 0; o < outputs; o++) {
        let sum = bias[o];
        for (let tap = 0; tap < 3; tap++) {
          const token = stride * i + tap - 1;
          if (token < 0 || token >= tokens) continue;
          for (let c = 0; c < inputs; c++) {
            sum += weight[(o * inputs + c) * 3 + tap] * x[(b * tokens + token) * inputs + c];
          }
        }
        y[(b * outTokens + i) * outputs + o] = sum;
      }
    }
  }
  return y;
}

/** Every stride-th token of x (B, n, channels). */
export function everyToken(x: Doubles, batch: number, tokens: number, stride: number): Doubles {
  const channels = x.length / (batch * tokens);
  const outTokens = Math.ceil(tokens / stride);
  return Float64Array.from({ length: batch * outTokens * channels }, (_, index) => {
    const row = Math.floor(index / channels);
    const token = Math.floor(row / outTokens) * tokens + (row % outTokens) * stride;
    return x[token * channels + (index % channels)];
  });
}

/** Mean joint distance. */
export function poseLoss(predicted: Doubles, target: Doubles, coordinates: number): number {
  const joints = predicted.length / coordinates;
  let sum = 0;
  for (let joint = 0; joint < joints; joint++) {
    const d = Array.from(
      { length: coordinates },
      (_, c) => predicted[joint * coordinates + c] - target[joint * coordinates + c],
    );
    sum += Math.hypot(...d);
  }
  return sum / joints;
}
