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

constexpr int kNormRows = 4;  // rows a warp normalises at once: their loads wait together

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

// body(row, column, low, high) for each pair of neighbours that the lane has: elements (row,
// column) and (row, column + 1) of the tile.
template <typename Body>
__device__ __forceinline__ void forEachPair(const TileSums& sums, const Body& body) {
  const LanePlace at;
  const TilePart part;
#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int n = 0; n < 8; ++n)
        body(part.row + 16 * m + 8 * half + at.g, part.column + 8 * n + 2 * at.t,
             sums[m][n][2 * half], sums[m][n][2 * half + 1]);
    }
  }
}

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

// Rows [firstRow, firstRow + 16 kWarps) of x, normalised, to rows of `to` from word `word` on; zero
// behind the last row and the last channel. A warp takes 16 rows, four at a time, and reads each
// three times: for the mean, for the squares, for the row itself.
template <typename Arithmetic, int kWarps>
__device__ __forceinline__ void normalizeRows(const NormMatmul& op, int64_t firstRow,
                                              const SharedWords& to, int word) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = laneOfWarp();
  for (int first = warp * 16; first < warp * 16 + 16; first += kNormRows) {
    int64_t rows[kNormRows];  // elements of x where they begin
    float mean[kNormRows] = {}, factor[kNormRows] = {};
#pragma unroll
    for (int i = 0; i < kNormRows; ++i)
      rows[i] = (firstRow + first + i < op.rows ? firstRow + first + i : 0) * op.xStride;

    // Mean.
    for (int c = lane; c < op.width; c += kWarp) {
#pragma unroll
      for (int i = 0; i < kNormRows; ++i) mean[i] += op.x[rows[i] + c];
    }
#pragma unroll
    for (int i = 0; i < kNormRows; ++i)
      mean[i] = sumOfLanes(mean[i]) / static_cast<float>(op.width);

    // Factor: 1 / (std + epsilon).
    for (int c = lane; c < op.width; c += kWarp) {
#pragma unroll
      for (int i = 0; i < kNormRows; ++i)
        factor[i] += (op.x[rows[i] + c] - mean[i]) * (op.x[rows[i] + c] - mean[i]);
    }
#pragma unroll
    for (int i = 0; i < kNormRows; ++i)
      factor[i] = op.scaled ? normFactor(sumOfLanes(factor[i]), op.width) : 1.0f;

    // The rows, two channels a lane.
    for (int c = 2 * lane; c < op.weights.inner * Arithmetic::kPerWord; c += 2 * kWarp) {
#pragma unroll
      for (int i = 0; i < kNormRows; ++i) {
        float values[2] = {};
        for (int e = 0; e < 2; ++e) {
          if (firstRow + first + i >= op.rows || c + e >= op.width) continue;
          values[e] = (op.x[rows[i] + c + e] - mean[i]) * factor[i];
        }
        Arithmetic::toShared(to, first + i, word * Arithmetic::kPerWord + c, values[0], values[1]);
      }
    }
  }
}

// Starts the copy of depth `depth` of the 128 columns of tile `tile` to `to` (128, 32).
template <int kWarps>
__device__ __forceinline__ void copyWeights(AsyncCopies& copies, const SharedWords& to,
                                            const WeightMatrix& weights, int tile, int depth) {
  for (int e = static_cast<int>(threadIdx.x); e < kTileColumns * kTileChunks;
       e += kThreads<kWarps>) {
    const int column = e / kTileChunks, word = e % kTileChunks * 4;
    const uint32_t* from = weights.words +
                           static_cast<int64_t>(tile * kTileColumns + column) * weights.inner +
                           depth * kDepthWords + word;
    copies.copy4(to, column, word, from, true);
  }
}

// Rows `a`, whole in shared memory and from word `word` on, times tiles [first, end) of the
// weights' columns: finish(tile, sums) for each. `memory`: the two buffers. The block must be done
// with that memory before the call; `a` may be written right before it, since the first barrier
// comes after the first copies.
template <typename Arithmetic, int kWarps, typename Finish>
__device__ __forceinline__ void multiplyTiles(const SharedWords& a, int word, uint32_t* memory,
                                              const WeightMatrix& weights, int first, int end,
                                              const Finish& finish) {
  const int depths = weights.inner / kDepthWords, steps = (end - first) * depths;
  const TilePart part;
  AsyncCopies copies;
  TileSums sums = {};

  // Steps: all depths of one tile, then of the next.
  copyWeights<kWarps>(copies, stage(memory, 0, kTileColumns, kDepthWords), weights, first, 0);
  for (int step = 0; step < steps; ++step) {
    copies.land();
    __syncthreads();
    if (step + 1 < steps) {
      copyWeights<kWarps>(copies, stage(memory, (step + 1) % 2, kTileColumns, kDepthWords), weights,
                          first + (step + 1) / depths, (step + 1) % depths);
    }

    const SharedWords right = stage(memory, step % 2, kTileColumns, kDepthWords);
    Arithmetic::template multiply<2, 8>(sums,
                                        Operand{a, part.row, word + step % depths * kDepthWords},
                                        Operand{right, part.column, 0}, kDepthWords);

    // The tile's last depth.
    if (step % depths + 1 < depths) continue;
    finish(first + step / depths, sums);
    clearSums(sums);
  }
}

// The epilogue of elements (row, column) and (row, column + 1): `values` go through it, and to y
// where there is one. `from`: the residual's row.
__device__ __forceinline__ void finishValues(const Epilogue& op, const float* bias, int64_t row,
                                             int64_t from, int column, float (&values)[2]) {
#pragma unroll
  for (int e = 0; e < 2; ++e) {
    const int at = column + e;
    float value = values[e] + bias[at];
    if (value < 0.0f) value *= op.slope;
    if (op.residual) value += op.residual[from * op.stride + at];
    if (op.table) value += op.table[row % op.tableRows * op.stride + at];
    if (op.y) op.y[row * op.stride + at] = value;
    values[e] = value;
  }
}

// The same for results that go to memory: to the epilogue's words too, where it has them.
template <typename Arithmetic>
__device__ __forceinline__ void finishPair(const Epilogue& op, const float* bias, int64_t row,
                                           int64_t from, int column, float low, float high) {
  float values[2] = {low, high};
  finishValues(op, bias, row, from, column, values);
  if (op.words)
    Arithmetic::toMemory(op.words + row * (op.stride / Arithmetic::kPerWord), column, values[0],
                         values[1]);
}

}  // namespace pstmo::inference::cuda
