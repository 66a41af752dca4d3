import { values } from './values.mjs';

/**
 * The operations of P-STMO-S that memory bounds, at its shapes (d = 256, N = 27): fields of `runOp`. `rows` is
 * batch * N.
 */

const WIDTH = 256;
const HIDDEN = 512;
const NARROW = 128;
const TOKENS = 27;
const STRIDE = 3;
const VISIBLE = 6;
const JOINTS = 17;
const PARAMETERS = 4_682_598;
const SEQUENCE_FRAMES = 5000;
const DROPOUT = { dropoutRate: 0.1, dropoutSeed: 1, dropoutStep: 1, dropoutSite: 1 };
const MIRROR = Int32Array.of(0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13);

const empty = (length) => new Float32Array(length);
/** Near one. */
const factors = (length, seed) => values(length, seed).map((value) => 1 + 0.1 * value);
const order = () => Int32Array.from({ length: TOKENS }, (_, i) => (i * 5 + 2) % TOKENS);

/** Forward on `forward`, backward on `backward`; `more` are attributes of backward alone. */
function pair(shape, name, attributes, forward, backward, more) {
  return [
    { shape, part: 'forward', op: `${name}Forward`, attributes, tensors: forward },
    { shape, part: 'backward', op: `${name}Backward`, attributes: { ...attributes, ...more }, tensors: backward },
  ];
}

function normCases(rows) {
  const size = rows * WIDTH;
  const [x, dY] = [values(size, 1), values(size, 2)];
  const shape = `${rows} x ${WIDTH}`;
  const attributes = { rows, channels: WIDTH };
  const row = { mean: empty(rows), std: empty(rows).fill(1) };
  const channel = { mean: empty(WIDTH), inverseStd: empty(WIDTH).fill(1) };
  const layer = { a: factors(WIDTH, 3) };
  const batch = { gamma: factors(WIDTH, 3) };
  // dX is added to where others have written it: it is read as well.
  const layerNorm = pair(
    `layer norm: ${shape}`,
    'layerNorm',
    attributes,
    { x, ...layer, b: values(WIDTH, 4), y: empty(size), ...row },
    { dY, x, ...layer, ...row, dX: empty(size), dA: empty(WIDTH), dB: empty(WIDTH) },
    { accumulate: 1 },
  );
  const running = { runningMean: empty(WIDTH), runningVariance: empty(WIDTH).fill(1) };
  const [forward, backward] = pair(
    `batch norm: ${shape}`,
    'batchNorm',
    attributes,
    { x, ...batch, beta: values(WIDTH, 4), ...running, ...channel, y: empty(size) },
    { dY, x, ...batch, ...channel, dX: empty(size), dGamma: empty(WIDTH), dBeta: empty(WIDTH) },
  );
  forward.attributes = { ...attributes, training: 1 };
  backward.attributes = { ...attributes, accumulate: 0 };
  return [...layerNorm, forward, backward];
}

function tokenCases(batch) {
  const rows = batch * TOKENS;
  const size = rows * WIDTH;
  const kept = batch * Math.ceil(TOKENS / STRIDE) * WIDTH;
  const [seen, all] = [batch * VISIBLE * NARROW, rows * NARROW];
  const points = rows * JOINTS * 2;
  const mask = Uint8Array.from({ length: TOKENS * JOINTS }, (_, i) => Number((i * 7) % 5 < 2));
  const windows = `${batch} x ${TOKENS}`;
  return [
    {
      ...{ shape: `dropout: ${rows} x ${HIDDEN}`, part: 'backward', op: 'dropoutBackward' },
      attributes: { rows, channels: HIDDEN, ...DROPOUT },
      tensors: { dY: values(rows * HIDDEN, 1), dX: empty(rows * HIDDEN) },
    },
    {
      ...{ shape: `strided residual: ${windows} x ${WIDTH}`, part: 'backward', op: 'stridedResidualBackward' },
      attributes: { batch, tokens: TOKENS, stride: STRIDE, channels: WIDTH },
      tensors: { dY: values(kept, 1), dResidual: empty(size) },
    },
    ...pair(
      `positions: ${windows} x ${WIDTH}`,
      'positions',
      { batch, tokens: TOKENS, outTokens: TOKENS, channels: WIDTH, tableLength: TOKENS },
      { x: values(size, 1), table: values(TOKENS * WIDTH, 2), y: empty(size) },
      { dY: values(size, 1), dX: empty(size), dTable: empty(TOKENS * WIDTH) },
    ),
    ...pair(
      `decoder input: ${windows} x ${NARROW}`,
      'decoderInput',
      { batch, tokens: TOKENS, visible: VISIBLE, channels: NARROW },
      {
        ...{ x: values(seen, 1), token: values(NARROW, 2), table: values(TOKENS * NARROW, 3) },
        ...{ order: order(), y: empty(all) },
      },
      {
        ...{ dY: values(all, 1), order: order(), dX: empty(seen) },
        ...{ dToken: empty(NARROW), dTable: empty(TOKENS * NARROW) },
      },
    ),
    ...pair(
      `joint mask: ${windows} x ${JOINTS}`,
      'jointMask',
      { batch, frames: TOKENS, joints: JOINTS },
      { x: values(points, 1), mask, token: values(2, 2), y: empty(points) },
      { dY: values(points, 1), mask, dToken: empty(2) },
    ),
    {
      ...{ shape: `add: ${rows} x ${WIDTH}`, part: 'forward', op: 'addForward', attributes: { count: size } },
      tensors: { x: values(size, 1), y: empty(size) },
    },
  ];
}

function poseCases(batch) {
  const rows = batch * TOKENS;
  const pose = 3 * JOINTS;
  const [all, one] = [rows * pose, batch * pose];
  const points = batch * JOINTS * 2;
  const samples = Int32Array.from({ length: 3 * batch }, (_, i) => [0, (i * 37) % SEQUENCE_FRAMES, (i / 3) & 1][i % 3]);
  const shape = { rows: batch, joints: JOINTS };
  const depth = values(batch * 3, 5).map((value, i) => (i % 3 === 2 ? 4 + value : value));
  const camera = Float32Array.from({ length: batch * 4 }, (_, i) => (i % 4 < 2 ? 2.3 : 0));
  const refined = { logits: values(points, 1), predicted: values(one, 2), backProjected: values(one, 3) };
  return [
    {
      ...{ shape: `loss: ${rows} poses`, part: 'forward and backward', op: 'poseLoss' },
      attributes: { rows, joints: JOINTS, coordinates: 3, weight: 1 },
      tensors: { predicted: values(all, 1), target: values(all, 2), loss: empty(1), dPredicted: empty(all) },
    },
    {
      ...{ shape: `Adam: ${PARAMETERS} parameters`, part: 'step', op: 'adamStep' },
      attributes: { count: PARAMETERS, learningRate: 1e-6, step: 7 },
      tensors: {
        ...{ value: values(PARAMETERS, 1), gradient: values(PARAMETERS, 2), mean: values(PARAMETERS, 3) },
        ...{ variance: factors(PARAMETERS, 4), maximum: factors(PARAMETERS, 4) },
      },
    },
    {
      ...{ shape: `window gather: ${batch} x ${TOKENS}`, part: 'forward', op: 'windowGather' },
      attributes: {
        ...{ batch, frames: TOKENS, stride: 1, joints: JOINTS, coordinates: 2, rootJoint: -1 },
        ...{ sequences: 1, sourceFrames: SEQUENCE_FRAMES, seed: 0, step: 0 },
      },
      tensors: {
        ...{ start: Int32Array.of(0), length: Int32Array.of(SEQUENCE_FRAMES), samples, mirror: MIRROR },
        ...{ source: values(SEQUENCE_FRAMES * JOINTS * 2, 1), y: empty(rows * JOINTS * 2) },
      },
    },
    {
      ...{ shape: `mirror mean: ${batch} poses`, part: 'forward', op: 'mirrorMean', attributes: shape },
      tensors: { plain: values(one, 1), mirrored: values(one, 2), mirror: MIRROR, y: empty(one) },
    },
    ...pair(
      `back-projection: ${batch} poses`,
      'backProject',
      { ...shape, rootJoint: 0 },
      { predicted: refined.predicted, keypoints: refined.logits, root: depth, camera, y: empty(one) },
      { dY: values(one, 4), keypoints: refined.logits, camera, dPredicted: empty(one) },
    ),
    ...pair(
      `refining: ${batch} poses`,
      'refineBlend',
      shape,
      { ...refined, y: empty(one) },
      {
        ...{ ...refined, dY: values(one, 4), dLogits: empty(points) },
        ...{ dPredicted: empty(one), dBackProjected: empty(one) },
      },
    ),
    ...pair(
      `concatenation: ${batch} x ${pose} + ${pose}`,
      'concat',
      { rows: batch, left: pose, right: pose },
      { a: values(one, 1), b: values(one, 2), y: empty(2 * one) },
      { dY: values(2 * one, 3), dA: empty(one), dB: empty(one) },
    ),
  ];
}

/** All of them for `rows` rows. */
export function rowCases(rows) {
  const batch = Math.max(1, Math.round(rows / TOKENS));
  return [...normCases(rows), ...tokenCases(batch), ...poseCases(batch)];
}
