// Matmuls C (rows, columns) = A B in bf16 by tensor cores, through the epilogue of matmul.h, of
// operands that lie in memory as bf16: what does not is rounded by a kernel before
// (matmul-launch.h).
//
// Grid and warps as in tensor-matmul.h. The inner dimension comes 64 at a time by asynchronous
// copies through two buffers of shared memory: while one is multiplied, the next is on its way.
//
// Operands. Both lie with the inner dimension first, (elements, inner), or both the other way, as a
// weight's gradient has them, (inner, elements). Of the first a buffer has (128, 64), of the second
// (64, 128), whose fragments ldmatrix transposes.
//
// Determinism. Each element is summed by one fragment, in the order of the inner dimension.
#pragma once

#include "tensor-matmul.h"

namespace pstmo::cuda {

constexpr int kBrainDepth = 64;
template <bool kInnerFirst>
constexpr int kBrainRows = kInnerFirst ? kTensorTile : kBrainDepth;  // of a buffer
template <bool kInnerFirst>
constexpr int kBrainWords = (kInnerFirst ? kBrainDepth : kTensorTile) / 2;  // of its rows
template <bool kInnerFirst>
constexpr int kBrainStage = SharedWords::size(kBrainRows<kInnerFirst>, kBrainWords<kInnerFirst>);

// The copies that a thread starts of each buffer: four pieces of four words.
template <bool kInnerFirst>
class BrainCopies {
 public:
  // The tile's elements elementOf(i) for i < 128, of which `count` are there, from inner index
  // `begin` on.
  template <typename ElementOf>
  __device__ __forceinline__ BrainCopies(const BrainOperand& operand, int64_t count, int64_t begin,
                                         const ElementOf& elementOf)
      : operand_(operand) {
    const int64_t element = elementOf(kInnerFirst ? row() : 8 * piece()),
                  there = kInnerFirst ? (count - element + kApart - 1) / kApart : count - element;
    pieces_ = there <= 0 ? 0 : kInnerFirst && there < 4 ? static_cast<int>(there) : 4;
    piece_ =
        static_cast<uint32_t>(kInnerFirst ? element * (operand.stride / 4) + begin / 8 + piece()
                                          : (begin + row()) * (operand.stride / 4) + element / 8);
  }

  // The next depth, of whose inner dimension `left` is there; zeros behind it.
  __device__ __forceinline__ void start(AsyncCopies& copies, const SharedWords& to, int left) {
    left -= kInnerFirst ? 8 * piece() : row();
    const uint32_t* from = operand_.words + static_cast<uint64_t>(piece_) * 4;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool present = i < pieces_ && left > (kInnerFirst ? 0 : i * kApart);
      copies.copy4(to, row() + i * kApart, 4 * piece(), present ? from : operand_.words, present);
      from += kApart * operand_.stride;
    }
    piece_ += kInnerFirst ? kBrainDepth / 8 : kBrainDepth * (operand_.stride / 4);
  }

 private:
  static constexpr int kPieces = kBrainWords<kInnerFirst> / 4, kApart = kTensorThreads / kPieces;
  __device__ __forceinline__ static int row() {
    return here(static_cast<int>(threadIdx.x)) / kPieces;
  }
  // Of a row of the buffer: 8 elements or 8 of the inner dimension.
  __device__ __forceinline__ static int piece() {
    return here(static_cast<int>(threadIdx.x)) % kPieces;
  }

  const BrainOperand& operand_;
  uint32_t piece_;  // the first one's index in memory: it spans 64 GB
  int pieces_;      // that are there
};

// sums (32, 64) += a^T b, both (64, 128) in shared memory: elements from `row` of a and from
// `column` of b on.
__device__ __forceinline__ void multiplyTransposed(TensorSums& sums, const SharedWords& a, int row,
                                                   const SharedWords& b, int column) {
  constexpr int kWords = kBrainWords<false>;
  const int lane = laneOfWarp();
  const MatrixRow<kWords> left(a, lane / 16 * 8 + lane % 8, row / 2 + lane / 8 % 2 * 4),
      right(b, lane % 16, column / 2 + lane / 16 * 4);
  unrolled<kBrainDepth / BrainFloatMultiply::kInner>([&](auto step) {
    constexpr int inner = BrainFloatMultiply::kInner * step;
    LeftRegisters rows[2];
    unrolled<2>([&](auto m) { left.template loadTransposed<inner, 8 * m>(rows[m].r); });
    unrolled<4>([&](auto pair) {
      uint32_t columns[4];
      right.template loadTransposed<inner, 8 * pair>(columns);
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        BrainFloatMultiply::multiplyAdd(sums[m][2 * pair], rows[m], {{columns[0], columns[1]}});
        BrainFloatMultiply::multiplyAdd(sums[m][2 * pair + 1], rows[m], {{columns[2], columns[3]}});
      }
    });
  });
}

// The tile of a part of a weight's gradient, which has no epilogue but `accumulate` and is of
// floats.
__device__ __forceinline__ void writeGradientTile(const TensorSums& sums, int64_t rows, int columns,
                                                  const Epilogue& op) {
  const int thread = here(static_cast<int>(threadIdx.x));
  const TensorPart part(thread);
  const int64_t first =
      static_cast<int64_t>(blockIdx.x) * kTensorTile + part.row + thread % kWarp / 4;
  const int firstColumn = static_cast<int>(blockIdx.y) * kTensorTile + part.column + thread % 4 * 2;
#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int64_t row = first + 16 * m + 8 * half;
      if (row >= rows) continue;
      float* y = static_cast<float*>(op.y.data) +
                 (static_cast<int64_t>(blockIdx.z) * rows + row) * columns + firstColumn;
#pragma unroll
      for (int n = 0; n < 8; ++n) {
        const int left = columns - firstColumn - 8 * n;
        if (left <= 0) continue;
        float low = sums[m][n][2 * half], high = sums[m][n][2 * half + 1];
        if (op.accumulate) {
          low += y[8 * n];
          if (left > 1) high += y[8 * n + 1];
        }
        if (columns % 2 == 0) {
          *reinterpret_cast<float2*>(y + 8 * n) = {low, high};
        } else {
          y[8 * n] = low;
          if (left > 1) y[8 * n + 1] = high;
        }
      }
    }
  }
}

// The kernel that this file's head describes. `depth` is a multiple of 64.
template <bool kInnerFirst>
__global__ void __launch_bounds__(kTensorThreads, 2)
    brainFloatMatmulKernel(int64_t rows, int columns, int64_t inner, int64_t depth, BrainOperand a,
                           BrainOperand b, Epilogue op) {
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * kTensorTile,
                begin = blockIdx.z * depth, end = begin + depth < inner ? begin + depth : inner;
  const int64_t firstColumn = static_cast<int64_t>(blockIdx.y) * kTensorTile;
  const TensorPart part(static_cast<int>(threadIdx.x));
  const auto buffer = [&](int operand, int index) {
    return SharedWords{sharedWords() + (2 * operand + index) * kBrainStage<kInnerFirst>,
                       kBrainRows<kInnerFirst>, kBrainWords<kInnerFirst>};
  };
  // Rows come as dropout wants them, columns so that a lane has four neighbours.
  AsyncCopies copies;
  BrainCopies<kInnerFirst> nextA(
      a, rows, begin, [&](int i) { return firstRow + (kInnerFirst ? pairedRow(i) : i); });
  BrainCopies<kInnerFirst> nextB(
      b, columns, begin, [&](int i) { return firstColumn + (kInnerFirst ? elementOfRow(i) : i); });

  TensorSums sums = {};
  int left = static_cast<int>(end - begin);
  nextA.start(copies, buffer(0, 0), left);
  nextB.start(copies, buffer(1, 0), left);
  for (int index = 0; left > 0; left -= kBrainDepth, index ^= 1) {
    copies.land();
    __syncthreads();  // whoever passes it is done with the buffer that is filled next
    if (left > kBrainDepth) {
      nextA.start(copies, buffer(0, index ^ 1), left - kBrainDepth);
      nextB.start(copies, buffer(1, index ^ 1), left - kBrainDepth);
    }
    if constexpr (kInnerFirst) {
      BrainFloatArithmetic::multiply<2, 8, kBrainWords<true>, kBrainWords<true>>(
          sums, Operand{buffer(0, index), part.row, 0}, Operand{buffer(1, index), part.column, 0});
    } else {
      multiplyTransposed(sums, buffer(0, index), part.row, buffer(1, index), part.column);
    }
  }
  if constexpr (kInnerFirst) {
    writeTensorTile<true>(sums, rows, columns, op);
  } else {
    writeGradientTile(sums, rows, columns, op);
  }
}

}  // namespace pstmo::cuda
