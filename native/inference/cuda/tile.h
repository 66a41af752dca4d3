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

// Row and column of the tile where the sums of a thread's warp begin.
struct TilePart {
  int row, column;
  __device__ __forceinline__ explicit TilePart(int thread = static_cast<int>(threadIdx.x))
      : row(thread / kWarp / 2 * 32), column(thread / kWarp % 2 * 64) {}
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
    float rows[kNormRows][kNormChunks][4] = {};
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

// How a tile's columns lie in a buffer, and with it which ones a lane's sums are. Fragments p and
// p + 1 of a pair give a lane two columns each.
//   natural: 8 p + 2 t and 8 (p + 1) + 2 t, and the next ones;
//   together: four neighbours, 8 p + 4 t to 8 p + 4 t + 3, which go to memory at once.
enum class ColumnOrder { natural, together };

// The row of a buffer that column `column` of a tile goes to.
template <ColumnOrder kOrder>
__device__ __forceinline__ int rowOfColumn(int column) {
  if constexpr (kOrder == ColumnOrder::natural) return column;
  const int ofSixteen = column % 16;
  return column - ofSixteen + ofSixteen / 2 % 2 * 8 + ofSixteen / 4 * 2 + ofSixteen % 2;
}

// The copies of weights that a thread starts: of the 128 columns of a tile, 32 words deep, the same
// columns and words of each depth.
template <int kWarps, ColumnOrder kOrder>
class WeightCopies {
 public:
  // From depth 0 of tile `tile` on.
  __device__ __forceinline__ WeightCopies(const WeightMatrix& weights, int tile)
      : from_(weights.words + static_cast<int64_t>(tile * kTileColumns + column()) * weights.inner +
              word()),
        weights_(weights) {}

  __device__ __forceinline__ void start(AsyncCopies& copies, const SharedWords& to) const {
    const uint32_t* from = from_;
#pragma unroll
    for (int i = 0; i < kCopies; ++i) {
      const int sixteens = i * kColumns / 16 * 16;  // which the order leaves in their place
      copies.copy4(to, rowOfColumn<kOrder>(column() + i * kColumns - sixteens) + sixteens, word(),
                   from, true);
      from += kColumns * weights_.inner;
    }
  }
  // To the next depth, or from the last one of a tile to the first of the next.
  __device__ __forceinline__ void advance(bool nextTile) {
    from_ += nextTile ? (kTileColumns - 1) * weights_.inner + kDepthWords : kDepthWords;
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
  const WeightMatrix& weights_;
};

// Rows `a`, whole in shared memory and from word `word` on, times tiles [first, end) of the
// weights' columns: finish(tile, sums) for each. `memory`: the two buffers. The block must be done
// with that memory before the call; `a` may be written right before it, since the first barrier
// comes after the first copies.
template <typename Arithmetic, int kWarps, ColumnOrder kOrder, typename Finish>
__device__ __forceinline__ void multiplyTiles(const SharedWords& a, int word, uint32_t* memory,
                                              const WeightMatrix& weights, int first, int end,
                                              const Finish& finish) {
  const TilePart part;
  AsyncCopies copies;
  WeightCopies<kWarps, kOrder> next(weights, first);
  TileSums sums = {};

  // Steps: all depths of one tile, then of the next. While one is multiplied, the next is on its
  // way.
  int buffer = 0;
  next.start(copies, stage(memory, 0, kTileColumns, kDepthWords));
  for (int tile = first; tile < end; ++tile) {
#pragma unroll 1
    for (int depth = 0; depth < weights.inner / kDepthWords; ++depth) {
      copies.land();
      __syncthreads();
      const bool last = depth + 1 == weights.inner / kDepthWords;
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

// A lane's columns of a row where they lie together: four of each 16.
using RowParts = float[4][4];

__device__ __forceinline__ void loadParts(RowParts& parts, const float* from) {
#pragma unroll
  for (int p = 0; p < 4; ++p) {
    const float4 found = *reinterpret_cast<const float4*>(from + 16 * p);
    parts[p][0] = found.x, parts[p][1] = found.y, parts[p][2] = found.z, parts[p][3] = found.w;
  }
}

__device__ __forceinline__ void addParts(RowParts& parts, const float* from) {
  RowParts more;
  loadParts(more, from);
#pragma unroll
  for (int p = 0; p < 4; ++p) {
#pragma unroll
    for (int e = 0; e < 4; ++e) parts[p][e] += more[p][e];
  }
}

// A sum and its bias through the leaky ReLU: slope 1 is none, 0 is ReLU.
__device__ __forceinline__ float activated(float sum, float bias, float slope) {
  const float value = sum + bias;
  return fmaxf(value, value * slope);
}

// A tile's sums through the epilogue to memory, a row at a time. The columns lie together.
// rowOf(i): where row i of the tile goes. Out: the arithmetic whose words the result has. op.stride
// is a multiple of 64, a warp's columns: all of them are within a row or none.
// kAdds: whether there may be a residual or a table.
template <typename Out, bool kAdds, typename RowOf>
__device__ __forceinline__ void finishTile(const Epilogue& op, const WeightMatrix& weights,
                                           int tile, const TileSums& sums, const RowOf& rowOf) {
  const int thread = here(static_cast<int>(threadIdx.x)), lane = thread % kWarp;
  const TilePart part(thread);
  const int column = tile * kTileColumns + part.column + lane % 4 * 4;
  if (column >= op.stride) return;
  RowParts bias;
  loadParts(bias, weights.bias + column);

#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const ResultRow row = rowOf(here(part.row + 16 * m + 8 * half + lane / 4));
      if (row.to < 0) continue;
      RowParts parts;
#pragma unroll
      for (int p = 0; p < 4; ++p) {
#pragma unroll
        for (int e = 0; e < 4; ++e)
          parts[p][e] = activated(sums[m][2 * p + e / 2][2 * half + e % 2], bias[p][e], op.slope);
      }
      if (kAdds && op.residual) addParts(parts, op.residual + row.from * op.stride + column);
      if (kAdds && op.table) addParts(parts, op.table + row.to % op.tableRows * op.stride + column);
      if (op.y) {
        float* y = op.y + row.to * op.stride + column;
#pragma unroll
        for (int p = 0; p < 4; ++p)
          *reinterpret_cast<float4*>(y + 16 * p) = {parts[p][0], parts[p][1], parts[p][2],
                                                    parts[p][3]};
      }
      if (op.words) {
        uint32_t* words = op.words + row.to * (op.stride / Out::kPerWord) + column / Out::kPerWord;
#pragma unroll
        for (int p = 0; p < 4; ++p) Out::toMemory4(words, 16 * p, parts[p]);
      }
    }
  }
}

}  // namespace pstmo::inference::cuda
