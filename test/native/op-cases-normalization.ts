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
import { batchNorm, columnMoments, dot, dropoutScale, layerNorm, times } from './reference.js';

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
  };
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
  };
}

export const normalizationCases: OpCase[] = [
  ...ROWS.flatMap((shape) => [
    ...batchNormCases(shape),
    ...layerNormCases(shape),
    dropoutCase(shape, true),
    dropoutCase(shape, false),
  ]),
  levelLayerNormCase(),
];
