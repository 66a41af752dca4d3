// Matmuls C (rows, columns) = A B by tensor cores, in tf32 or bf16, through the epilogue of
// matmul.h.
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
constexpr int kTensorPieces = kTensorTile * kTensorWords / 4 / kTensorThreads;  // of a thread: 2
constexpr int kTensorStage = SharedWords::size(kTensorTile, kTensorWords);

// Whether four words of an operand may be read at once.
template <typename Operand>
bool isAligned(const Operand& operand) {
  return operand.stride % 8 == 0 && reinterpret_cast<uintptr_t>(operand.data.data) % 16 == 0;
}

// A thread's part of a tile (128 elements, 16 words) of an operand, on its way from memory to
// shared memory: pieces of four words.
template <typename Arithmetic, typename Operand>
struct TileWords {
  static constexpr int kPerWord = Arithmetic::kPerWord;
  uint32_t words[kTensorPieces][4];

  // The element (row of A, column of B) of piece p, and the first of its four words.
  __device__ __forceinline__ static int rowOf(int p) {
    const int flat = p * kTensorThreads + static_cast<int>(threadIdx.x);
    return Operand::kInnerFirst ? rowApart<4>(flat / 4) : flat / kTensorWords * 4;
  }
  __device__ __forceinline__ static int wordOf(int p) {
    const int flat = p * kTensorThreads + static_cast<int>(threadIdx.x);
    return Operand::kInnerFirst ? flat % 4 * 4 : flat % kTensorWords;
  }

  // elementOf(row): the operand's element that row `row` of the tile holds. Zeros behind `count`
  // and `end`.
  template <typename ElementOf>
  __device__ __forceinline__ void load(const Operand& operand, bool aligned, int64_t count,
                                       int64_t k, int64_t end, const ElementOf& elementOf) {
#pragma unroll
    for (int p = 0; p < kTensorPieces; ++p) {
      const int64_t element = elementOf(rowOf(p)), inner = k + wordOf(p) * kPerWord;
      if constexpr (Operand::kInnerFirst) {
        loadRow(words[p], operand, aligned, element, count, inner, end);
      } else {
        loadColumns(words[p], operand, aligned, element, count, inner, end);
      }
    }
  }

  __device__ __forceinline__ void store(const SharedWords& to) const {
#pragma unroll
    for (int p = 0; p < kTensorPieces; ++p) {
      const int row = rowOf(p), word = wordOf(p);
      if constexpr (Operand::kInnerFirst) {
        to.put4(row, word, {words[p][0], words[p][1], words[p][2], words[p][3]});
      } else {
#pragma unroll
        for (int e = 0; e < 4; ++e) to.put(row + e, word, words[p][e]);
      }
    }
  }

 private:
  // Four words of one element.
  __device__ __forceinline__ static void loadRow(uint32_t (&to)[4], const Operand& operand,
                                                 bool aligned, int64_t element, int64_t count,
                                                 int64_t inner, int64_t end) {
    constexpr int kValues = 4 * kPerWord;
    const int64_t at = element * operand.stride + inner;
    const bool whole = element < count && inner + kValues <= end;
    if (kPerWord == 2 && aligned && operand.data.storage == Storage::bfloat16 && whole) {
      const uint4 found =
          *reinterpret_cast<const uint4*>(static_cast<const uint16_t*>(operand.data.data) + at);
      to[0] = found.x, to[1] = found.y, to[2] = found.z, to[3] = found.w;
      return;
    }
    float values[kValues] = {};
    if (aligned && whole) {
      readNeighbours(operand.data, at, values);
    } else if (element < count) {
#pragma unroll
      for (int e = 0; e < kValues; ++e) {
        if (inner + e < end) values[e] = read(operand.data, at + e);
      }
    }
#pragma unroll
    for (int e = 0; e < 4; ++e) to[e] = Arithmetic::word(&values[e * kPerWord]);
  }

  // One word of each of four neighbouring elements.
  __device__ __forceinline__ static void loadColumns(uint32_t (&to)[4], const Operand& operand,
                                                     bool aligned, int64_t element, int64_t count,
                                                     int64_t inner, int64_t end) {
    float values[kPerWord][4] = {};
#pragma unroll
    for (int i = 0; i < kPerWord; ++i) {
      if (inner + i >= end) continue;
      const int64_t at = (inner + i) * operand.stride + element;
      if (aligned && element + 4 <= count) {
        readNeighbours(operand.data, at, values[i]);
      } else {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          if (element + e < count) values[i][e] = read(operand.data, at + e);
        }
      }
    }
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      float inside[kPerWord];
#pragma unroll
      for (int i = 0; i < kPerWord; ++i) inside[i] = values[i][e];
      to[e] = Arithmetic::word(inside);
    }
  }
};

// A pair of neighbouring columns through the epilogue; `column` and `columns` are even.
__device__ __forceinline__ void finishPair(const Epilogue& op, float low, float high,
                                           int64_t firstElement, int64_t row, int column,
                                           int columns, float lowFactor, float highFactor) {
  float values[2] = {low, high};
  const int64_t at = row * columns + column;
  if (op.mean) {
#pragma unroll
    for (int e = 0; e < 2; ++e)
      values[e] = leakyRelu((values[e] - op.mean[column + e]) *
                                    inverseStdOf(op.variance[column + e]) * op.gamma[column + e] +
                                op.beta[column + e],
                            op.slope);
  }
  if (op.relu) {
#pragma unroll
    for (int e = 0; e < 2; ++e) values[e] = values[e] < 0.0f ? 0.0f : values[e];
  }
  if (op.dropout.active) values[0] *= lowFactor, values[1] *= highFactor;
  if (op.reluOutput) {
    float outputs[2];
    readPair(op.reluOutput, at, outputs);
#pragma unroll
    for (int e = 0; e < 2; ++e) values[e] = outputs[e] > 0.0f ? values[e] * op.reluScale : 0.0f;
  }
  if (op.residual) {
    float residual[2];
    readPair(op.residual, residualRow(op, row) * columns + column, residual);
    values[0] += residual[0], values[1] += residual[1];
  }
  if (op.accumulate) {
    float before[2];
    readPair(op.y, firstElement + at, before);
    values[0] += before[0], values[1] += before[1];
  }
  writePair(op.y, firstElement + at, values[0], values[1]);
}

// A warp's sums (32, 64): [16 rows each][8 columns each][a lane's four of the fragment].
using TensorSums = float[2][8][4];

// Row and column of the tile where the sums of a thread's warp begin.
struct TensorPart {
  int row, column;
  __device__ __forceinline__ explicit TensorPart(int thread)
      : row(thread / kWarp / 2 * 32), column(thread / kWarp % 2 * 64) {}
};

// The tile's epilogue. kPaired: whether fragments hold rows as dropout wants them.
template <bool kPaired>
__device__ __forceinline__ void writeTensorTile(const TensorSums& sums, int64_t rows, int columns,
                                                const Epilogue& op) {
  // Worked out here, so that it takes no registers before.
  const int thread = here(static_cast<int>(threadIdx.x)), g = thread % kWarp / 4, t = thread % 4;
  const TensorPart part(thread);
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * kTensorTile + part.row;
  const int firstColumn = static_cast<int>(blockIdx.y) * kTensorTile + part.column;
  const int64_t firstElement = static_cast<int64_t>(blockIdx.z) * rows * columns;
#pragma unroll
  for (int pair = 0; pair < 4; ++pair) {  // fragments n and n + 2: columns c and c + 16
    const int n = pair / 2 * 4 + pair % 2, column = firstColumn + 8 * n + 2 * t;
#pragma unroll
    for (int m = 0; m < 2; ++m) {
      const int64_t first = firstRow + 16 * m + (kPaired ? 2 * g : g);
      PhiloxWords left{}, right{};  // of the pair's two columns
      if (kPaired && op.dropout.active) {
        left = dropoutWords(op.dropout, columns, first / 2, column);
        right = dropoutWords(op.dropout, columns, first / 2, column + 1);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {  // word i: row i / 2, columns i % 2 * 16 further
        const int half = i / 2, high = i % 2, to = column + 16 * high;
        const int64_t row = first + (kPaired ? half : 8 * half);
        if (row >= rows || to >= columns) continue;
        const auto& own = sums[m][n + 2 * high];
        const float bias[2] = {op.bias ? op.bias[to] : 0.0f,
                               op.bias && to + 1 < columns ? op.bias[to + 1] : 0.0f},
                    factor[2] = {dropoutOf(op.dropout, left.word[i]),
                                 dropoutOf(op.dropout, right.word[i])};
        if (columns % 2 == 0) {
          finishPair(op, own[2 * half] + bias[0], own[2 * half + 1] + bias[1], firstElement, row,
                     to, columns, factor[0], factor[1]);
          continue;
        }
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          if (to + e >= columns) continue;
          const float value =
              finished(op, own[2 * half + e] + bias[e], row, to + e, columns, factor[e]);
          const int64_t element = firstElement + row * columns + to + e;
          write(op.y, element, op.accumulate ? value + read(op.y, element) : value);
        }
      }
    }
  }
}

// The kernel that this file's head describes. `depth` is a multiple of 32.
template <typename Arithmetic, typename A, typename B>
__global__ void __launch_bounds__(kTensorThreads, 2)
    tensorMatmulKernel(int64_t rows, int columns, int64_t inner, int64_t depth, A a, bool aAligned,
                       B b, bool bAligned, Epilogue op) {
  // Where fragments hold paired rows, A's rows come in that order. A gradient of weights, whose A
  // lies the other way, has no dropout.
  constexpr bool kPaired = A::kInnerFirst;
  constexpr int kStep = kTensorWords * Arithmetic::kPerWord;
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * kTensorTile,
                begin = blockIdx.z * depth, end = begin + depth < inner ? begin + depth : inner;
  const int firstColumn = static_cast<int>(blockIdx.y) * kTensorTile;
  const TensorPart part(static_cast<int>(threadIdx.x));
  const auto buffer = [&](int operand, int index) {
    return SharedWords{sharedWords() + (2 * operand + index) * kTensorStage, kTensorTile,
                       kTensorWords};
  };
  const auto rowOf = [&](int row) { return firstRow + (kPaired ? pairedRow(row) : row); };
  const auto columnOf = [&](int column) { return firstColumn + static_cast<int64_t>(column); };

  TileWords<Arithmetic, A> nextA;
  TileWords<Arithmetic, B> nextB;
  nextA.load(a, aAligned, rows, begin, end, rowOf);
  nextB.load(b, bAligned, columns, begin, end, columnOf);

  // One barrier a step: whoever passes it is done with the buffer that is stored next.
  TensorSums sums = {};
  int index = 0;
  for (int64_t k = begin; k < end; k += kStep) {
    nextA.store(buffer(0, index));
    nextB.store(buffer(1, index));
    __syncthreads();
    if (k + kStep < end) {
      nextA.load(a, aAligned, rows, k + kStep, end, rowOf);
      nextB.load(b, bAligned, columns, k + kStep, end, columnOf);
    }
    Arithmetic::template multiply<2, 8, kTensorWords, kTensorWords>(
        sums, Operand{buffer(0, index), part.row, 0}, Operand{buffer(1, index), part.column, 0});
    index ^= 1;
  }
  writeTensorTile<kPaired>(sums, rows, columns, op);
}

}  // namespace pstmo::cuda
