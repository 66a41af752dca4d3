// Parts of the attention kernels.
//
// A block works on the rows of one window and head, 16 of them a warp: queries, or on the way back
// also keys. It goes through the rows of the other kind as many at a time, and multiplies them 32
// at a time. Rows of Q, K, V and gradients lie in shared memory as words of the arithmetic
// (arithmetic.h), with zeros behind the last token and the last channel.
//
// Dropout. Rows 2 i and 2 i + 1 of the weights' matrix and columns c and c + 16 share a counter of
// Philox, so a lane has all four. Where queries are a warp's rows, its fragment's rows g and g + 8
// are queries 2 g and 2 g + 1 of the 16; where keys are, they are 16 keys apart. Blocks of queries
// begin at an even row of the matrix: where the head's first row is odd, one row before its first
// query.
#pragma once

#include <type_traits>

#include "../cuda-device.h"
#include "activation-io.h"
#include "dropout-mask.h"
#include "online-softmax.h"

namespace pstmo::cuda {

// Warps of a block, so that four tiles of rows of so many words fit in 99 KB of shared memory.
template <int kHeadWords>
constexpr int kAttentionWarps = kHeadWords > 64 ? 2 : 4;

// Blocks of a multiprocessor, at least: as many as registers allow without spilling. kSums: sums of
// a lane.
template <typename Arithmetic, int kSums>
constexpr int kAttentionBlocks = std::is_same_v<Arithmetic, FloatArithmetic> ? 1
                                 : kSums > 16                                ? 2
                                                                             : 3;

// The window and head that a block works on, and where they lie in qkv (B n, 3 width), in the
// outputs (B n, width) and in vectors of one number a row (B heads n). Block b takes tile b % tiles
// of the rows of item b / tiles = window heads + head.
struct Head {
  int tokens, headWidth;
  int firstQuery;               // of the first tile: 0 or -1
  int tile;                     // the block's
  bool aligned;                 // whether rows begin at 16 bytes
  int64_t qkvStride, firstRow;  // firstRow: (b heads + h) n
  int64_t qkv, out;             // where the head's Q begins in qkv, and its columns in (B n, width)
  float scale;                  // 1 / sqrt(head width)

  __device__ __forceinline__ Head(int tokens_, int width, int heads, int tiles)
      : tokens(tokens_), headWidth(width / heads) {
    const int64_t item = blockIdx.x / tiles, window = item / heads, head = item % heads;
    tile = static_cast<int>(blockIdx.x % tiles);
    aligned = headWidth % 8 == 0;
    qkvStride = 3 * static_cast<int64_t>(width);
    firstRow = item * tokens;
    firstQuery = -static_cast<int>(firstRow % 2);
    qkv = window * tokens * qkvStride + head * headWidth;
    out = window * tokens * width + head * headWidth;
    scale = 1.0f / sqrtf(static_cast<float>(headWidth));
  }
};

// Tiles of the rows of a head: where its first row may be odd, one row more.
__host__ __device__ inline int attentionTiles(int tokens, int rows) {
  return (tokens + tokens % 2 + rows - 1) / rows;
}

// Which of a block's keys fragment row `row` holds.
__device__ __forceinline__ int keyOfRow(int row) {
  return row / 32 * 32 + row / 16 % 2 * 8 + row % 8 + row / 8 % 2 * 16;
}

// The rows of a head's matrix, whose first token begins at element `begin`, to shared memory: row i
// gets that of token tokenOf(i).
template <typename Arithmetic, int kHeadWords, typename TokenOf>
__device__ __forceinline__ void loadRows(const SharedWords& to, const ConstActivations& from,
                                         int64_t begin, int64_t stride, const Head& head,
                                         const TokenOf& tokenOf) {
  constexpr int kChunks = kHeadWords / 4, kValues = 4 * Arithmetic::kPerWord,
                kThreads = kAttentionWarps<kHeadWords> * kWarp, kRows = kThreads / 2;
  const int thread = static_cast<int>(threadIdx.x), chunk = thread % kChunks,
            channel = chunk * kValues;
#pragma unroll
  for (int first = 0; first < kRows; first += kThreads / kChunks) {
    const int row = rowApart<kChunks>(first + thread / kChunks), token = tokenOf(row);
    const bool present = token >= 0 && token < head.tokens && channel < head.headWidth;
    const int64_t at = begin + token * stride + channel;
    if (Arithmetic::kPerWord == 2 && from.storage == Storage::bfloat16 && head.aligned) {
      uint4 words{};
      if (present)
        words = *reinterpret_cast<const uint4*>(static_cast<const uint16_t*>(from.data) + at);
      to.put4(row, 4 * chunk, words);
      continue;
    }
    float values[kValues] = {};
    if (head.aligned) {
      if (present) readNeighbours(from, at, values);
    } else {
#pragma unroll
      for (int e = 0; e < kValues; ++e) {
        if (present && channel + e < head.headWidth) values[e] = read(from, at + e);
      }
    }
#pragma unroll
    for (int e = 0; e < kValues; e += 4) {
      Arithmetic::toShared4(to, row, channel + e,
                            {values[e], values[e + 1], values[e + 2], values[e + 3]});
    }
  }
}

// body(column, pair) for the lane's pairs of neighbouring channels of fragments c that the head
// has; `both`: whether it has the second of them too.
template <int kChannelTiles, typename Body>
__device__ __forceinline__ void forEachPair(const Head& head, const Body& body) {
  const LanePlace at;
#pragma unroll
  for (int c = 0; c < kChannelTiles; ++c) {
    const int column = 8 * c + 2 * at.t;
    if (column < head.headWidth) body(c, column, column + 1 < head.headWidth);
  }
}

// The lane's sums of row g (half 0) or g + 8 (half 1), times `factor`, to the row that begins at
// element `begin`.
template <int kChannelTiles>
__device__ __forceinline__ void storeRow(const Activations& to, int64_t begin, const Head& head,
                                         const float (&sums)[kChannelTiles][4], int half,
                                         float factor) {
  forEachPair<kChannelTiles>(head, [&](int c, int column, bool both) {
    const float low = sums[c][2 * half] * factor, high = sums[c][2 * half + 1] * factor;
    if (head.aligned) {
      writePair(to, begin + column, low, high);
    } else {
      write(to, begin + column, low);
      if (both) write(to, begin + column + 1, high);
    }
  });
}

// Runs run.template operator()<Arithmetic, kWidth>() with the arithmetic of the precision and the
// smallest kWidth that holds a head.
template <typename Arithmetic, typename Run>
void forHeadWidth(int headWidth, const Run& run) {
  if (headWidth <= 16) return run.template operator()<Arithmetic, 16>();
  if (headWidth <= 32) return run.template operator()<Arithmetic, 32>();
  if (headWidth <= 64) return run.template operator()<Arithmetic, 64>();
  if (headWidth <= 128) return run.template operator()<Arithmetic, 128>();
  throw Error("ERR_UNSUPPORTED",
              "Attention heads are at most 128 wide; these are " + std::to_string(headWidth) + ".");
}

template <typename Run>
void forHeads(Precision precision, int headWidth, const Run& run) {
  switch (precision) {
    case Precision::fp32:
      return forHeadWidth<FloatArithmetic>(headWidth, run);
    case Precision::tf32:
      return forHeadWidth<TensorFloatArithmetic>(headWidth, run);
    case Precision::bf16:
      return forHeadWidth<BrainFloatArithmetic>(headWidth, run);
  }
}

// How a kernel of this head width is launched; `tiles` of rows of kRows each.
template <int kHeadWords>
struct AttentionLaunch {
  static constexpr int kRows = 16 * kAttentionWarps<kHeadWords>;
  int tiles;
  dim3 grid, threads{static_cast<unsigned>(kWarp * kAttentionWarps<kHeadWords>)};

  template <typename Op>
  explicit AttentionLaunch(const Op& op)
      : tiles(attentionTiles(op.tokens, kRows)),
        grid(static_cast<unsigned>(op.batch) * static_cast<unsigned>(op.heads) *
             static_cast<unsigned>(tiles)) {}
  // Bytes of so many tiles of rows, and of so many numbers a row besides.
  static constexpr size_t bytes(int rowTiles, int numbers = 0) {
    return sizeof(uint32_t) *
           static_cast<size_t>(rowTiles * SharedWords::size(kRows, kHeadWords) +
                               (numbers > 0 ? SharedWords::size(numbers, kRows) : 0));
  }
};

// Tile `index` of the block's shared memory.
template <int kHeadWords>
__device__ __forceinline__ SharedWords headTile(int index) {
  constexpr int kRows = 16 * kAttentionWarps<kHeadWords>;
  return {sharedWords() + index * SharedWords::size(kRows, kHeadWords), kRows, kHeadWords};
}

}  // namespace pstmo::cuda
