// Parts of the compiled lifter's matmuls.
//
// A block of kWarps warps multiplies a tile of 16 kWarps rows by 128 columns of weights. Warp w has
// 32 x 64 of the tile: rows from w / 2 * 32 on, columns from w % 2 * 64 on, as 2 x 8 fragments of
// 16 x 8 (`TileSums`). The inner dimension comes 32 words at a time through two buffers of shared
// memory: while one is multiplied, the next is on its way. There is one barrier a step: whoever
// passes it has multiplied the buffer that is filled next.
//
// Determinism. Each element is summed by one lane (or one fragment), in the order of the inner
// dimension: the same bits each time, for every grid.
#pragma once

#include "arithmetic.h"
#include "kernels.h"

namespace pstmo::inference::cuda {

constexpr int kTileChunks = kDepthWords / 4;  // copies of four words that fill a row of a buffer
constexpr int kStageWords = SharedWords::size(kTileColumns, kDepthWords);  // a buffer of weights

template <int kWarps>
constexpr int kTileRows = 16 * kWarps;

template <int kWarps>
constexpr int kThreads = kWarp * kWarps;

// The begin of the block's shared memory, whose size the launch says.
struct FirstWords {
  uint32_t words[4];
};

__device__ __forceinline__ uint32_t* sharedWords() {
  auto& smem = sharedMemory<FirstWords>();
  return smem.words;
}

// One of two buffers (rows, columns) that lie one behind the other.
__device__ __forceinline__ SharedWords stage(uint32_t* memory, int buffer, int rows, int columns) {
  return {memory + buffer * SharedWords::size(rows, columns), rows, columns};
}

// A warp's sums (32, 64): [16 rows each][8 columns each][a lane's four of the fragment].
using TileSums = float[2][8][4];

// Row and column of the tile where a warp's sums begin.
struct TilePart {
  int row = static_cast<int>(threadIdx.x) / kWarp / 2 * 32,
      column = static_cast<int>(threadIdx.x) / kWarp % 2 * 64;
};

__device__ __forceinline__ void clearSums(TileSums& sums) {
#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int e = 0; e < 4; ++e) sums[m][n][e] = 0;
    }
  }
}

constexpr int kNormRows = 2;              // rows a warp normalises at once
constexpr int kNormChannels = 4 * kWarp;  // of a chunk: four channels a lane
constexpr int kNormChunks = 6;            // of the widest row that shared memory has room for
using NormRow = float[kNormChunks][4];    // a lane's channels of a row

// body(c, channel) for each chunk c that the row has, and the lane's first channel of it.
template <typename Body>
__device__ __forceinline__ void forEachChunk(int width, const Body& body) {
#pragma unroll
  for (int c = 0; c < kNormChunks; ++c) {
    if (c * kNormChannels >= width) break;
    body(c, c * kNormChannels + 4 * laneOfWarp());
  }
}

// A row less its mean, times its factor. The row's channels behind op.width are 0 and stay it.
__device__ __forceinline__ void normalizeRow(const NormMatmul& op, NormRow& row) {
  float mean = 0;
  forEachChunk(op.width,
               [&](int c, int) { mean += row[c][0] + row[c][1] + (row[c][2] + row[c][3]); });
  mean = sumOfLanes(mean) / static_cast<float>(op.width);

  const bool whole = op.width % kNormChannels == 0;
  float squares = 0;
  forEachChunk(op.width, [&](int c, int channel) {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      row[c][e] -= mean;
      if (!whole && channel + e >= op.width) row[c][e] = 0;
      squares += row[c][e] * row[c][e];
    }
  });
  if (!op.scaled) return;

  const float factor = normFactor(sumOfLanes(squares), op.width);
  forEachChunk(op.width, [&](int c, int) {
#pragma unroll
    for (int e = 0; e < 4; ++e) row[c][e] *= factor;
  });
}

// Rows [firstRow, firstRow + 16 kWarps) of x, normalised, to rows of `to` from word `word` on; zero
// behind the last row and the last channel. A warp takes 16 rows, two at a time, and keeps them in
// registers: each is read once.
template <typename Arithmetic, int kWarps>
__device__ __forceinline__ void normalizeRows(const NormMatmul& op, int64_t firstRow,
                                              const SharedWords& to, int word) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp,
            inner = op.weights.inner * Arithmetic::kPerWord;
  const float* x = op.x + (firstRow + warp * 16) * op.xStride;
#pragma unroll 1
  for (int first = warp * 16; first < warp * 16 + 16; first += kNormRows) {
    NormRow rows[kNormRows] = {};
#pragma unroll
    for (int i = 0; i < kNormRows; ++i) {
      const bool present = firstRow + first + i < op.rows;
      forEachChunk(op.width, [&](int c, int channel) {
        if (!present || channel >= op.xStride) return;
        const float4 found = *reinterpret_cast<const float4*>(x + i * op.xStride + channel);
        rows[i][c][0] = found.x, rows[i][c][1] = found.y;
        rows[i][c][2] = found.z, rows[i][c][3] = found.w;
      });
    }
    x += kNormRows * op.xStride;

#pragma unroll
    for (int i = 0; i < kNormRows; ++i) {
      normalizeRow(op, rows[i]);
      forEachChunk(op.width, [&](int c, int channel) {
        if (channel < inner)
          Arithmetic::toShared4(to, first + i, word * Arithmetic::kPerWord + channel, rows[i][c]);
      });
    }
  }
}

// The copies of weights that a thread starts: of the 128 columns of a tile, 32 words deep, the same
// columns and words of each depth.
template <int kWarps>
class WeightCopies {
 public:
  // From depth 0 of tile `tile` on.
  __device__ __forceinline__ WeightCopies(const WeightMatrix& weights, int tile)
      : from_(weights.words + static_cast<int64_t>(tile * kTileColumns + column()) * weights.inner +
              word()),
        inner_(weights.inner) {}

  __device__ __forceinline__ void start(AsyncCopies& copies, const SharedWords& to) const {
    const uint32_t* from = from_;
#pragma unroll
    for (int i = 0; i < kCopies; ++i) {
      copies.copy4(to, column() + i * kColumns, word(), from, true);
      from += kColumns * inner_;
    }
  }
  // To the next depth, or from the last one of a tile to the first of the next.
  __device__ __forceinline__ void advance(bool nextTile) {
    from_ += nextTile ? (kTileColumns - 1) * inner_ + kDepthWords : kDepthWords;
  }

 private:
  static constexpr int kColumns = kThreads<kWarps> / kTileChunks, kCopies = kTileColumns / kColumns;
  __device__ __forceinline__ static int column() {
    return static_cast<int>(threadIdx.x) / kTileChunks;
  }
  __device__ __forceinline__ static int word() {
    return static_cast<int>(threadIdx.x) % kTileChunks * 4;
  }

  const uint32_t* from_;
  int inner_;
};

// Rows `a`, whole in shared memory and from word `word` on, times tiles [first, end) of the
// weights' columns: finish(tile, sums) for each. `memory`: the two buffers. The block must be done
// with that memory before the call; `a` may be written right before it, since the first barrier
// comes after the first copies.
template <typename Arithmetic, int kWarps, typename Finish>
__device__ __forceinline__ void multiplyTiles(const SharedWords& a, int word, uint32_t* memory,
                                              const WeightMatrix& weights, int first, int end,
                                              const Finish& finish) {
  const int depths = weights.inner / kDepthWords;
  const TilePart part;
  AsyncCopies copies;
  WeightCopies<kWarps> next(weights, first);
  TileSums sums = {};

  // Steps: all depths of one tile, then of the next. While one is multiplied, the next is on its
  // way.
  int buffer = 0;
  next.start(copies, stage(memory, 0, kTileColumns, kDepthWords));
  for (int tile = first; tile < end; ++tile) {
    for (int depth = 0; depth < depths; ++depth) {
      copies.land();
      __syncthreads();
      const bool last = depth + 1 == depths;
      next.advance(last);
      if (!last || tile + 1 < end)
        next.start(copies, stage(memory, buffer ^ 1, kTileColumns, kDepthWords));
      Arithmetic::template multiply<2, 8, kDepthWords, kDepthWords>(
          sums, Operand{a, part.row, word + depth * kDepthWords},
          Operand{stage(memory, buffer, kTileColumns, kDepthWords), part.column, 0});
      buffer ^= 1;
    }
    finish(tile, sums);
    clearSums(sums);
  }
}

// Where a row of a tile goes: row `to` of y, with the residual's row `from`; to < 0: nowhere.
struct ResultRow {
  int64_t to, from;
};

// A lane's eight pairs of a row, 8 columns apart.
using RowPairs = float[8][2];

__device__ __forceinline__ void addRow(RowPairs& pairs, const float* from) {
#pragma unroll
  for (int n = 0; n < 8; ++n) {
    const float2 more = *reinterpret_cast<const float2*>(from + 8 * n);
    pairs[n][0] += more.x, pairs[n][1] += more.y;
  }
}

// The sums of a row and their bias, through the leaky ReLU: slope 1 is none, 0 is ReLU.
__device__ __forceinline__ void activateRow(RowPairs& pairs, const float (&sums)[8][4], int half,
                                            const RowPairs& bias, float slope) {
#pragma unroll
  for (int n = 0; n < 8; ++n) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      const float value = sums[n][2 * half + e] + bias[n][e];
      pairs[n][e] = fmaxf(value, value * slope);
    }
  }
}

// The bias of the lane's columns, from `column` on.
__device__ __forceinline__ void loadBias(RowPairs& bias, const WeightMatrix& weights, int column) {
#pragma unroll
  for (int n = 0; n < 8; ++n) {
    const float2 found = *reinterpret_cast<const float2*>(weights.bias + column + 8 * n);
    bias[n][0] = found.x, bias[n][1] = found.y;
  }
}

// The lane's first column of tile `tile`.
__device__ __forceinline__ int columnOfLane(int tile) {
  return tile * kTileColumns + TilePart().column + 2 * LanePlace().t;
}

// A tile's sums through the epilogue to memory, a row at a time. rowOf(i): where row i of the tile
// goes. Out: the arithmetic whose words the result has. op.stride is a multiple of 64, a warp's
// columns: all of them are within a row or none.
template <typename Out, typename RowOf>
__device__ __forceinline__ void finishTile(const Epilogue& op, const WeightMatrix& weights,
                                           int tile, const TileSums& sums, const RowOf& rowOf) {
  const int column = columnOfLane(tile);
  if (column >= op.stride) return;
  const TilePart part;
  RowPairs bias;
  loadBias(bias, weights, column);

#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const ResultRow row = rowOf(part.row + 16 * m + 8 * half + LanePlace().g);
      if (row.to < 0) continue;
      RowPairs pairs;
      activateRow(pairs, sums[m], half, bias, op.slope);
      if (op.residual) addRow(pairs, op.residual + row.from * op.stride + column);
      if (op.table) addRow(pairs, op.table + row.to % op.tableRows * op.stride + column);
      if (op.y) {
        float* y = op.y + row.to * op.stride + column;
#pragma unroll
        for (int n = 0; n < 8; ++n)
          *reinterpret_cast<float2*>(y + 8 * n) = {pairs[n][0], pairs[n][1]};
      }
      if (op.words) {
        uint32_t* words = op.words + row.to * (op.stride / Out::kPerWord) + column / Out::kPerWord;
#pragma unroll
        for (int n = 0; n < 8; ++n) Out::toMemory(words, 8 * n, pairs[n][0], pairs[n][1]);
      }
    }
  }
}

}  // namespace pstmo::inference::cuda
