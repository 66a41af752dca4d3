// Matrix products C (rows, columns) = A B, with what happens to a product on its way to memory.
// Tiles of 64 x 64, 128 threads, the inner dimension 16 at a time through two buffers of shared
// memory: while one is multiplied, the next is on its way. Deterministic: each element is summed by
// one thread (or one fragment) in one order.
#pragma once

#include <device/shared-array.h>

#include "activation-io.h"
#include "batch-norm.h"
#include "dropout-mask.h"
#include "fragments.h"

namespace pstmo::cuda {

constexpr int kTile = 64, kDepth = 16, kProductThreads = 128;
constexpr int kMicroRows = 8,
              kMicroColumns =
                  4;  // of a thread: 8 rows, and columns 16 apart, as dropout's counters want it
constexpr int kTilePad = 4;

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

// What happens to a product, in this order: + bias, batch norm and leaky ReLU, ReLU, dropout, mask
// of an earlier ReLU, + residual,
// + what y held.
struct Epilogue {
  Activations
      y;  // (rows, columns); with several splits of the inner dimension (splits, rows, columns)
  const float* bias = nullptr;
  const float* mean =
      nullptr;  // batch norm in evaluation: with the three below, and leaky ReLU of `slope`
  const float* variance = nullptr;
  const float* gamma = nullptr;
  const float* beta = nullptr;
  float slope = 1;
  bool relu = false;
  Keep keep = {};
  ConstActivations reluOutput = {};
  float reluScale = 1;
  ConstActivations residual =
      {};  // row r of y takes row (r / outTokens) * tokens + (r % outTokens) * stride
  int outTokens = 1, tokens = 1, stride = 1;
  bool accumulate = false;
  float* moments = nullptr;  // (row tiles, 2, columns): mean, sum of squared deviations, of the
                             // rows of each tile
};

// A product with its bias through all that comes after, but what y held. factor: dropout's.
__device__ __forceinline__ float finished(const Epilogue& op, float value, int64_t row, int column,
                                          int columns, float factor) {
  if (op.mean)
    value =
        leakyRelu((value - op.mean[column]) * inverseStdOf(op.variance[column]) * op.gamma[column] +
                      op.beta[column],
                  op.slope);
  if (op.relu && value < 0.0f) value = 0.0f;
  if (op.keep.active) value *= factor;
  if (op.reluOutput)
    value = read(op.reluOutput, row * columns + column) > 0.0f ? value * op.reluScale : 0.0f;
  if (op.residual) {
    const int64_t from = op.outTokens == op.tokens
                             ? row
                             : row / op.outTokens * op.tokens + row % op.outTokens * op.stride;
    value += read(op.residual, from * columns + column);
  }
  return value;
}

struct ProductSmem {
  SharedMatrix<float, kDepth, kTile, kTilePad> a[2], b[2];
  SharedMatrix<float, kTile, kTile, kTilePad> c;  // results of fragments; then column sums
};

// One step of 16 along the inner dimension, into 32 sums a thread; gather() gives the thread its 8
// x 4 elements.
struct FloatMultiply {
  float sums[kMicroRows][kMicroColumns] = {};

  __device__ __forceinline__ void step(const ProductSmem& smem, int buffer) {
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
  __device__ __forceinline__ void gather(ProductSmem&) {}
};

// By tensor cores: four warps, each 32 x 32 of the tile as 2 x 4 fragments of 16 x 8. Fragment:
// TensorFloat or BrainFloat of fragments.h.
template <typename Fragment>
struct TensorMultiply {
  float sums[kMicroRows][kMicroColumns] = {};  // fragment (m, n): sums[m * 4 + n]

  __device__ __forceinline__ void step(const ProductSmem& smem, int buffer) {
    const int warp = static_cast<int>(threadIdx.x) / kWarp, row = warp / 2 * 32,
              column = warp % 2 * 32;
#pragma unroll
    for (int k = 0; k < kDepth; k += Fragment::kInner) {
      typename Fragment::Left left[2];
#pragma unroll
      for (int m = 0; m < 2; ++m)
        left[m] = Fragment::left(
            [&](int i, int j) { return smem.a[buffer].get(k + j, row + 16 * m + i); });
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        const typename Fragment::Right right = Fragment::right(
            [&](int i, int j) { return smem.b[buffer].get(k + i, column + 8 * n + j); });
#pragma unroll
        for (int m = 0; m < 2; ++m) Fragment::multiplyAdd(sums[m * 4 + n], left[m], right);
      }
    }
  }
  __device__ __forceinline__ void gather(ProductSmem& smem) {
    const int warp = static_cast<int>(threadIdx.x) / kWarp,
              lane = static_cast<int>(threadIdx.x) % kWarp;
    const int row = warp / 2 * 32 + lane / 4, column = warp % 2 * 32 + lane % 4 * 2;
#pragma unroll
    for (int f = 0; f < 8; ++f) {
#pragma unroll
      for (int e = 0; e < 4; ++e)
        smem.c.put(row + f / 4 * 16 + e / 2 * 8, column + f % 4 * 8 + e % 2, sums[f][e]);
    }
    __syncthreads();
    const int first = static_cast<int>(threadIdx.x) / 16 * kMicroRows,
              own = static_cast<int>(threadIdx.x) % 16;
#pragma unroll
    for (int i = 0; i < kMicroRows; ++i) {
#pragma unroll
      for (int j = 0; j < kMicroColumns; ++j) sums[i][j] = smem.c.get(first + i, own + 16 * j);
    }
  }
};

// A thread's eight elements of a 64 x 16 tile of one operand.
template <typename Operand>
struct TileLoad {
  float values[kTile * kDepth / kProductThreads];

  __device__ __forceinline__ static int element(int e) {
    const int flat = e * kProductThreads + static_cast<int>(threadIdx.x);
    return Operand::kInnerFirst ? flat / kDepth : flat % kTile;
  }
  __device__ __forceinline__ static int inner(int e) {
    const int flat = e * kProductThreads + static_cast<int>(threadIdx.x);
    return Operand::kInnerFirst ? flat % kDepth : flat / kTile;
  }
  __device__ __forceinline__ void load(const Operand& operand, int64_t first, int64_t count,
                                       int64_t k, int64_t end) {
#pragma unroll
    for (int e = 0; e < kTile * kDepth / kProductThreads; ++e) {
      const int64_t i = first + element(e), at = k + inner(e);
      values[e] = i < count && at < end ? operand.at(i, at) : 0.0f;
    }
  }
  __device__ __forceinline__ void store(SharedMatrix<float, kDepth, kTile, kTilePad>& tile) const {
#pragma unroll
    for (int e = 0; e < kTile * kDepth / kProductThreads; ++e)
      tile.put(inner(e), element(e), values[e]);
  }
};

// Mean and sum of squared deviations of the tile's rows, a column at a time: the first half of
// batch norm.
__device__ __forceinline__ void tileMoments(ProductSmem& smem,
                                            const float (&values)[kMicroRows][kMicroColumns],
                                            int64_t firstRow, int64_t rows, int firstColumn,
                                            int columns, float* moments) {
  const int lane = static_cast<int>(threadIdx.x) / 16, own = static_cast<int>(threadIdx.x) % 16;
  const int64_t left = rows - firstRow;
  const int count = left < kTile ? static_cast<int>(left) : kTile;
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

// Block (x, y, z): tile x of the rows, tile y of the columns, part z of the inner dimension
// (`depth` long, a multiple of 16). Two blocks a multiprocessor at the least: asked for more, the
// compiler spills.
template <typename Multiply, typename A, typename B, bool kMoments>
__global__ void __launch_bounds__(kProductThreads, 2)
    productKernel(int64_t rows, int columns, int64_t inner, int64_t depth, A a, B b, Epilogue op) {
  auto& smem = sharedMemory<ProductSmem>();
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * kTile, begin = blockIdx.z * depth,
                end = begin + depth < inner ? begin + depth : inner;
  const int firstColumn = static_cast<int>(blockIdx.y) * kTile;
  Multiply multiply;
  TileLoad<A> loadA;
  TileLoad<B> loadB;
  loadA.load(a, firstRow, rows, begin, end);
  loadB.load(b, firstColumn, columns, begin, end);
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
  multiply.gather(smem);

  const int lane = static_cast<int>(threadIdx.x) / 16, own = static_cast<int>(threadIdx.x) % 16;
#pragma unroll
  for (int j = 0; j < kMicroColumns; ++j) {
    const int column = firstColumn + own + 16 * j;
    const float bias = op.bias && column < columns ? op.bias[column] : 0.0f;
#pragma unroll
    for (int i = 0; i < kMicroRows; ++i) multiply.sums[i][j] += bias;
  }
  if constexpr (kMoments)
    tileMoments(smem, multiply.sums, firstRow, rows, firstColumn, columns, op.moments);

  const int64_t firstElement = static_cast<int64_t>(blockIdx.z) * rows * columns;
#pragma unroll
  for (int pair = 0; pair < kMicroRows / 2; ++pair) {
#pragma unroll
    for (int half = 0; half < kMicroColumns / 2; ++half) {
      const int64_t firstOfPair = firstRow + lane * kMicroRows + pair * 2;
      PhiloxWords words{};
      if (op.keep.active)
        words = keepWords(op.keep, columns, firstOfPair / 2, firstColumn + own + 32 * half);
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int64_t row = firstOfPair + e / 2;
        const int column = firstColumn + own + 32 * half + 16 * (e % 2);
        if (row >= rows || column >= columns) continue;
        const float value = finished(op, multiply.sums[pair * 2 + e / 2][half * 2 + e % 2], row,
                                     column, columns, keepFactor(op.keep, words, row, column));
        const int64_t at = firstElement + row * columns + column;
        write(op.y, at, op.accumulate ? value + read(op.y, at) : value);
      }
    }
  }
}

}  // namespace pstmo::cuda
