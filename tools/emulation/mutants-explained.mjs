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
const EVEN = 'columns come in pairs or fours, and the bound is a multiple of that';
const NO_SUCH_TOKENS = 'differs where tokens are 1 more than a multiple of 32: no network has such';
const ONE_VALUE = 'differs only where the value is the bound, which both ways give';

/** Why mutants survive that do: file under native/, part of the statement, begin of the change, reason. */
export const EXPLAINED = [
  ['cuda/kernels/attention-backward.cu', 'if (token < op.tokens) {', '1 + op.tokens', READS_BEYOND],
  ['cuda/kernels/attention-backward.cu', 'first < op.tokens; first += kScoreTile', '1 + op.tokens', EMPTY_TILE],
  ['cuda/kernels/attention-backward.cu', 'const float weight = first + key < head.tokens', '1 + head.tokens', ZERO_ROW],
  [
    'cuda/kernels/attention-backward.cu',
    'const float weight = first + query < head.tokens',
    '1 + head.tokens',
    ZERO_ROW,
  ],
  ['cuda/kernels/attention-tile.h', 'c < kWidth / kRowLanes; ++c) {', '1 + kWidth', `in storeRows: ${TWO_GUARDS}`],
  ['cuda/kernels/attention.cu', 'first < op.tokens; first += kScoreTile', '1 + op.tokens', EMPTY_TILE],
  ['cuda/kernels/attention.cu', 'scores[j] = firstKey + at.x', '1 + head.tokens', TWO_GUARDS],
  ['cuda/kernels/attention.cu', 'const float weight = firstKey + key < head.tokens', '1 + head.tokens', TWO_GUARDS],
  ['cuda/kernels/attention.cu', 'top = scores[j] > top', '', ANY_MAXIMUM],
  ['cuda/kernels/attention.cu', 'top = top > highest', '', ANY_MAXIMUM],
  ['cuda/kernels/attention.cu', 'else if (score > highest[i])', '', ANY_MAXIMUM],
  ['cuda/kernels/attention.cu', 'pass < 2; ++pass', '1 + 2', 'the loop is left within its second pass'],
  ['cuda/kernels/elementwise.h', 'if (pair * 2 >= rows) return;', '1 + rows', TWO_GUARDS],
  ['cuda/kernels/dropout-mask.h', 'word >= dropout.threshold', '', 'differs for one word of 4,294,967,296'],
  ['cuda/kernels/normalization.cu', 'end = begin + kReduceRows < rows', '1 + rows', SAME_END],
  ['cuda/kernels/normalization.cu', 'column < channels && row < end', '1 + channels', READS_BEYOND],
  ['cuda/kernels/normalization.cu', 'column < channels && chunk * chunkRows < rows', '1 + channels', READS_BEYOND],
  [
    'cuda/kernels/normalization.cu',
    'chunk * chunkRows < rows',
    '1 + rows',
    'the chunk more has 0 rows, and joining it changes nothing',
  ],
  ['cuda/kernels/normalization.cu', 'left < chunkRows ? left : chunkRows', '1 + chunkRows', SAME_END],
  [
    'inference/cuda/attention.cu',
    'token = op.convStride > 0',
    '1 + 0',
    'a convolution that drops rows has a stride of 3 or more',
  ],
  ['inference/cuda/attention.cu', 'keys < tiling.queries', '-1 + tiling.queries', SAME_STEPS],
  ['inference/cuda/attention.cu', 'first + keys < op.tokens', '1 + op.tokens', EMPTY_TILE],
  ['inference/cuda/attention.cu', 'first + keys < op.tokens', '-1 + op.tokens', NO_SUCH_TOKENS],
  [
    'inference/cuda/attention.cu',
    'sums[c][2 * half] = sums[c][2 * half + 1] = 0',
    '1 + 2',
    'the first keys of the next head rescale what is left there by 0',
  ],
  [
    'inference/cuda/device.cu',
    'at < count ? at : -1',
    '1 + count',
    'the element more goes to a column of padding, which nothing reads',
  ],
  ['inference/cuda/device.cu', 'frame < at[1] ? at[1]', '', ONE_VALUE],
  [
    'inference/cuda/device.cu',
    'window < first + kFirstLayerWindows',
    '1 + first + kFirstLayer',
    'the window more is then worked out by two blocks, to the same values',
  ],
  ['inference/cuda/device.cu', 'c < op.stride; c += 2 * kWarp', '-1 + op.stride', EVEN],
  ['inference/cuda/feed-forward.cu', 'words = normalized + op.expand', '', SAME_END],
  ['inference/cuda/feed-forward.cu', 'column >= op.out.stride', '-1 + op.out', EVEN],
  ['inference/cuda/matmul.cu', 'first + tilesOfGroup < all', '1 + all', SAME_END],
  [
    'inference/cuda/matmul.cu',
    'first + tilesOfGroup < all',
    '-1 + all',
    'the last tile is then worked out by two blocks, to the same values',
  ],
  ['inference/cuda/matmul.cu', 'if (depth + 1 < depths)', '1 + depths', NOT_MULTIPLIED],
  ['inference/cuda/arithmetic.h', 'k < kWords; k += 4', '-1 + kWords', SAME_STEPS],
  ['inference/cuda/attention.cu', 'key_[i] = window < op.windows', '1 + op.windows', 'its queries are not stored'],
  ['inference/cuda/attention.cu', 'keys_[i] = at(window < op.windows', '1 + op.windows', 'its queries are not stored'],
  ['inference/cuda/attention.cu', 'firstKey + kKeys > tokens', '-1 + tokens', 'masks where no key is behind the last'],
  ['inference/cuda/attention.cu', 'top = fmaxf', '', ANY_MAXIMUM],
  ['inference/cuda/attention.cu', 'n < kKeyTiles; ++n) top', '-1 + kKeyTiles', ANY_MAXIMUM],
  ['inference/cuda/attention.cu', 'grew = top > highest', '', ANY_MAXIMUM],
  ['inference/cuda/attention.cu', 'sameHead = first + tiling.queries', '1 + op.tokens', EMPTY_TILE],
  ['inference/cuda/attention.cu', 'sameHead = first + tiling.queries', '-1 + op.tokens', NO_SUCH_TOKENS],
  ['inference/cuda/attention.cu', 'head + 1 < op.heads', '1 + op.heads', NOT_MULTIPLIED],
  ['inference/cuda/attention.cu', 'first += tiling.queries, ++step', '1 + op.tokens', EMPTY_TILE],
  ['inference/cuda/attention.cu', 'first += tiling.queries, ++step', '-1 + op.tokens', NO_SUCH_TOKENS],
  ['inference/cuda/attention.cu', 'if (first > 0) beginStep', '1 + 0', SAME_STEPS],
  ['inference/cuda/attention.cu', 'if (first > 0) beginStep', '-1 + 0', 'starts the same copies once more'],
  ['inference/cuda/matmul.cu', 'inside_[i] = row < op.rows', '1 + op.rows', NOT_STORED],
  ['inference/cuda/matmul.cu', 'if (word_ < op_.tapWords)', '-1 + op_.tapWords', SAME_STEPS],
  ['inference/cuda/tile.h', 'c < kNormChunks; ++c', '', TWO_GUARDS],
  ['inference/cuda/tile.h', 'c * kNormChannels >= width', '-1 + width', EVEN],
  ['inference/cuda/tile.h', '!present || channel >= op.xStride', '-1 + op.xStride', EVEN],
  ['inference/cuda/tile.h', 'if (channel < inner)', '-1 + inner', EVEN],
  ['inference/cuda/tile.h', 'tile + 1 < end', '1 + end', NOT_MULTIPLIED],
  ['inference/cuda/tile.h', 'if (column >= op.stride) return', '-1 + op.stride', EVEN],
  ['inference/cuda/tile.h', 'first < warp * 16 + 16', '-1 + warp', SAME_STEPS],
  ['inference/cuda/tile.h', 'present = firstRow + first + i < op.rows', '1 + op.rows', NOT_STORED],
  ['cuda/kernels/poses.cu', 'smem.order.put(i, i)', '1 + op.frames', 'the element more is not read'],
  [
    'cuda/kernels/poses.cu',
    'int i = op.frames - 1; i > 0; --i',
    '-1 + 0',
    'the step more swaps the first frame with itself',
  ],
  ['cuda/kernels/poses.cu', 'frame < 0 ? 0', '1 + 0', ONE_VALUE],
  ['cuda/kernels/poses.cu', 'frame > last ? last', '-1 + last', ONE_VALUE],
  ['cuda/kernels/poses.cu', 'for (int c = 0; c < 3; ++c) {', '1 + 3', TWO_GUARDS],
  [
    'cuda/kernels/poses.cu',
    'for (int c = 0; c < 2; ++c) {',
    '1 + 2',
    'in Blend: the third coordinate is written again after it',
  ],
  [
    'cuda/kernels/matmul.h',
    'k < kDepth; k += Fragment::kInner',
    '-1 + kDepth',
    'steps of 8 or 16 end at 16 either way',
  ],
  ['cuda/kernels/matmul.h', 'values[e] = i < count && at < end', '1 + count', READS_BEYOND],
  ['cuda/kernels/matmul.h', 'const int count = left < kTile', '1 + kTile', SAME_END],
  ['cuda/kernels/matmul.h', 'end = begin + depth < inner', '1 + inner', SAME_END],
  ['cuda/kernels/matmul.h', 'if (k + kDepth < end) {', '1 + end', 'the tile more is all zeros and is not multiplied'],
  ['cuda/kernels/matmul.h', 'op.bias && column < columns', '1 + columns', READS_BEYOND],
  ['cuda/kernels/reduce.cu', 'column < columns && chunk < chunks', '1 + columns', READS_BEYOND],
  ['cuda/kernels/reduce.h', 'end = (chunk + 1) * kReduceRows < rows', '1 + rows', SAME_END],
  ['cuda/kernels/reduce.h', 'column < columns && row < end', '1 + columns', READS_BEYOND],
];

/**
 * The reason that a surviving mutant has, if one is known.
 * @param {import('./mutate.mjs').Mutant} mutant
 * @returns {string | undefined}
 */
export function explanationOf({ file, source, change }) {
  return EXPLAINED.find(
    ([name, part, begin]) => name === file && source.includes(part) && change.startsWith(begin),
  )?.[3];
}

/**
 * Entries that explain none of these mutants: the kernel was reworded, and they must follow it.
 * @param {import('./mutate.mjs').Mutant[]} mutants
 */
export function withoutMutant(mutants) {
  return EXPLAINED.filter(
    ([name, part, begin]) =>
      !mutants.some(({ file, source, change }) => name === file && source.includes(part) && change.startsWith(begin)),
  );
}
