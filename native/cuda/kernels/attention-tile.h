// Parts of the attention kernels: a block of 128 threads works on a tile of 32 x 32 scores of one
// window and head. Thread (y = thread / 8 * 2, x = thread % 8) has rows y and y + 1 and columns x,
// x
// + 8, x + 16, x + 24 of it. The 8 threads of a row are neighbours in one warp, so a row is reduced
// by shuffles, and a warp alone reads the scores that it writes. Of a result (32, head width) the
// thread has the same rows and the channels x, x + 8, ... Channels are padded with zeros to kWidth.
#pragma once

#include <device/shared-array.h>

#include "activation-io.h"
#include "dropout-mask.h"
#include "lanes.h"

namespace pstmo::cuda {

constexpr int kScoreTile = 32, kAttentionThreads = 128;
constexpr int kRowsOfThread = 2, kRowLanes = 8, kScoresOfThread = kScoreTile / kRowLanes;
constexpr float kLowest = -3.0e38f;

// In shared memory: 32 rows of a head's Q, K, V or gradients; 32 x 32 scores.
template <int kWidth>
using HeadTile = SharedMatrix<float, kScoreTile, kWidth, 1>;
using ScoreTile = SharedMatrix<float, kScoreTile, kScoreTile, 1>;

// The thread's first row and first column.
struct TilePlace {
  int y = static_cast<int>(threadIdx.x) / kRowLanes * kRowsOfThread,
      x = static_cast<int>(threadIdx.x) % kRowLanes;
};

// The window and head that a block works on, and where they lie in qkv (B n, 3 width), in the
// outputs (B n, width) and in vectors of one number a row (B heads n). Block b takes tile b % tiles
// of the rows of item b / tiles = window heads + head.
struct Head {
  int tokens, headWidth, tile;  // tile: the block's first row
  int64_t qkvStride, firstRow;  // firstRow: (b heads + h) n
  int64_t qkv, out;             // where the head's Q begins in qkv, and its columns in (B n, width)
  float scale;

  __device__ __forceinline__ Head(int tokens_, int width, int heads)
      : tokens(tokens_), headWidth(width / heads) {
    const int tiles = (tokens + kScoreTile - 1) / kScoreTile;
    const int64_t item = blockIdx.x / tiles, window = item / heads, head = item % heads;
    tile = static_cast<int>(blockIdx.x % tiles) * kScoreTile;
    qkvStride = 3 * static_cast<int64_t>(width);
    firstRow = item * tokens;
    qkv = window * tokens * qkvStride + head * headWidth;
    out = window * tokens * width + head * headWidth;
    scale = 1.0f / sqrtf(static_cast<float>(headWidth));
  }
};

// Rows [first, first + 32) of a head's matrix, which begins at element `begin`; zero behind the
// last token and the last channel.
template <int kWidth>
__device__ __forceinline__ void loadTile(HeadTile<kWidth>& tile, const ConstActivations& from,
                                         int64_t begin, int64_t stride, int first,
                                         const Head& head) {
  for (int e = static_cast<int>(threadIdx.x); e < kScoreTile * kWidth; e += kAttentionThreads) {
    const int row = e / kWidth, c = e % kWidth;
    tile.put(row, c,
             first + row < head.tokens && c < head.headWidth
                 ? read(from, begin + (first + row) * stride + c)
                 : 0.0f);
  }
}

// results[i][j] = row y + i of a times row x + 8 j of b.
template <int kWidth>
__device__ __forceinline__ void multiplyRows(const HeadTile<kWidth>& a, const HeadTile<kWidth>& b,
                                             TilePlace at,
                                             float (&results)[kRowsOfThread][kScoresOfThread]) {
#pragma unroll
  for (int i = 0; i < kRowsOfThread; ++i) {
#pragma unroll
    for (int j = 0; j < kScoresOfThread; ++j) results[i][j] = 0;
  }
#pragma unroll 8
  for (int c = 0; c < kWidth; ++c) {
    float right[kScoresOfThread];
#pragma unroll
    for (int j = 0; j < kScoresOfThread; ++j) right[j] = b.get(at.x + kRowLanes * j, c);
#pragma unroll
    for (int i = 0; i < kRowsOfThread; ++i) {
      const float left = a.get(at.y + i, c);
#pragma unroll
      for (int j = 0; j < kScoresOfThread; ++j) results[i][j] += left * right[j];
    }
  }
}

// sums[i][c] += row y + i of the scores times column x + 8 c of the tile.
template <int kWidth>
__device__ __forceinline__ void multiplyTile(const ScoreTile& scores, const HeadTile<kWidth>& tile,
                                             TilePlace at,
                                             float (&sums)[kRowsOfThread][kWidth / kRowLanes]) {
  for (int k = 0; k < kScoreTile; ++k) {
    const float low = scores.get(at.y, k), high = scores.get(at.y + 1, k);
#pragma unroll
    for (int c = 0; c < kWidth / kRowLanes; ++c) {
      const float right = tile.get(k, at.x + kRowLanes * c);
      sums[0][c] += low * right;
      sums[1][c] += high * right;
    }
  }
}

// Rows y, y + 1 of a result whose first row begins at element `begin`, each factor[i] times the
// sums.
template <int kWidth>
__device__ __forceinline__ void storeRows(const Activations& to, int64_t begin, int64_t stride,
                                          const Head& head, TilePlace at,
                                          const float (&sums)[kRowsOfThread][kWidth / kRowLanes],
                                          const float (&factor)[kRowsOfThread]) {
#pragma unroll
  for (int i = 0; i < kRowsOfThread; ++i) {
    if (head.tile + at.y + i >= head.tokens) continue;
#pragma unroll
    for (int c = 0; c < kWidth / kRowLanes; ++c) {
      if (at.x + kRowLanes * c < head.headWidth)
        write(to, begin + (head.tile + at.y + i) * stride + at.x + kRowLanes * c,
              sums[i][c] * factor[i]);
    }
  }
}

// Calls run.template operator()<kWidth>() with the smallest kWidth that holds a head.
template <typename Run>
void forHeadWidth(int headWidth, const Run& run) {
  if (headWidth <= 16) return run.template operator()<16>();
  if (headWidth <= 32) return run.template operator()<32>();
  if (headWidth <= 64) return run.template operator()<64>();
  if (headWidth <= 128) return run.template operator()<128>();
  throw Error("ERR_UNSUPPORTED",
              "Attention heads are at most 128 wide; these are " + std::to_string(headWidth) + ".");
}

inline dim3 attentionGrid(int batch, int heads, int tokens) {
  return dim3(static_cast<unsigned>(batch) * static_cast<unsigned>(heads) *
              static_cast<unsigned>((tokens + kScoreTile - 1) / kScoreTile));
}

}  // namespace pstmo::cuda
