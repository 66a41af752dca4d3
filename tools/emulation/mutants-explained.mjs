const EMPTY_TILE = 'where tokens are a multiple of 32, one more tile follows: all its weights are 0';
const ZERO_ROW = 'the row of K, Q or dOut behind the last token is 0 in its tile: what is multiplied with it adds 0';
const TWO_GUARDS = 'a second condition holds the same bound: either alone is enough';
const ANY_MAXIMUM = 'softmax is the same with any number near the maximum taken off the scores';
/** Held by tools/emulation/sanitize.mjs. */
export const READS_BEYOND =
  'what is worked out behind the last row or column is not stored; the reading beyond the end shows in the sanitized build alone';
const SAME_END = 'differs only where the two sides are equal, and there both give the same end';
const SAME_STEPS = 'the bound is a multiple of the step: the last step ends at it either way';
const NOT_MULTIPLIED = 'what is loaded behind the last step is not multiplied';
const NOT_STORED = 'the row behind the last is worked out and not stored';
const EVEN = 'columns come in pairs and the bound is even';
const ONE_VALUE = 'differs only where the value is the bound, which both ways give';

/** Why mutants survive that do: file, part of the source line, begin of the change, reason. */
const EXPLAINED = [
  ['attention-backward.cu', 'if (token < op.tokens) {', '1 + op.tokens', READS_BEYOND],
  ['attention-backward.cu', 'first < op.tokens; first += kScoreTile', '1 + op.tokens', EMPTY_TILE],
  ['attention-backward.cu', 'const float weight = first + key < op.tokens', '1 + op.tokens', ZERO_ROW],
  ['attention-backward.cu', 'const float weight = first + query < op.tokens', '1 + op.tokens', ZERO_ROW],
  ['attention-tile.h', 'c < kWidth / kRowLanes; ++c) {', '1 + kWidth', `in storeRows: ${TWO_GUARDS}`],
  ['attention.cu', 'first < op.tokens; first += kScoreTile', '1 + op.tokens', EMPTY_TILE],
  ['attention.cu', 'scores[i][j] = first + at.x', '1 + op.tokens', TWO_GUARDS],
  ['attention.cu', 'const float weight = first + key < op.tokens', '1 + op.tokens', TWO_GUARDS],
  ['attention.cu', 'top = scores[i][j] > top', '', ANY_MAXIMUM],
  ['attention.cu', 'top = top > highest[i]', '', ANY_MAXIMUM],
  ['attention.cu', 'else if (score > highest[i])', '', ANY_MAXIMUM],
  ['attention.cu', 'pass < 2; ++pass', '1 + 2', 'the loop is left within its second pass'],
  ['elementwise.h', 'if (pair * 2 >= rows) return;', '1 + rows', TWO_GUARDS],
  ['keep.h', 'word >= keep.threshold', '', 'differs for one word of 4,294,967,296'],
  ['normalization.cu', 'end = begin + kReduceRows < rows', '1 + rows', SAME_END],
  ['normalization.cu', 'column < channels && row < end', '1 + channels', READS_BEYOND],
  ['normalization.cu', 'column < channels && chunk * chunkRows < rows', '1 + channels', READS_BEYOND],
  [
    'normalization.cu',
    'chunk * chunkRows < rows',
    '1 + rows',
    'the chunk more has 0 rows, and joining it changes nothing',
  ],
  ['normalization.cu', 'left < chunkRows ? left : chunkRows', '1 + chunkRows', SAME_END],
  ['plan-arithmetic.h', 'k < words; k += ', '-1 + words', SAME_STEPS],
  ['plan-arithmetic.h', 'n < kN; n += 2', '-1 + kN', SAME_STEPS],
  ['plan-arithmetic.h', 'c < kC; c += 2', '-1 + kC', SAME_STEPS],
  ['plan-attention.cu', 'row < 0 ? 0', '-1 + 0', 'from there nothing is read'],
  [
    'plan-attention.cu',
    'token = op.convStride > 0',
    '1 + 0',
    'a convolution that drops rows has a stride of 3 or more',
  ],
  [
    'plan-attention.cu',
    'op.qkv + at, row >= 0',
    '-1 + 0',
    'what is copied instead of zeros is a masked key, or a query that is not stored',
  ],
  [
    'plan-attention.cu',
    'window < op.windows && key',
    '1 + op.windows',
    'keys of a window that is not there: its queries are not stored',
  ],
  ['plan-attention.cu', 'if (step + 1 < steps)', '1 + steps', NOT_MULTIPLIED],
  ['plan-attention.cu', 'keys < crew.queries', '-1 + crew.queries', SAME_STEPS],
  ['plan-attention.cu', 'first + keys < op.tokens', '1 + op.tokens', EMPTY_TILE],
  [
    'plan-attention.cu',
    'first + keys < op.tokens',
    '-1 + op.tokens',
    'differs where tokens are 1 more than a multiple of 32: no network has such',
  ],
  ['plan-attention.cu', 'top = score > top', '', ANY_MAXIMUM],
  [
    'plan-attention.cu',
    'sums[c][2 * half] = sums[c][2 * half + 1] = 0',
    '1 + 2',
    'the first keys of the next head rescale what is left there by 0',
  ],
  ['plan-attention.cu', 'column >= op.stride', '-1 + op.stride', EVEN],
  [
    'plan-device.cu',
    'at < count ? at : -1',
    '1 + count',
    'the element more goes to a column of padding, which nothing reads',
  ],
  ['plan-device.cu', 'frame < at[1] ? at[1]', '', ONE_VALUE],
  [
    'plan-device.cu',
    'window < first + kFirstLayerWindows',
    '1 + first + kFirstLayer',
    'the window more is then worked out by two blocks, to the same values',
  ],
  ['plan-device.cu', 'c < op.stride; c += 2 * kWarp', '-1 + op.stride', EVEN],
  ['plan-feed-forward.cu', 'words = normalized + op.expand', '', SAME_END],
  ['plan-feed-forward.cu', 'column >= op.expand.out.stride', '-1 + op.expand', EVEN],
  ['plan-feed-forward.cu', 'column < op.contract.out.stride', '-1 + op.contract', EVEN],
  ['plan-products.cu', 'first + tiles < all', '1 + all', SAME_END],
  [
    'plan-products.cu',
    'first + tiles < all',
    '-1 + all',
    'the last tile is then worked out by two blocks, to the same values',
  ],
  ['plan-products.cu', 'column < op.out.stride', '-1 + op.out', EVEN],
  ['plan-products.cu', 'row < op.rows && inside >= 0', '1 + op.rows', NOT_STORED],
  ['plan-products.cu', 'if (depth + 1 < depths)', '1 + depths', NOT_MULTIPLIED],
  ['plan-products.cu', 'column >= op.out.stride', '-1 + op.out', EVEN],
  ['plan-tile.h', 'first < warp * 16 + 16', '-1 + warp', SAME_STEPS],
  ['plan-tile.h', 'firstRow + first + i < op.rows ?', '1 + op.rows', NOT_STORED],
  ['plan-tile.h', 'c < op.weights.inner * Arithmetic::kPerWord', '-1 + op.weights', EVEN],
  ['plan-tile.h', 'firstRow + first + i >= op.rows', '1 + op.rows', NOT_STORED],
  ['plan-tile.h', 'if (step + 1 < steps)', '1 + steps', NOT_MULTIPLIED],
  ['poses.cu', 'smem.order.put(i, i)', '1 + op.frames', 'the element more is not read'],
  ['poses.cu', 'int i = op.frames - 1; i > 0; --i', '-1 + 0', 'the step more swaps the first frame with itself'],
  ['poses.cu', 'frame < 0 ? 0', '1 + 0', ONE_VALUE],
  ['poses.cu', 'frame > last ? last', '-1 + last', ONE_VALUE],
  ['poses.cu', 'for (int c = 0; c < 3; ++c) {', '1 + 3', TWO_GUARDS],
  ['poses.cu', 'for (int c = 0; c < 2; ++c) {', '1 + 2', 'in Blend: the third coordinate is written again after it'],
  ['product.h', 'k < kDepth; k += Fragment::kInner', '-1 + kDepth', 'steps of 8 or 16 end at 16 either way'],
  ['product.h', 'values[e] = i < count && at < end', '1 + count', READS_BEYOND],
  ['product.h', 'const int count = left < kTile', '1 + kTile', SAME_END],
  ['product.h', 'end = begin + depth < inner', '1 + inner', SAME_END],
  ['product.h', 'if (k + kDepth < end) {', '1 + end', 'the tile more is all zeros and is not multiplied'],
  ['product.h', 'op.bias && column < columns', '1 + columns', READS_BEYOND],
  ['reduce.cu', 'column < columns && chunk < chunks', '1 + columns', READS_BEYOND],
  ['reduce.h', 'end = (chunk + 1) * kReduceRows < rows', '1 + rows', SAME_END],
  ['reduce.h', 'column < columns && row < end', '1 + columns', READS_BEYOND],
];

/**
 * The reason that a surviving mutant has, if one is known.
 * @param {import('./mutate.mjs').Mutant} mutant
 * @returns {string | undefined}
 */
export function explanationOf({ file, source, change }) {
  return EXPLAINED.find(
    ([name, line, begin]) => name === file && source.includes(line) && change.startsWith(begin),
  )?.[3];
}
