// What the plan's products share. A block of kWarps warps multiplies 16 kWarps rows by 128 columns,
// each warp 32 x 64 of them, 32 words of the inner dimension at a time through two buffers: while
// one is multiplied, the next is on its way. One barrier a step: who passes it has multiplied what
// lies in the buffer that is filled next. Each element is summed by one lane in one order:
// deterministic.
#pragma once

#include "arithmetic.h"
#include "kernels.h"

namespace pstmo::inference::cuda {

constexpr int kTileChunks = kDepthWords / 4;  // copies of a row of a buffer
constexpr int kStageWords = SharedWords::size(kTileColumns, kDepthWords);

constexpr int kNormRows = 4;  // rows a warp normalises at once: their loads wait together

template <int kWarps>
constexpr int kTileRows = 16 * kWarps;

// The block's shared memory, from its begin.
struct FirstWords {
  uint32_t words[4];
};

__device__ __forceinline__ uint32_t* sharedWords() {
  auto& smem = sharedMemory<FirstWords>();
  return smem.words;
}

using TileSums = float[2][8][4];

// Where a warp's part of the tile begins.
struct TilePart {
  int row = static_cast<int>(threadIdx.x) / kWarp / 2 * 32,
      column = static_cast<int>(threadIdx.x) / kWarp % 2 * 64;
};

// body(row, column, low, high) for each pair of neighbouring elements that the lane has.
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

// One of two buffers that lie one behind the other.
__device__ __forceinline__ SharedWords stage(uint32_t* memory, int buffer, int rows, int columns) {
  return {memory + buffer * SharedWords::size(rows, columns), rows, columns};
}

// Rows [firstRow, firstRow + 16 kWarps) of x, normalised, to words from `word` on; zero behind the
// last row and the last channel.
template <typename Arithmetic, int kWarps>
__device__ __forceinline__ void normalizeRows(const NormMatmul& op, int64_t firstRow,
                                              const SharedWords& to, int word) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = laneOfWarp();
  for (int first = warp * 16; first < warp * 16 + 16; first += kNormRows) {
    int64_t rows[kNormRows];
    float mean[kNormRows] = {}, factor[kNormRows] = {};
#pragma unroll
    for (int i = 0; i < kNormRows; ++i)
      rows[i] = (firstRow + first + i < op.rows ? firstRow + first + i : 0) * op.xStride;
    for (int c = lane; c < op.width; c += kWarp) {
#pragma unroll
      for (int i = 0; i < kNormRows; ++i) mean[i] += op.x[rows[i] + c];
    }
#pragma unroll
    for (int i = 0; i < kNormRows; ++i)
      mean[i] = sumOfLanes(mean[i]) / static_cast<float>(op.width);
    for (int c = lane; c < op.width; c += kWarp) {
#pragma unroll
      for (int i = 0; i < kNormRows; ++i)
        factor[i] += (op.x[rows[i] + c] - mean[i]) * (op.x[rows[i] + c] - mean[i]);
    }
#pragma unroll
    for (int i = 0; i < kNormRows; ++i)
      factor[i] = op.scaled ? normFactor(sumOfLanes(factor[i]), op.width) : 1.0f;
    for (int c = 2 * lane; c < op.weights.inner * Arithmetic::kPerWord; c += 2 * kWarp) {
#pragma unroll
      for (int i = 0; i < kNormRows; ++i) {
        float values[2] = {};
        for (int e = 0; e < 2; ++e) {
          if (firstRow + first + i >= op.rows || c + e >= op.width) continue;
          values[e] = (op.x[rows[i] + c + e] - mean[i]) * factor[i];
          if (op.a) values[e] = values[e] * op.a[c + e] + op.b[c + e];
        }
        Arithmetic::toShared(to, first + i, word * Arithmetic::kPerWord + c, values[0], values[1]);
      }
    }
  }
}

// Depth `depth` of the columns of tile `tile`.
template <int kWarps>
__device__ __forceinline__ void copyWeights(AsyncCopies& copies, const SharedWords& to,
                                            const WeightMatrix& weights, int tile, int depth) {
  for (int e = static_cast<int>(threadIdx.x); e < kTileColumns * kTileChunks; e += kWarps * kWarp) {
    const int column = e / kTileChunks, word = e % kTileChunks * 4;
    const uint32_t* from = weights.words +
                           static_cast<int64_t>(tile * kTileColumns + column) * weights.inner +
                           depth * kDepthWords + word;
    copies.copy4(to, column, word, from, true);
  }
}

// Rows `a`, whole in shared memory and from word `word` on, times tiles [first, end) of the
// weights; finish(tile, sums) for each. `memory`: two buffers. All of the block must have written
// a, and be done with that memory, before: the first barrier comes after the first copies.
template <typename Arithmetic, int kWarps, typename Finish>
__device__ __forceinline__ void multiplyTiles(const SharedWords& a, int word, uint32_t* memory,
                                              const WeightMatrix& weights, int first, int end,
                                              const Finish& finish) {
  const int depths = weights.inner / kDepthWords, steps = (end - first) * depths;
  const TilePart part;
  AsyncCopies copies;
  TileSums sums = {};
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
    if (step % depths + 1 < depths) continue;
    finish(first + step / depths, sums);
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
      for (int n = 0; n < 8; ++n) {
#pragma unroll
        for (int e = 0; e < 4; ++e) sums[m][n][e] = 0;
      }
    }
  }
}

// What a product becomes, two neighbouring columns at once; y is written. `from`: the residual's
// row.
__device__ __forceinline__ void finishValues(const Epilogue& op, const float* bias, int64_t row,
                                             int64_t from, int column, float (&values)[2]) {
#pragma unroll
  for (int e = 0; e < 2; ++e) {
    const int at = column + e;
    float value = values[e] + bias[at];
    if (op.scale) value = value * op.scale[at] + op.shift[at];
    if (value < 0.0f) value *= op.slope;
    if (op.residual) value += op.residual[from * op.stride + at];
    if (op.table) value += op.table[row % op.tableRows * op.stride + at];
    if (op.y) op.y[row * op.stride + at] = value;
    values[e] = value;
  }
}

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
