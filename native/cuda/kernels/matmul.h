// Matmuls C (rows, columns) = A B in fp32, and the epilogue through which each result goes on its
// way to memory. tensor-matmul.h has those in tf32, brain-float-matmul.h those in bf16.
//
// Grid. Block (x, y, z) takes tile x of 64 rows, tile y of 64 columns and part z of the inner
// dimension, `depth` long. Its 128 threads take the inner dimension 16 at a time through two
// buffers of shared memory: while one is multiplied, the next is on its way in registers.
//
// Threads. Thread (lane = thread / 16, own = thread % 16) finishes rows 8 lane ... 8 lane + 7 and
// columns own, own + 16, own + 32, own + 48 of the tile: two rows and two columns 16 apart share a
// counter of dropout's Philox.
//
// Determinism. Each element is summed by one thread, in the order of the inner dimension. Several
// parts of it give several results, which another kernel adds in their order.
#pragma once

#include <device/shared-array.h>

#include "activation-io.h"
#include "batch-norm.h"
#include "dropout-mask.h"

namespace pstmo::cuda {

constexpr int kTile = 64, kDepth = 16, kMatmulThreads = 128;
constexpr int kMicroRows = 8, kMicroColumns = 4;  // of a thread
constexpr int kTilePad = 4;                       // unused elements behind a row in shared memory

// Operands: at(i, k) is element i (row of A, column of B) at inner index k. kInnerFirst: neighbours
// in memory follow k.
struct RowMajor {
  static constexpr bool kInnerFirst = true;
  ConstActivations data;
  int stride;
  __device__ __forceinline__ float at(int64_t i, int64_t k) const {
    return read(data, i * stride + k);
  }
};
struct InnerMajor {
  static constexpr bool kInnerFirst = false;
  ConstActivations data;
  int stride;
  __device__ __forceinline__ float at(int64_t i, int64_t k) const {
    return read(data, k * stride + i);
  }
};
// The rows of a strided convolution (kernel 3, padding 1): row (b, i), element 3 c + t is x[b, s i
// + t - 1, c], zero outside; so a weight (out, in, 3) is a plain matrix (out, 3 in) beside it.
struct ConvolutionRows {
  ConstActivations x;
  int in, tokens, outTokens, stride;
  __device__ __forceinline__ float element(int64_t row, int j) const {
    const int token = static_cast<int>(row % outTokens) * stride + j % 3 - 1;
    return token >= 0 && token < tokens ? read(x, (row / outTokens * tokens + token) * in + j / 3)
                                        : 0.0f;
  }
};
struct ConvolutionRowMajor : ConvolutionRows {
  static constexpr bool kInnerFirst = true;
  __device__ __forceinline__ float at(int64_t i, int64_t k) const {
    return element(i, static_cast<int>(k));
  }
};
struct ConvolutionInnerMajor : ConvolutionRows {
  static constexpr bool kInnerFirst = false;
  __device__ __forceinline__ float at(int64_t i, int64_t k) const {
    return element(k, static_cast<int>(i));
  }
};

// An operand as pairs of bf16; rows begin at 16 bytes, and are padded with zeros to that.
struct BrainOperand {
  const uint32_t* words;
  int stride;  // words of a row in memory
};

// The epilogue of a result, in this order: + bias, batch norm and leaky ReLU, ReLU, dropout, mask
// of an earlier ReLU, + residual, + the old y.
struct Epilogue {
  // (rows, columns); of several parts of the inner dimension (parts, rows, columns).
  Activations y;
  const float* bias = nullptr;  // (columns)

  // Batch norm in evaluation and a leaky ReLU of `slope`: (columns) each, all or none.
  const float* mean = nullptr;
  const float* variance = nullptr;
  const float* gamma = nullptr;
  const float* beta = nullptr;
  float slope = 1;

  bool relu = false;
  DropoutMask dropout = {};

  // Where this earlier output (rows, columns) is above 0 the result is scaled, elsewhere it is 0.
  ConstActivations reluOutput = {};
  float reluScale = 1;

  // Row r of y takes row (r / outTokens) tokens + (r % outTokens) stride.
  ConstActivations residual = {};
  int outTokens = 1, tokens = 1, stride = 1;

  bool accumulate = false;

  // (row tiles, 2, columns): mean and sum of squared deviations of the rows of each tile.
  float* moments = nullptr;
};

// The residual's row for row `row` of the result.
__device__ __forceinline__ int64_t residualRow(const Epilogue& op, int64_t row) {
  return op.outTokens == op.tokens
             ? row
             : row / op.outTokens * op.tokens + row % op.outTokens * op.stride;
}

// The epilogue from batch norm to residual, of a value that has its bias. factor: dropout's.
__device__ __forceinline__ float finished(const Epilogue& op, float value, int64_t row, int column,
                                          int columns, float factor) {
  if (op.mean)
    value =
        leakyRelu((value - op.mean[column]) * inverseStdOf(op.variance[column]) * op.gamma[column] +
                      op.beta[column],
                  op.slope);
  if (op.relu && value < 0.0f) value = 0.0f;
  if (op.dropout.active) value *= factor;
  if (op.reluOutput)
    value = read(op.reluOutput, row * columns + column) > 0.0f ? value * op.reluScale : 0.0f;
  if (op.residual) {
    value += read(op.residual, residualRow(op, row) * columns + column);
  }
  return value;
}

// a, b: 16 of the inner dimension by 64 rows of A or columns of B, in two buffers.
struct MatmulSmem {
  SharedMatrix<float, kDepth, kTile, kTilePad> a[2], b[2];
  SharedMatrix<float, kMatmulThreads / 16, kTile, kTilePad> c;  // column sums
};

// The thread's elements of the tile, by multiply-adds: step() adds the products of one buffer.
struct FloatMultiply {
  float sums[kMicroRows][kMicroColumns] = {};

  __device__ __forceinline__ void step(const MatmulSmem& smem, int buffer) {
    const int row = static_cast<int>(threadIdx.x) / 16 * kMicroRows,
              column = static_cast<int>(threadIdx.x) % 16;
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      const float4 low = smem.a[buffer].get4(k, row), high = smem.a[buffer].get4(k, row + 4);
      const float left[kMicroRows] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
      for (int j = 0; j < kMicroColumns; ++j) {
        const float right = smem.b[buffer].get(k, column + 16 * j);
#pragma unroll
        for (int i = 0; i < kMicroRows; ++i) sums[i][j] += left[i] * right;
      }
    }
  }
};

// A thread's eight elements of a 64 x 16 tile of one operand, on their way from memory to shared
// memory. Neighbouring threads take neighbours in memory.
template <typename Operand>
struct TileLoad {
  float values[kTile * kDepth / kMatmulThreads];  // 8

  // Which row of A or column of B, and which inner index, value e is.
  __device__ __forceinline__ static int element(int e) {
    const int flat = e * kMatmulThreads + static_cast<int>(threadIdx.x);
    return Operand::kInnerFirst ? flat / kDepth : flat % kTile;
  }
  __device__ __forceinline__ static int inner(int e) {
    const int flat = e * kMatmulThreads + static_cast<int>(threadIdx.x);
    return Operand::kInnerFirst ? flat % kDepth : flat / kTile;
  }

  // Zeros behind `count` and `end`.
  __device__ __forceinline__ void load(const Operand& operand, int64_t first, int64_t count,
                                       int64_t k, int64_t end) {
#pragma unroll
    for (int e = 0; e < kTile * kDepth / kMatmulThreads; ++e) {
      const int64_t i = first + element(e), at = k + inner(e);
      values[e] = i < count && at < end ? operand.at(i, at) : 0.0f;
    }
  }
  __device__ __forceinline__ void store(SharedMatrix<float, kDepth, kTile, kTilePad>& tile) const {
#pragma unroll
    for (int e = 0; e < kTile * kDepth / kMatmulThreads; ++e)
      tile.put(inner(e), element(e), values[e]);
  }
};

// Mean and sum of squared deviations of the tile's rows, of each column: the first half of batch
// norm. Pass 0 sums the values, pass 1 the squares; each thread its 8 rows, then the 8 threads of a
// column through shared memory, in order.
__device__ __forceinline__ void tileMoments(MatmulSmem& smem,
                                            const float (&values)[kMicroRows][kMicroColumns],
                                            int64_t firstRow, int64_t rows, int firstColumn,
                                            int columns, float* moments) {
  const int lane = static_cast<int>(threadIdx.x) / 16, own = static_cast<int>(threadIdx.x) % 16;
  const int64_t left = rows - firstRow;
  const int count = left < kTile ? static_cast<int>(left) : kTile;  // rows of this tile
  float means[kMicroColumns] = {};
  for (int pass = 0; pass < 2; ++pass) {
    __syncthreads();
#pragma unroll
    for (int j = 0; j < kMicroColumns; ++j) {
      float sum = 0;
#pragma unroll
      for (int i = 0; i < kMicroRows; ++i) {
        const float value =
            pass == 0 ? values[i][j] : (values[i][j] - means[j]) * (values[i][j] - means[j]);
        if (lane * kMicroRows + i < count) sum += value;
      }
      smem.c.put(lane, own + 16 * j, sum);
    }
    __syncthreads();
#pragma unroll
    for (int j = 0; j < kMicroColumns; ++j) {
      float total = 0;
      for (int i = 0; i < kTile / kMicroRows; ++i) total += smem.c.get(i, own + 16 * j);
      if (pass == 0) means[j] = total = total / static_cast<float>(count);
      const int column = firstColumn + own + 16 * j;
      if (lane == 0 && column < columns)
        moments[(firstRow / kTile * 2 + pass) * columns + column] = total;
    }
  }
}

// The tile's epilogue: bias, moments where they are asked for, then element by element to y.
template <bool kMoments>
__device__ __forceinline__ void writeTile(MatmulSmem& smem,
                                          float (&sums)[kMicroRows][kMicroColumns],
                                          int64_t firstRow, int64_t rows, int firstColumn,
                                          int columns, const Epilogue& op) {
  const int lane = static_cast<int>(threadIdx.x) / 16, own = static_cast<int>(threadIdx.x) % 16;

  // Bias.
#pragma unroll
  for (int j = 0; j < kMicroColumns; ++j) {
    const int column = firstColumn + own + 16 * j;
    const float bias = op.bias && column < columns ? op.bias[column] : 0.0f;
#pragma unroll
    for (int i = 0; i < kMicroRows; ++i) sums[i][j] += bias;
  }

  // Moments.
  if constexpr (kMoments) tileMoments(smem, sums, firstRow, rows, firstColumn, columns, op.moments);

  // Two rows and two columns at a time, which share a counter of Philox.
  const int64_t firstElement = static_cast<int64_t>(blockIdx.z) * rows * columns;
#pragma unroll
  for (int pair = 0; pair < kMicroRows / 2; ++pair) {
#pragma unroll
    for (int half = 0; half < kMicroColumns / 2; ++half) {
      const int64_t firstOfPair = firstRow + lane * kMicroRows + pair * 2;
      PhiloxWords words{};
      if (op.dropout.active)
        words = dropoutWords(op.dropout, columns, firstOfPair / 2, firstColumn + own + 32 * half);
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int64_t row = firstOfPair + e / 2;
        const int column = firstColumn + own + 32 * half + 16 * (e % 2);
        if (row >= rows || column >= columns) continue;
        const float value = finished(op, sums[pair * 2 + e / 2][half * 2 + e % 2], row, column,
                                     columns, dropoutFactor(op.dropout, words, row, column));
        const int64_t at = firstElement + row * columns + column;
        write(op.y, at, op.accumulate ? value + read(op.y, at) : value);
      }
    }
  }
}

// The kernel that this file's head describes. `depth` is a multiple of 16. kMoments: the epilogue
// takes moments. Two blocks a multiprocessor at the least: asked for more, the compiler spills.
template <typename A, typename B, bool kMoments>
__global__ void __launch_bounds__(kMatmulThreads, 2)
    matmulKernel(int64_t rows, int columns, int64_t inner, int64_t depth, A a, B b, Epilogue op) {
  auto& smem = sharedMemory<MatmulSmem>();
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * kTile, begin = blockIdx.z * depth,
                end = begin + depth < inner ? begin + depth : inner;
  const int firstColumn = static_cast<int>(blockIdx.y) * kTile;

  // The first 16 of the inner dimension to registers.
  FloatMultiply multiply;
  TileLoad<A> loadA;
  TileLoad<B> loadB;
  loadA.load(a, firstRow, rows, begin, end);
  loadB.load(b, firstColumn, columns, begin, end);

  // Multiply. One barrier a step: whoever passes it is done with the buffer that is stored next.
  int buffer = 0;
  for (int64_t k = begin; k < end; k += kDepth) {
    loadA.store(smem.a[buffer]);
    loadB.store(smem.b[buffer]);
    __syncthreads();
    if (k + kDepth < end) {
      loadA.load(a, firstRow, rows, k + kDepth, end);
      loadB.load(b, firstColumn, columns, k + kDepth, end);
    }
    multiply.step(smem, buffer);
    buffer ^= 1;
  }

  writeTile<kMoments>(smem, multiply.sums, firstRow, rows, firstColumn, columns, op);
}

}  // namespace pstmo::cuda
