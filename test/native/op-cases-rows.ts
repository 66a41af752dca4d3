import type { OpCase } from './op-case.js';
import {
  all,
  DROPOUT,
  doubles,
  dropoutAttributes,
  FORWARD,
  floats,
  GRADIENT,
  input,
  numericGradients,
} from './op-case.js';
import {
  type AttentionShape,
  attention,
  batchNorm,
  columnMoments,
  dot,
  dropoutScale,
  layerNorm,
  plus,
  times,
} from './reference.js';

interface RowShape {
  rows: number;
  channels: number;
}

/** The last: a row more than one block of a reduction takes. */
const ROWS: RowShape[] = [
  { rows: 1, channels: 3 },
  { rows: 2, channels: 3 },
  { rows: 9, channels: 35 },
  { rows: 300, channels: 64 },
  { rows: 129, channels: 5 },
];
const sizes = ({ rows, channels }: RowShape) => `${rows} x ${channels}`;

function batchNormCases(shape: RowShape): OpCase[] {
  const { rows, channels } = shape;
  const x = input('x', rows, channels);
  const gamma = input('gamma', channels);
  const beta = input('beta', channels);
  const runningMean = input('runningMean', channels);
  const runningVariance = input('runningVariance', channels).map((value) => 1.5 + value);
  const moments = columnMoments(doubles(x), channels);
  const dY = input('dY', rows, channels);
  const before = {
    dX: input('dX', rows, channels),
    dGamma: input('dGamma', channels),
    dBeta: input('dBeta', channels),
  };
  const forward = (training: boolean): OpCase => ({
    op: 'batchNormForward',
    about: `${sizes(shape)}, ${training ? 'training' : 'evaluation'}`,
    attributes: { ...shape, training: Number(training) },
    arrays: () => ({
      x,
      gamma,
      beta,
      runningMean: floats(runningMean),
      runningVariance: floats(runningVariance),
      mean: new Float32Array(channels),
      inverseStd: new Float32Array(channels),
      y: new Float32Array(rows * channels),
    }),
    expected: () => {
      const inverseStd = doubles(runningVariance).map((value) => 1 / Math.sqrt(value + 1e-5));
      const running = { mean: doubles(runningMean), variance: doubles(runningVariance), inverseStd };
      const y = batchNorm(doubles(x), doubles(gamma), doubles(beta), training ? moments : running);
      if (!training) return all({ y, runningMean, runningVariance });
      const unbiased = rows > 1 ? rows / (rows - 1) : 0;
      return all({
        y,
        mean: moments.mean,
        inverseStd: moments.inverseStd,
        runningMean: running.mean.map((value, c) => 0.9 * value + 0.1 * moments.mean[c]),
        runningVariance: running.variance.map((value, c) => 0.9 * value + 0.1 * unbiased * moments.variance[c]),
      });
    },
    tolerance: FORWARD,
    flops: 8 * rows * channels,
  });
  const backward = (accumulate: boolean): OpCase => ({
    op: 'batchNormBackward',
    about: `${sizes(shape)}${accumulate ? ', dX added' : ''}`,
    attributes: { ...shape, accumulate: Number(accumulate) },
    arrays: () => ({
      dY,
      x,
      gamma,
      mean: floats(moments.mean),
      inverseStd: floats(moments.inverseStd),
      dX: floats(before.dX),
      dGamma: floats(before.dGamma),
      dBeta: floats(before.dBeta),
    }),
    expected: () =>
      numericGradients(
        { x: doubles(x), gamma: doubles(gamma), beta: doubles(beta) },
        (t) => dot(dY, batchNorm(t.x, t.gamma, t.beta, columnMoments(t.x, channels))),
        {
          dX: { of: 'x', before: accumulate ? before.dX : undefined },
          dGamma: { of: 'gamma', before: before.dGamma },
          dBeta: { of: 'beta', before: before.dBeta },
        },
      ),
    tolerance: GRADIENT,
    cancels: rows < 3,
    flops: 12 * rows * channels,
  });
  return [forward(true), forward(false), backward(false), backward(true)];
}

function layerNormCases(shape: RowShape): OpCase[] {
  const { rows, channels } = shape;
  const x = input('x', rows, channels);
  const a = input('a', channels).map((value) => 1 + 0.2 * value);
  const b = input('b', channels);
  const dY = input('dY', rows, channels);
  const before = { dX: input('dX', rows, channels), dA: input('dA', channels), dB: input('dB', channels) };
  const truth = layerNorm(doubles(x), doubles(a), doubles(b));
  const backward = (accumulate: boolean): OpCase => ({
    op: 'layerNormBackward',
    about: `${sizes(shape)}${accumulate ? ', dX added' : ''}`,
    attributes: { ...shape, accumulate: Number(accumulate) },
    arrays: () => ({
      dY,
      x,
      a,
      mean: floats(truth.mean),
      std: floats(truth.std),
      dX: floats(before.dX),
      dA: floats(before.dA),
      dB: floats(before.dB),
    }),
    expected: () =>
      numericGradients({ x: doubles(x), a: doubles(a), b: doubles(b) }, (t) => dot(dY, layerNorm(t.x, t.a, t.b).y), {
        dX: { of: 'x', before: accumulate ? before.dX : undefined },
        dA: { of: 'a', before: before.dA },
        dB: { of: 'b', before: before.dB },
      }),
    tolerance: GRADIENT,
    flops: 14 * rows * channels,
  });
  return [
    {
      op: 'layerNormForward',
      about: sizes(shape),
      attributes: { ...shape },
      arrays: () => ({
        x,
        a,
        b,
        y: new Float32Array(rows * channels),
        mean: new Float32Array(rows),
        std: new Float32Array(rows),
      }),
      expected: () => all({ y: truth.y, mean: truth.mean, std: truth.std }),
      tolerance: FORWARD,
      flops: 8 * rows * channels,
    },
    backward(false),
    backward(true),
  ];
}

/** A row of equal values has no direction in which its deviation grows: that term is 0. */
function levelLayerNormCase(): OpCase {
  const [x, a, b] = [new Float32Array(3).fill(0.5), Float32Array.of(1, 0.5, -2), new Float32Array(3)];
  const dY = Float32Array.of(1e-6, 2e-6, 4e-6);
  const g = times(doubles(dY), doubles(a));
  const mean = (g[0] + g[1] + g[2]) / 3;
  return {
    op: 'layerNormBackward',
    about: 'a row of equal values',
    attributes: { rows: 1, channels: 3 },
    arrays: () => ({
      ...{ dY, x, a, mean: Float32Array.of(0.5), std: new Float32Array(1) },
      ...{ dX: new Float32Array(3).fill(9), dA: new Float32Array(3), dB: floats(b) },
    }),
    expected: () => all({ dX: g.map((value) => (value - mean) / 1e-6), dA: new Float64Array(3), dB: dY }),
    tolerance: GRADIENT,
    flops: 42,
  };
}

/** Head widths 32 and 16 are tuned; 10 is not; 27 tokens are no multiple of anything, 33 are one more than a tile. */
const ATTENTION: AttentionShape[] = [
  { batch: 2, tokens: 27, width: 64, heads: 2 },
  { batch: 1, tokens: 49, width: 64, heads: 4 },
  { batch: 3, tokens: 17, width: 40, heads: 4 },
  { batch: 1, tokens: 5, width: 128, heads: 1 },
  { batch: 1, tokens: 33, width: 6, heads: 2 },
];

function attentionCases(shape: AttentionShape): OpCase[] {
  const { batch, tokens, width, heads } = shape;
  const about = `${batch} x ${tokens} tokens, ${heads} heads of ${width / heads}`;
  const qkv = input('qkv', batch, tokens, 3 * width);
  const dOut = input('dOut', batch, tokens, width);
  const flops = 4 * batch * tokens * tokens * width;
  const none = () => dropoutScale(undefined, batch * heads * tokens, tokens);
  const pair = (dropped: boolean): OpCase[] => {
    const keep = dropped ? dropoutScale(DROPOUT, batch * heads * tokens, tokens) : none();
    const truth = attention(doubles(qkv), shape, keep);
    const attributes = { ...shape, ...(dropped && dropoutAttributes) };
    const suffix = dropped ? ', dropout' : '';
    return [
      {
        op: 'attentionForward',
        about: about + suffix,
        attributes,
        arrays: () => ({
          qkv,
          out: new Float32Array(batch * tokens * width),
          logSumExp: new Float32Array(batch * heads * tokens),
        }),
        expected: () => all({ out: truth.out, logSumExp: truth.logSumExp }),
        tolerance: FORWARD,
        flops,
      },
      {
        op: 'attentionBackward',
        about: about + suffix,
        attributes,
        arrays: () => ({
          qkv,
          out: floats(truth.out),
          logSumExp: floats(truth.logSumExp),
          dOut,
          dQkv: new Float32Array(batch * tokens * 3 * width).fill(9),
        }),
        expected: () =>
          numericGradients({ qkv: doubles(qkv) }, (t) => dot(dOut, attention(t.qkv, shape, keep).out), {
            dQkv: { of: 'qkv' },
          }),
        tolerance: GRADIENT,
        flops: 2.5 * flops,
      },
    ];
  };
  return [
    ...pair(false),
    ...pair(true),
    {
      op: 'attentionMaps',
      about,
      attributes: { ...shape },
      arrays: () => ({ qkv, maps: new Float32Array(batch * heads * tokens * tokens) }),
      expected: () => all({ maps: attention(doubles(qkv), shape, none()).maps }),
      tolerance: FORWARD,
      flops: flops / 2,
    },
  ];
}

function dropoutCase(shape: RowShape, inPlace: boolean): OpCase {
  const { rows, channels } = shape;
  const dY = input('dY', rows, channels);
  return {
    op: 'dropoutBackward',
    about: `${sizes(shape)}${inPlace ? ', in place' : ''}`,
    attributes: { ...shape, ...dropoutAttributes },
    arrays: () => {
      const both = floats(dY);
      return { dY: both, dX: inPlace ? both : new Float32Array(both.length).fill(9) };
    },
    expected: () => all({ dX: times(doubles(dY), dropoutScale(DROPOUT, rows, channels)) }),
    tolerance: FORWARD,
    flops: rows * channels,
  };
}

function addCase(count: number): OpCase {
  const x = input('x', count);
  const y = input('y', count);
  return {
    op: 'addForward',
    about: `${count}`,
    attributes: { count },
    arrays: () => ({ x, y: floats(y) }),
    expected: () => all({ y: plus(doubles(x), doubles(y)) }),
    tolerance: FORWARD,
    flops: count,
  };
}

function concatCases(rows: number, left: number, right: number): OpCase[] {
  const a = input('a', rows, left);
  const b = input('b', rows, right);
  const dY = input('dY', rows, left + right);
  const side = (begin: number, width: number, before: Float32Array) =>
    before.map((value, i) => value + dY[Math.floor(i / width) * (left + right) + begin + (i % width)]);
  const joined = Float32Array.from({ length: dY.length }, (_, i) => {
    const [row, column] = [Math.floor(i / (left + right)), i % (left + right)];
    return column < left ? a[row * left + column] : b[row * right + column - left];
  });
  const shape = { rows, left, right };
  return [
    {
      op: 'concatForward',
      about: `${rows} x ${left} + ${right}`,
      attributes: shape,
      arrays: () => ({ a, b, y: new Float32Array(dY.length) }),
      expected: () => all({ y: joined }),
      tolerance: FORWARD,
      flops: 0,
    },
    {
      op: 'concatBackward',
      about: `${rows} x ${left} + ${right}`,
      attributes: shape,
      arrays: () => ({ dY, dA: floats(a), dB: floats(b) }),
      expected: () => all({ dA: side(0, left, a), dB: side(left, right, b) }),
      tolerance: FORWARD,
      flops: rows * (left + right),
    },
  ];
}

/** What works on rows of channels, and attention. */
export const rowCases: OpCase[] = [
  ...ROWS.flatMap((shape) => [
    ...batchNormCases(shape),
    ...layerNormCases(shape),
    dropoutCase(shape, true),
    dropoutCase(shape, false),
  ]),
  levelLayerNormCase(),
  ...ATTENTION.flatMap(attentionCases),
  addCase(1001),
  ...concatCases(9, 51, 20),
];
