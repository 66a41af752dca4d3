// Matmuls C (rows, columns) = A B in tf32 by tensor cores, through the epilogue of matmul.h.
//
// Grid. Block (x, y, z) takes tile x of 128 rows, tile y of 128 columns and part z of the inner
// dimension, `depth` long. Its eight warps have 32 x 64 of the tile each, as 2 x 8 fragments of 16
// x 8. The inner dimension comes 16 words at a time (arithmetic.h) through two buffers of shared
// memory: while one is multiplied, the next is on its way in registers.
//
// Dropout. A lane has rows 2 i and 2 i + 1 and columns c and c + 16, which share a counter of
// Philox: rows g and g + 8 of a fragment are rows 2 g and 2 g + 1 of its 16.
//
// Determinism. Each element is summed by one fragment, in the order of the inner dimension.
#pragma once

#include "arithmetic.h"
#include "matmul.h"

namespace pstmo::cuda {

constexpr int kTensorTile = 128, kTensorThreads = 256, kTensorWords = 16;
constexpr int kTensorStage = SharedWords::size(kTensorTile, kTensorWords);

// Whether eight neighbours of an operand may be read at once.
template <typename Operand>
bool isAligned(const Operand& operand) {
  return operand.stride % 8 == 0 && reinterpret_cast<uintptr_t>(operand.data.data) % 16 == 0;
}

// The row of a buffer that element `element` of a tile goes to, so that four neighbours are one
// lane's: of each 16, rows 2 t and 2 t + 1 are elements 4 t and 4 t + 1, and rows 8 further the
// next two.
__device__ __forceinline__ int rowOfElement(int element) {
  const int ofSixteen = element % 16;
  return element - ofSixteen + ofSixteen / 2 % 2 * 8 + ofSixteen / 4 * 2 + ofSixteen % 2;
}
__device__ __forceinline__ int elementOfRow(int row) {
  return row / 16 * 16 + row % 8 / 2 * 4 + row / 8 % 2 * 2 + row % 2;
}

// Eight words of a thread of a tile (128 elements, 16 words) on their way from memory to shared
// memory. Here those of an operand whose neighbours in memory follow the inner dimension: twice
// four words of one element.
template <bool kInnerFirst>
class TileWords {
 public:
  // From inner index `begin` on. elementOf(row): the element that row `row` of the tile holds;
  // `count` of them are there.
  template <typename Operand, typename ElementOf>
  __device__ __forceinline__ TileWords(const Operand& operand, bool aligned, int64_t count,
                                       int64_t begin, const ElementOf& elementOf)
      : data_(operand.data), aligned_(aligned), stride_(operand.stride) {
    const int64_t element = elementOf(rowOf(0));  // the other lies half a tile further
    pieces_ = element + kApart < count ? 2 : element < count ? 1 : 0;
    at_ = element * operand.stride + begin + word();
  }

  // The words of the next step, of whose inner dimension `left` are there; zeros behind them.
  __device__ __forceinline__ void load(int left) {
    left -= word();
#pragma unroll
    for (int p = 0; p < 2; ++p)
      loadPiece(words_[p], at_ + p * kApart * int64_t{stride_}, p < pieces_ ? left : 0);
    at_ += kTensorWords;
  }

  __device__ __forceinline__ void store(const SharedWords& to) const {
#pragma unroll
    for (int p = 0; p < 2; ++p)
      to.put4(rowOf(p), word(), {words_[p][0], words_[p][1], words_[p][2], words_[p][3]});
  }

 private:
  static constexpr int kApart = kTensorTile / 2;

  __device__ __forceinline__ static int rowOf(int p) {
    return rowApart<4>(here(static_cast<int>(threadIdx.x)) / 4) + p * kApart;
  }
  __device__ __forceinline__ static int word() {
    return here(static_cast<int>(threadIdx.x)) % 4 * 4;
  }

  __device__ __forceinline__ void loadPiece(uint32_t (&to)[4], int64_t at, int left) const {
    float values[4] = {};
    if (aligned_ && left >= 4) {
      readNeighbours(data_, at, values);
    } else {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        if (e < left) values[e] = read(data_, at + e);
      }
    }
#pragma unroll
    for (int e = 0; e < 4; ++e) to[e] = toTensorFloat(values[e]);
  }

  ConstActivations data_;
  bool aligned_;
  int pieces_;  // that are there
  int stride_;
  int64_t at_;
  uint32_t words_[2][4];
};

// Of an operand whose neighbours in memory are elements: one word of each of eight neighbours.
template <>
class TileWords<false> {
 public:
  template <typename Operand, typename ElementOf>
  __device__ __forceinline__ TileWords(const Operand& operand, bool aligned, int64_t count,
                                       int64_t begin, const ElementOf& elementOf)
      : data_(operand.data), aligned_(aligned), stride_(operand.stride) {
    const int64_t element = elementOf(0) + this->element(), there = count - element;
    present_ = there < 0 ? 0 : there > 8 ? 8 : static_cast<int>(there);
    at_ = (begin + word()) * stride_ + element;
  }

  __device__ __forceinline__ void load(int left) {
    left -= word();
    const int64_t first = at_;
    at_ += kTensorWords * static_cast<int64_t>(stride_);
#pragma unroll
    for (int four = 0; four < 8; four += 4) {
      float values[4] = {};
      if (left > 0) {
        if (aligned_ && present_ == 8) {
          readNeighbours(data_, first + four, values);
        } else {
#pragma unroll
          for (int e = 0; e < 4; ++e) {
            if (four + e < present_) values[e] = read(data_, first + four + e);
          }
        }
      }
#pragma unroll
      for (int e = 0; e < 4; ++e) words_[four + e] = toTensorFloat(values[e]);
    }
  }

  __device__ __forceinline__ void store(const SharedWords& to) const {
    const int row = rowOfElement(element());
#pragma unroll
    for (int e = 0; e < 8; ++e) to.put(row + rowOfElement(e), word(), words_[e]);
  }

 private:
  // The first of the thread's elements, and its word.
  __device__ __forceinline__ static int element() {
    return here(static_cast<int>(threadIdx.x)) / kTensorWords * 8;
  }
  __device__ __forceinline__ static int word() {
    return here(static_cast<int>(threadIdx.x)) % kTensorWords;
  }

  ConstActivations data_;
  bool aligned_;
  int stride_, present_;
  int64_t at_;
  uint32_t words_[8];
};

// Four neighbours of a row, with their bias, through the epilogue; `columns` is a multiple of 4.
// factor(e): dropout's, where there is one.
template <typename Factor>
__device__ __forceinline__ void finishFour(const Epilogue& op, float (&values)[4],
                                           int64_t firstElement, int64_t row, int column,
                                           int columns, const Factor& factor) {
  const int64_t at = row * columns + column;
  if (op.mean) {
#pragma unroll
    for (int e = 0; e < 4; ++e)
      values[e] = leakyRelu((values[e] - op.mean[column + e]) *
                                    inverseStdOf(op.variance[column + e]) * op.gamma[column + e] +
                                op.beta[column + e],
                            op.slope);
  }
  if (op.relu) {
#pragma unroll
    for (int e = 0; e < 4; ++e) values[e] = values[e] < 0.0f ? 0.0f : values[e];
  }
  if (op.dropout.active) {
#pragma unroll
    for (int e = 0; e < 4; ++e) values[e] *= factor(e);
  }
  if (op.reluOutput) {
    float outputs[4];
    readNeighbours(op.reluOutput, at, outputs);
#pragma unroll
    for (int e = 0; e < 4; ++e) values[e] = outputs[e] > 0.0f ? values[e] * op.reluScale : 0.0f;
  }
  if (op.residual) {
    float residual[4];
    readNeighbours(op.residual, residualRow(op, row) * columns + column, residual);
#pragma unroll
    for (int e = 0; e < 4; ++e) values[e] += residual[e];
  }
  if (op.accumulate) {
    float before[4];
    readNeighbours(op.y, firstElement + at, before);
#pragma unroll
    for (int e = 0; e < 4; ++e) values[e] += before[e];
  }
  writeFour(op.y, firstElement + at, values);
}

// A warp's sums (32, 64): [16 rows each][8 columns each][a lane's four of the fragment]. Of
// fragments 2 p and 2 p + 1 a lane has four neighbouring columns, from 16 p + 4 t on.
using TensorSums = float[2][8][4];

// Row and column of the tile where the sums of a thread's warp begin.
struct TensorPart {
  int row, column;
  __device__ __forceinline__ explicit TensorPart(int thread)
      : row(thread / kWarp / 2 * 32), column(thread / kWarp % 2 * 64) {}
};

// The tile's epilogue, where `columns` is no multiple of 4.
template <bool kPaired>
__device__ __forceinline__ void writeElements(const TensorSums& sums, int64_t rows, int columns,
                                              const Epilogue& op, int64_t firstRow, int firstColumn,
                                              int64_t firstElement, int g) {
#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int64_t row =
            firstRow + 16 * m + (kPaired ? 2 * g + e / 2 : elementOfRow(g) + e / 2 * 2);
        const int column = firstColumn + n / 2 * 16 + n % 2 * 2 + e % 2;
        if (row >= rows || column >= columns) continue;
        const float value = finished(
            op, sums[m][n][e] + (op.bias ? op.bias[column] : 0.0f), row, column, columns,
            op.dropout.active
                ? dropoutFactor(op.dropout, dropoutWords(op.dropout, columns, row / 2, column), row,
                                column)
                : 1.0f);
        const int64_t at = firstElement + row * columns + column;
        write(op.y, at, op.accumulate ? value + read(op.y, at) : value);
      }
    }
  }
}

// The tile's epilogue. kPaired: fragments hold rows as dropout wants them, else as rowOfElement()
// says.
template <bool kPaired>
__device__ __forceinline__ void writeTensorTile(const TensorSums& sums, int64_t rows, int columns,
                                                const Epilogue& op) {
  // Worked out here, so that it takes no registers before.
  const int thread = here(static_cast<int>(threadIdx.x)), g = thread % kWarp / 4, t = thread % 4;
  const TensorPart part(thread);
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * kTensorTile + part.row,
                firstElement = static_cast<int64_t>(blockIdx.z) * rows * columns;
  const int firstColumn = static_cast<int>(blockIdx.y) * kTensorTile + part.column + 4 * t;
  const DropoutMask dropout = ofThisStep(op.dropout);
  if (columns % 4 != 0)
    return writeElements<kPaired>(sums, rows, columns, op, firstRow, firstColumn, firstElement, g);
#pragma unroll
  for (int p = 0; p < 4; p += 2) {  // columns from c on, and 16 further
    const int column = firstColumn + 16 * p;
    float bias[2][4] = {};
#pragma unroll
    for (int high = 0; high < 2; ++high) {
      if (!op.bias || column + 16 * high >= columns) continue;
#pragma unroll
      for (int e = 0; e < 4; ++e) bias[high][e] = op.bias[column + 16 * high + e];
    }
#pragma unroll
    for (int m = 0; m < 2; ++m) {
      const int64_t first = firstRow + 16 * m + (kPaired ? 2 * g : elementOfRow(g));
      PhiloxWords words[4] = {};
      if (kPaired && dropout.active) {
#pragma unroll
        for (int e = 0; e < 4; ++e)
          words[e] = dropoutWords(dropout, columns, first / 2, column + e);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {  // word i: row i / 2, columns i % 2 * 16 further
        const int half = i / 2, high = i % 2, n = 2 * (p + high), to = column + 16 * high;
        const int64_t row = first + (kPaired ? half : 2 * half);
        if (row >= rows || to >= columns) continue;
        float values[4];
#pragma unroll
        for (int e = 0; e < 4; ++e)
          values[e] = sums[m][n + e / 2][2 * half + e % 2] + bias[high][e];
        finishFour(op, values, firstElement, row, to, columns,
                   [&](int e) { return dropoutOf(dropout, words[e].word[i]); });
      }
    }
  }
}

// The kernel that this file's head describes. `depth` is a multiple of 32.
template <typename A, typename B>
__global__ void __launch_bounds__(kTensorThreads, 2)
    tensorMatmulKernel(int64_t rows, int columns, int64_t inner, int64_t depth, A a, bool aAligned,
                       B b, bool bAligned, Epilogue op) {
  // Where fragments hold paired rows, A's rows come in that order. A gradient of weights, whose A
  // lies the other way, has no dropout.
  constexpr bool kPaired = A::kInnerFirst;
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * kTensorTile,
                begin = blockIdx.z * depth, end = begin + depth < inner ? begin + depth : inner;
  const int firstColumn = static_cast<int>(blockIdx.y) * kTensorTile;
  const TensorPart part(static_cast<int>(threadIdx.x));
  const auto buffer = [&](int operand, int index) {
    return SharedWords{sharedWords() + (2 * operand + index) * kTensorStage, kTensorTile,
                       kTensorWords};
  };
  TileWords<A::kInnerFirst> nextA(a, aAligned, rows, begin, [&](int row) {
    return firstRow + (kPaired ? pairedRow(row) : row);
  });
  TileWords<B::kInnerFirst> nextB(b, bAligned, columns, begin, [&](int row) {
    return int64_t{firstColumn} + (B::kInnerFirst ? elementOfRow(row) : row);
  });
  nextA.load(static_cast<int>(end - begin));
  nextB.load(static_cast<int>(end - begin));

  // One barrier a step: whoever passes it is done with the buffer that is stored next.
  TensorSums sums = {};
  for (int left = static_cast<int>(end - begin); left > 0; left -= kTensorWords) {
    const int index = (left + kTensorWords - 1) / kTensorWords % 2;
    nextA.store(buffer(0, index));
    nextB.store(buffer(1, index));
    __syncthreads();
    if (left > kTensorWords) {
      nextB.load(left - kTensorWords);
      nextA.load(left - kTensorWords);
    }
    TensorFloatArithmetic::multiply<2, 8, kTensorWords, kTensorWords>(
        sums, Operand{buffer(0, index), part.row, 0}, Operand{buffer(1, index), part.column, 0});
  }
  writeTensorTile<kPaired>(sums, rows, columns, op);
}

}  // namespace pstmo::cuda
