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
import { type ConvolutionShape, convolution, dot, dropoutScale, everyToken, plus, relu, times } from './reference.js';

/** The last is wide enough for products in bf16. */
const CONVOLUTIONS: ConvolutionShape[] = [
  { batch: 2, tokens: 9, stride: 1, in: 34, out: 20 },
  { batch: 3, tokens: 27, stride: 3, in: 70, out: 48 },
  { batch: 2, tokens: 13, stride: 9, in: 16, out: 33 },
  { batch: 2, tokens: 27, stride: 3, in: 64, out: 24 },
  { batch: 3, tokens: 13, stride: 9, in: 32, out: 16 },
  { batch: 3, tokens: 9, stride: 3, in: 66, out: 64 },
];

function convolutionCases(shape: ConvolutionShape): OpCase[] {
  const { batch, tokens, stride, in: inputs, out } = shape;
  const outTokens = Math.ceil(tokens / stride);
  const about = `${batch} x ${tokens} tokens, stride ${stride}, ${inputs} -> ${out}`;
  const u = input('u', batch, tokens, inputs);
  const keep = dropoutScale(DROPOUT, batch * tokens, inputs);
  const activate = (value: Float64Array) => times(relu(value), keep);
  const x = floats(activate(doubles(u)));
  const weight = input('weight', out, inputs, 3);
  const bias = input('bias', out);
  const residual = input('residual', batch, tokens, out);
  const dZ = input('dZ', batch, outTokens, out);
  const before = { dWeight: input('dWeight', out, inputs, 3), dBias: input('dBias', out) };
  const dResidual = input('dResidual', batch, tokens, out);
  return [
    {
      op: 'stridedConvForward',
      about: `${about}, dropout`,
      attributes: { ...shape, ...dropoutAttributes },
      arrays: () => ({ x, weight, bias, residual, y: new Float32Array(batch * outTokens * out) }),
      expected: () => {
        const z = convolution(doubles(x), doubles(weight), doubles(bias), shape);
        const kept = times(z, dropoutScale(DROPOUT, batch * outTokens, out));
        return all({ y: plus(kept, everyToken(doubles(residual), batch, tokens, stride)) });
      },
      tolerance: FORWARD,
      bf16Tolerance: BF16,
    },
    {
      op: 'stridedConvBackward',
      about: `${about}, through ReLU and dropout`,
      attributes: { ...shape, reluScale: 1 / (1 - DROPOUT.rate) },
      arrays: () => ({
        dZ,
        x,
        weight,
        reluOutput: x,
        dX: new Float32Array(batch * tokens * inputs).fill(9),
        dWeight: floats(before.dWeight),
        dBias: floats(before.dBias),
      }),
      expected: () =>
        numericGradients(
          { u: doubles(u), weight: doubles(weight), bias: doubles(bias) },
          (t) => dot(dZ, convolution(activate(t.u), t.weight, t.bias, shape)),
          {
            dX: { of: 'u' },
            dWeight: { of: 'weight', before: before.dWeight },
            dBias: { of: 'bias', before: before.dBias },
          },
        ),
      tolerance: GRADIENT,
      bf16Tolerance: BF16,
    },
    {
      op: 'stridedResidualBackward',
      about,
      attributes: { batch, tokens, stride, channels: out },
      arrays: () => ({ dY: dZ, dResidual: floats(dResidual) }),
      expected: () =>
        numericGradients(
          { residual: doubles(residual) },
          (t) => dot(dZ, everyToken(t.residual, batch, tokens, stride)),
          { dResidual: { of: 'residual', before: dResidual } },
        ),
      tolerance: GRADIENT,
    },
  ];
}

export const stridedConvCases: OpCase[] = CONVOLUTIONS.flatMap(convolutionCases);
