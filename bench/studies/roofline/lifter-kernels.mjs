// What the kernels of the compiled lifter on CUDA (native/inference/cuda) compute and move for a batch of windows, as they are written now: bf16
// between the kernels, the residual stream in fp32.
import { strideTable } from '../../../dist/networks/strides.js';

/** @typedef {{ op: string, shape: string, flops: number, bytes: number, l2: number, exponentials: number, exact: boolean }} KernelRow */

/** Bytes of an element between kernels, and of the residual stream. */
const HALF = 2;
const FLOAT = 4;
/** Rows of a block: of the products and of attention; columns of a tile. */
const PRODUCT_ROWS = 128;
const ATTENTION_ROWS = 64;
const TILE_COLUMNS = 128;
/** Windows, and tokens of each, that a block gives their first Q, K and V. */
const TOGETHER = 8;

/** A product of `rows` rows: `left` and `out` are bytes a row, read once and written once; `l2` is what its blocks read from L2. */
function product(
  name,
  rows,
  inside,
  outside,
  { left, out, blockRows = PRODUCT_ROWS, gathered = false, exact = false },
) {
  const weights = inside * outside * (exact ? FLOAT : HALF);
  const passes = gathered ? Math.ceil(outside / TILE_COLUMNS) : 1;
  return {
    op: name,
    shape: `${rows} x ${inside} -> ${outside}`,
    flops: 2 * rows * inside * outside,
    bytes: rows * (left + out) + weights,
    l2: Math.ceil(rows / blockRows) * weights + rows * left * passes,
    exponentials: 0,
    exact,
  };
}

function layer(windows, tokens, stride, { width, hidden, heads }, projected = false) {
  const out = stride > 0 ? Math.ceil(tokens / stride) : tokens;
  const kept = stride >= 3 ? 3 * out - 1 : tokens;
  const taps = stride > 0 ? 3 : 1;
  const rows = windows * tokens;
  const keptRows = windows * kept;
  const output = product('', keptRows, width, width, { left: 0, out: 2 * FLOAT * width, blockRows: ATTENTION_ROWS });
  const keysOfBlock = 2 * tokens * width * HALF;
  const expand = product('norm, expand, ReLU', keptRows, width, hidden, { left: FLOAT * width, out: HALF * hidden });
  const contract = product('contract, residual', windows * out, taps * hidden, width, {
    left: HALF * hidden * (stride > 0 ? kept / out : 1),
    out: 2 * FLOAT * width,
    gathered: true,
  });
  const weights = 2 * width * hidden * HALF;
  const feedForward = {
    ...expand,
    op: 'feed-forward, residual',
    shape: `${rows} x ${width} -> ${hidden} -> ${width}`,
    flops: expand.flops + contract.flops,
    bytes: rows * 2 * FLOAT * width + weights,
    l2: Math.ceil(rows / PRODUCT_ROWS) * weights + rows * 2 * FLOAT * width,
  };
  const project = product('norm, Q K V', rows, width, 3 * width, { left: FLOAT * width, out: 3 * HALF * width });
  return [
    ...(projected ? [] : [project]),
    {
      ...output,
      op: 'attention, output, residual',
      shape: `${windows} x ${kept} of ${tokens} x ${width}`,
      flops: output.flops + 4 * keptRows * tokens * width,
      bytes: output.bytes + rows * 3 * HALF * width,
      l2: output.l2 + windows * Math.ceil(kept / ATTENTION_ROWS) * keysOfBlock,
      exponentials: keptRows * tokens * heads,
    },
    ...(stride > 0 ? [expand, contract] : [feedForward]),
  ];
}

/**
 * The kernels of a batch in their order. `frames`: how many frames go through the spatial encoder (a video's: once each).
 * @param {{ frames: number, layers?: number, width?: number, hidden?: number, heads?: number, joints?: number }} model
 * @param {number} windows
 * @param {number} frames
 * @returns {KernelRow[]}
 */
export function lifterKernels(
  { frames: tokens, layers = 3, width = 256, hidden = 512, heads = 8, joints = 17 },
  windows,
  frames,
) {
  const inner = 2 * width;
  const shape = { width, hidden, heads };
  const encoder = [
    product('spatial block', frames, 2 * joints, inner, {
      left: 64 * FLOAT,
      out: (FLOAT + HALF) * inner,
      blockRows: 64,
      gathered: true,
      exact: true,
    }),
    product('spatial block', frames, inner, inner, { left: HALF * inner, out: HALF * inner, gathered: true }),
    product('spatial block, residual', frames, inner, inner, {
      left: HALF * inner,
      out: (2 * FLOAT + HALF) * inner,
      gathered: true,
    }),
    product('spatial projection', frames, inner, width, { left: HALF * inner, out: FLOAT * width, gathered: true }),
  ];
  const shared = frames < windows * tokens;
  const rows = windows * tokens;
  // A block's rows share what they read: TOGETHER windows that follow each other, as many tokens of each.
  const read = (2 * TOGETHER - 1 + TOGETHER) / TOGETHER ** 2;
  const firstLayer = [
    product("frames' Q K V", frames, width, 3 * width, { left: FLOAT * width, out: 3 * FLOAT * width }),
    {
      ...{ op: 'windows of frames, Q K V', shape: `${windows} x ${tokens} x ${width}` },
      ...{ flops: 0, exponentials: 0, exact: false },
      bytes: rows * (FLOAT + 3 * HALF) * width + frames * 4 * FLOAT * width,
      l2: rows * read * 4 * FLOAT * width,
    },
  ];
  const aggregator = [];
  let left = tokens;
  for (const stride of strideTable(tokens)) {
    aggregator.push(...layer(windows, left, stride, shape));
    left = Math.ceil(left / stride);
  }
  return [
    ...encoder,
    ...(shared ? firstLayer : []),
    ...Array.from({ length: layers }, (_, i) => layer(windows, tokens, 0, shape, shared && i === 0)).flat(),
    ...aggregator,
    product('head', windows, width, 51, {
      left: FLOAT * width,
      out: FLOAT * 64,
      blockRows: 64,
      gathered: true,
      exact: true,
    }),
  ];
}

/**
 * Seconds that each bound allows at the least, and the longest of them.
 * @param {KernelRow} row
 * @param {import('./expected-time.mjs').Device} device
 */
export function kernelTime({ flops, bytes, l2, exponentials, exact }, device) {
  const times = {
    arithmetic: flops / device.matmul[exact ? 'fp32' : 'bf16'],
    memory: bytes / device.copies,
    l2: l2 / device.l2,
    exponentials: exponentials / device.exponentials,
  };
  return { ...times, expected: Math.max(...Object.values(times)) };
}
