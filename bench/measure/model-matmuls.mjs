import { values } from './values.mjs';

/**
 * The operations of P-STMO-S (d = 256, h = 512, N = 27) that are matrix products, one entry a shape: fields of `runOp` by size.
 * `rows` is batch * N.
 */

const LINEAR = [
  ['SEM in', 34, 512],
  ['SEM block', 512, 512],
  ['SEM out', 512, 256],
  ['Q, K, V', 256, 768],
  ['attention out', 256, 256],
  ['feed-forward in', 256, 512],
  ['feed-forward out', 512, 256],
  ['head', 256, 51],
];
const TOKENS = [27, 81, 243];
const KEYPOINT_CHANNELS = 34;
const WIDTH = 256;
const HIDDEN = 512;
const WIDE = 2 * WIDTH;
const HEADS = 8;

function linearCases(name, rows, inputs, outputs) {
  const shape = `${name}: ${rows} x ${inputs} -> ${outputs}`;
  const attributes = { rows, in: inputs, out: outputs };
  const x = values(rows * inputs, 1);
  const weight = values(outputs * inputs, 2);
  const dZ = values(rows * outputs, 3);
  const backward = { op: 'linearBackward', attributes };
  const forward = { x, weight, bias: values(outputs, 4), y: new Float32Array(rows * outputs) };
  return [
    { shape, part: 'forward', op: 'linearForward', attributes, tensors: forward },
    { shape, part: 'dX', ...backward, tensors: { dZ, x, weight, dX: new Float32Array(rows * inputs) } },
    { shape, part: 'dW', ...backward, tensors: { dZ, x, weight, dWeight: new Float32Array(outputs * inputs) } },
  ].filter(({ part }) => part !== 'dX' || inputs > KEYPOINT_CHANNELS); // nothing needs the keypoints' gradient
}

function convolutionCases(batch, tokens) {
  const stride = 3;
  const kept = tokens / stride;
  const shape = `MOFA convolution, stride 3: ${batch * kept} x 3 x ${HIDDEN} -> ${WIDTH}`;
  const attributes = { batch, tokens, stride, in: HIDDEN, out: WIDTH };
  const x = values(batch * tokens * HIDDEN, 1);
  const weight = values(WIDTH * HIDDEN * 3, 2);
  const residual = values(batch * tokens * WIDTH, 3);
  const forward = { x, weight, bias: values(WIDTH, 4), residual, y: new Float32Array(batch * kept * WIDTH) };
  const backward = {
    dZ: values(batch * kept * WIDTH, 5),
    ...{ x, weight, dX: new Float32Array(x.length), dWeight: new Float32Array(weight.length) },
    dBias: new Float32Array(WIDTH),
  };
  return [
    { shape, part: 'forward', op: 'stridedConvForward', attributes, tensors: forward },
    { shape, part: 'dX and dW', op: 'stridedConvBackward', attributes, tensors: backward },
  ];
}

function attentionCases(rows, tokens) {
  const batch = Math.max(1, Math.round(rows / tokens));
  const attributes = { batch, tokens, width: WIDTH, heads: HEADS };
  const shape = `attention, n = ${tokens}: ${batch} windows, ${HEADS} heads of ${WIDTH / HEADS}`;
  const qkv = values(batch * tokens * 3 * WIDTH, 1);
  const out = values(batch * tokens * WIDTH, 2);
  const logSumExp = new Float32Array(batch * HEADS * tokens).fill(4);
  const backward = { qkv, out, logSumExp, dOut: values(out.length, 3), dQkv: new Float32Array(qkv.length) };
  return [
    {
      ...{ shape, part: 'forward', op: 'attentionForward', attributes },
      tensors: { qkv, out: new Float32Array(out.length), logSumExp: new Float32Array(logSumExp.length) },
    },
    { shape, part: 'backward', op: 'attentionBackward', attributes, tensors: backward },
    {
      ...{ shape, part: 'weights alone', op: 'attentionMaps', attributes },
      tensors: { qkv, maps: new Float32Array(batch * HEADS * tokens * tokens) },
    },
  ];
}

/** The product of SEM with what is fused into it: batch statistics, LeakyReLU and dropout. */
function spatialBlockCases(rows) {
  const shape = `SEM block fused: ${rows} x ${WIDE} -> ${WIDE}, training`;
  const dropout = { dropoutRate: 0.1, dropoutSeed: 1, dropoutStep: 1, dropoutSite: 1 };
  const attributes = { rows, in: WIDE, out: WIDE, ...dropout };
  const channel = (seed) => values(WIDE, seed).map((value) => 1 + 0.1 * value);
  const shared = { x: values(rows * WIDE, 1), weight: values(WIDE * WIDE, 2), gamma: channel(3), beta: channel(4) };
  const activation = () => new Float32Array(rows * WIDE);
  const forward = {
    ...shared,
    ...{ bias: channel(5), residual: shared.x, runningMean: channel(6), runningVariance: channel(7) },
    ...{ z: activation(), mean: new Float32Array(WIDE), inverseStd: new Float32Array(WIDE), y: activation() },
  };
  const backward = {
    ...shared,
    ...{ dY: values(rows * WIDE, 8), z: values(rows * WIDE, 9), mean: channel(10), inverseStd: channel(11) },
    ...{ dZ: activation(), dX: activation(), dWeight: new Float32Array(WIDE * WIDE), dBias: new Float32Array(WIDE) },
    ...{ dGamma: new Float32Array(WIDE), dBeta: new Float32Array(WIDE) },
  };
  return [
    {
      ...{ shape, part: 'forward', op: 'spatialBlockForward', attributes: { ...attributes, training: 1 } },
      tensors: forward,
    },
    {
      ...{ shape, part: 'dX and dW', op: 'spatialBlockBackward', attributes: { ...attributes, accumulate: 0 } },
      tensors: backward,
    },
  ];
}

/** All matrix products for `rows` rows. */
export function matmulCases(rows) {
  const batch = Math.max(1, Math.round(rows / TOKENS[0]));
  return [
    ...LINEAR.flatMap(([name, inputs, outputs]) => linearCases(name, rows, inputs, outputs)),
    ...spatialBlockCases(rows),
    ...convolutionCases(batch, TOKENS[0]),
    ...TOKENS.flatMap((tokens) => attentionCases(rows, tokens)),
  ];
}
