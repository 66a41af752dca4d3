import type { OpCase } from './op-case.js';
import {
  all,
  BF16,
  DROPOUT,
  doubles,
  dropoutAttributes,
  FORWARD,
  floats,
  GRADIENT,
  input,
  numericGradients,
} from './op-case.js';
import { batchNorm, columnMoments, dot, dropoutScale, leakyRelu, linear, plus, relu, times } from './reference.js';

interface LinearShape {
  rows: number;
  in: number;
  out: number;
}

/** Awkward on purpose (no multiple of a vector or tile), and large enough for several tiles and threads. */
const SHAPES: LinearShape[] = [
  { rows: 7, in: 34, out: 51 },
  { rows: 150, in: 70, out: 96 },
];

/** A row more than one block of a weight gradient takes, a row less than two tiles. */
const TALL: LinearShape = { rows: 1025, in: 5, out: 6 };
const NEARLY_TWO_TILES: LinearShape = { rows: 127, in: 5, out: 6 };

const sizes = ({ rows, in: inputs, out }: LinearShape) => `${rows} x ${inputs} -> ${out}`;

function linearForward(shape: LinearShape, fused: boolean): OpCase {
  const { rows, in: inputs, out } = shape;
  const x = input('x', rows, inputs);
  const weight = input('weight', out, inputs);
  const bias = input('bias', out);
  const residual = input('residual', rows, out);
  return {
    op: 'linearForward',
    about: fused ? `${sizes(shape)}, ReLU, dropout, + y` : sizes(shape),
    attributes: { ...shape, ...(fused && { relu: 1, ...dropoutAttributes }) },
    arrays: () => {
      const y = fused ? floats(residual) : new Float32Array(rows * out);
      return { x, weight, y, ...(fused && { bias, residual: y }) };
    },
    expected: () => {
      const z = linear(doubles(x), doubles(weight), fused ? doubles(bias) : undefined, inputs, out);
      if (!fused) return all({ y: z });
      return all({ y: plus(times(relu(z), dropoutScale(DROPOUT, rows, out)), doubles(residual)) });
    },
    tolerance: FORWARD,
    bf16Tolerance: BF16,
  };
}

/** With `through`: x is the output of ReLU and dropout, and dX goes back through them and is added. */
function linearBackward(shape: LinearShape, through: boolean): OpCase {
  const { rows, in: inputs, out } = shape;
  const u = input('u', rows, inputs);
  const keep = through ? dropoutScale(DROPOUT, rows, inputs) : undefined;
  const activate = (value: Float64Array) => (keep ? times(relu(value), keep) : value);
  const x = floats(activate(doubles(u)));
  const weight = input('weight', out, inputs);
  const dZ = input('dZ', rows, out);
  const before = { dX: input('dX', rows, inputs), dWeight: input('dWeight', out, inputs), dBias: input('dBias', out) };
  return {
    op: 'linearBackward',
    about: through ? `${sizes(shape)}, through ReLU and dropout, dX added` : sizes(shape),
    attributes: { ...shape, ...(through && { accumulate: 1, reluScale: 1 / (1 - DROPOUT.rate) }) },
    arrays: () => ({
      dZ,
      x,
      weight,
      dX: floats(before.dX),
      dWeight: floats(before.dWeight),
      dBias: floats(before.dBias),
      ...(through && { reluOutput: x }),
    }),
    expected: () =>
      numericGradients(
        { u: doubles(u), weight: doubles(weight), bias: new Float64Array(out) },
        (t) => dot(dZ, linear(activate(t.u), t.weight, t.bias, inputs, out)),
        {
          dX: { of: 'u', before: through ? before.dX : undefined },
          dWeight: { of: 'weight', before: before.dWeight },
          dBias: { of: 'bias', before: before.dBias },
        },
      ),
    tolerance: GRADIENT,
    bf16Tolerance: BF16,
  };
}

function blockInputs({ rows, in: inputs, out }: LinearShape) {
  return {
    x: input('x', rows, inputs),
    weight: input('weight', out, inputs),
    bias: input('bias', out),
    gamma: input('gamma', out).map((value) => 1 + 0.3 * value),
    beta: input('beta', out),
    residual: input('residual', rows, out),
    runningMean: input('runningMean', out),
    runningVariance: input('runningVariance', out).map((value) => 1.5 + value),
  };
}

function spatialBlockForward(shape: LinearShape, training: boolean): OpCase {
  const { rows, in: inputs, out } = shape;
  const t = blockInputs(shape);
  return {
    op: 'spatialBlockForward',
    about: `${sizes(shape)}, ${training ? 'training with dropout' : 'evaluation'}`,
    attributes: { ...shape, training: Number(training), ...(training && dropoutAttributes) },
    arrays: () => ({
      ...t,
      runningMean: floats(t.runningMean),
      runningVariance: floats(t.runningVariance),
      z: new Float32Array(rows * out),
      mean: new Float32Array(out),
      inverseStd: new Float32Array(out),
      y: new Float32Array(rows * out),
    }),
    expected: () => {
      const z = linear(doubles(t.x), doubles(t.weight), doubles(t.bias), inputs, out);
      const own = columnMoments(z, out);
      const running = {
        mean: doubles(t.runningMean),
        variance: doubles(t.runningVariance),
        inverseStd: doubles(t.runningVariance).map((value) => 1 / Math.sqrt(value + 1e-5)),
      };
      const normal = leakyRelu(batchNorm(z, doubles(t.gamma), doubles(t.beta), training ? own : running));
      const y = plus(times(normal, dropoutScale(training ? DROPOUT : undefined, rows, out)), doubles(t.residual));
      if (!training) return all({ y, runningMean: t.runningMean, runningVariance: t.runningVariance });
      const unbiased = rows / (rows - 1);
      return all({
        y,
        z,
        mean: own.mean,
        inverseStd: own.inverseStd,
        runningMean: running.mean.map((value, i) => 0.9 * value + 0.1 * own.mean[i]),
        runningVariance: running.variance.map((value, i) => 0.9 * value + 0.1 * unbiased * own.variance[i]),
      });
    },
    tolerance: 2 * FORWARD,
    bf16Tolerance: 3 * BF16,
  };
}

function spatialBlockBackward(shape: LinearShape): OpCase {
  const { rows, in: inputs, out } = shape;
  const t = blockInputs(shape);
  const dY = input('dY', rows, out);
  const keep = dropoutScale(DROPOUT, rows, out);
  const z = linear(doubles(t.x), doubles(t.weight), doubles(t.bias), inputs, out);
  const moments = columnMoments(z, out);
  const before = {
    dX: input('dX', rows, inputs),
    dWeight: input('dWeight', out, inputs),
    dBias: input('dBias', out),
    dGamma: input('dGamma', out),
    dBeta: input('dBeta', out),
  };
  return {
    op: 'spatialBlockBackward',
    about: `${sizes(shape)}, dropout, dX added`,
    attributes: { ...shape, accumulate: 1, ...dropoutAttributes },
    arrays: () => ({
      dY,
      x: t.x,
      weight: t.weight,
      gamma: t.gamma,
      beta: t.beta,
      z: floats(z),
      mean: floats(moments.mean),
      inverseStd: floats(moments.inverseStd),
      dZ: new Float32Array(rows * out),
      dX: floats(before.dX),
      dWeight: floats(before.dWeight),
      dBias: floats(before.dBias),
      dGamma: floats(before.dGamma),
      dBeta: floats(before.dBeta),
    }),
    expected: () =>
      numericGradients(
        {
          ...{ x: doubles(t.x), weight: doubles(t.weight), bias: doubles(t.bias) },
          ...{ gamma: doubles(t.gamma), beta: doubles(t.beta) },
        },
        (v) => {
          const own = linear(v.x, v.weight, v.bias, inputs, out);
          return dot(dY, times(leakyRelu(batchNorm(own, v.gamma, v.beta, columnMoments(own, out))), keep));
        },
        {
          dX: { of: 'x', before: before.dX },
          dWeight: { of: 'weight', before: before.dWeight },
          dBias: { of: 'bias', before: before.dBias },
          dGamma: { of: 'gamma', before: before.dGamma },
          dBeta: { of: 'beta', before: before.dBeta },
        },
      ),
    tolerance: GRADIENT,
    bf16Tolerance: BF16,
  };
}

/** ReLU and dropout without a residual: the hidden rows of a feed-forward. */
function hiddenForward(shape: LinearShape): OpCase {
  const { rows, in: inputs, out } = shape;
  const x = input('x', rows, inputs);
  const weight = input('weight', out, inputs);
  const bias = input('bias', out);
  return {
    op: 'linearForward',
    about: `${sizes(shape)}, ReLU, dropout`,
    attributes: { ...shape, relu: 1, ...dropoutAttributes },
    arrays: () => ({ x, weight, bias, y: new Float32Array(rows * out) }),
    expected: () => {
      const z = linear(doubles(x), doubles(weight), doubles(bias), inputs, out);
      return all({ y: times(relu(z), dropoutScale(DROPOUT, rows, out)) });
    },
    tolerance: FORWARD,
    bf16Tolerance: BF16,
  };
}

export const linearCases: OpCase[] = [
  ...SHAPES.flatMap((shape) => [
    linearForward(shape, false),
    linearForward(shape, true),
    linearBackward(shape, false),
    linearBackward(shape, true),
    spatialBlockForward(shape, true),
    spatialBlockForward(shape, false),
    spatialBlockBackward(shape),
  ]),
  hiddenForward(SHAPES[1]),
  linearBackward(TALL, false),
  spatialBlockForward(TALL, true),
  spatialBlockForward(NEARLY_TWO_TILES, true),
];
