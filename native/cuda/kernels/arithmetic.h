// The three ways in which kernels multiply words of shared memory: floats by multiply-adds
// (FloatArithmetic), numbers in tf32 by tensor cores (TensorFloatArithmetic), pairs of bf16 by
// tensor cores (BrainFloatArithmetic). Each has
//   multiply: sums (16 kM, 8 kN) += a b^T over kWords words of the inner dimension,
//   Query, score: sums (16, 8 kN) = a b^T for rows that stay, (16, kWords), and many b,
//   weigh:    sums (16, 8 kC) += weights (16, 8 kN), which lie in registers, times rows of v,
//   toShared, toMemory, toShared4, toMemory4: two or four neighbours of a row as words.
// In all of them a warp's results are fragments of 16 x 8: lane (g = lane / 4, t = lane % 4) has
// elements (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
#pragma once

#include <device/ptx.h>
#include <device/shared-array.h>

#include <utility>

#include "../../core/constants.h"
#include "lanes.h"

namespace pstmo::cuda {

struct LanePlace {
  int g = laneOfWarp() / 4, t = laneOfWarp() % 4;
};

// The begin of the block's shared memory, whose size the launch says.
struct FirstWords {
  uint32_t words[4];
};

__device__ __forceinline__ uint32_t* sharedWords() {
  auto& smem = sharedMemory<FirstWords>();
  return smem.words;
}

// Rows of a matrix whose inner dimension lies in words: row + i, word + k.
struct Operand {
  SharedWords rows;
  int row, word;
};

// Row `row` of many, each of kChunks times four words, in an order for copies: eight lanes write at
// a time, and where they have several short rows, these lie so far apart that they are in other
// banks. Each eight rows from a multiple of 8 on change places among themselves.
template <int kChunks>
__device__ __forceinline__ int rowApart(int row) {
  const int together = kChunks < 8 ? 8 / kChunks : 1, apart = 8 / together, ofEight = row % 8;
  return row - ofEight + ofEight % together * apart + ofEight / together;
}

// The row that row `row` of a fragment's 16 holds where a lane is to have neighbours: rows g and g
// + 8 are rows 2 g and 2 g + 1.
__device__ __forceinline__ int pairedRow(int row) {
  return row / 16 * 16 + row % 8 * 2 + row / 8 % 2;
}

// body(0), body(1), ... body(kCount - 1), each number a type, so that it may be a template's.
template <int kCount, typename Body>
__device__ __forceinline__ void unrolled(const Body& body) {
  [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) {
    (body(std::integral_constant<int, kIndex>{}), ...);
  }(std::make_integer_sequence<int, kCount>{});
}

// The factor of a layer norm, 1 / (std + epsilon). squares: the sum of squared distances from the
// mean.
__device__ __forceinline__ float normFactor(float squares, int width) {
  return 1.0f / (sqrtf(squares / static_cast<float>(width - 1)) + kLayerNormEpsilon);
}

// A lane computes its elements of each fragment by itself: no lane needs another's sums.
struct FloatArithmetic {
  static constexpr int kPerWord = 1;

  // Four words at a time: rows g and g + 8 of `a`, columns 2t and 2t + 1 of `b`.
  template <int kM, int kN, int kWords, int kColumns>
  __device__ __forceinline__ static void multiply(float (&sums)[kM][kN][4], const Operand& a,
                                                  const Operand& b) {
    const LanePlace at;
    for (int k = 0; k < kWords; k += 4) {
      uint4 left[kM][2];  // rows g and g + 8 of each 16
#pragma unroll
      for (int m = 0; m < kM; ++m) {
#pragma unroll
        for (int half = 0; half < 2; ++half)
          left[m][half] = a.rows.get4(a.row + 16 * m + 8 * half + at.g, a.word + k);
      }
#pragma unroll
      for (int n = 0; n < kN; ++n) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          const uint4 right = b.rows.get4(b.row + 8 * n + 2 * at.t + e, b.word + k);
#pragma unroll
          for (int m = 0; m < kM; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
              float& sum = sums[m][n][2 * half + e];
              sum += floatOf(left[m][half].x) * floatOf(right.x);
              sum += floatOf(left[m][half].y) * floatOf(right.y);
              sum += floatOf(left[m][half].z) * floatOf(right.z);
              sum += floatOf(left[m][half].w) * floatOf(right.w);
            }
          }
        }
      }
    }
  }

  template <int kWords>
  struct Query {
    Operand rows;
    __device__ __forceinline__ explicit Query(const Operand& from) : rows(from) {}
  };
  template <int kN, int kWords>
  __device__ __forceinline__ static void score(float (&sums)[kN][4], const Query<kWords>& query,
                                               const Operand& b) {
    float found[1][kN][4] = {};
    multiply<1, kN, kWords, kWords>(found, query.rows, b);
#pragma unroll
    for (int n = 0; n < kN; ++n) {
#pragma unroll
      for (int e = 0; e < 4; ++e) sums[n][e] = found[0][n][e];
    }
  }

  // Rows [row, row + 8 kN) of v. The weight of a key comes from the lane of the row that has it.
  template <int kN, int kC>
  __device__ __forceinline__ static void weigh(float (&sums)[kC][4], const float (&weights)[kN][4],
                                               const SharedWords& v, int row) {
    const LanePlace at;
#pragma unroll
    for (int n = 0; n < kN; ++n) {
#pragma unroll kC> 8 ? 1 : 4
      for (int pair = 0; pair < 4; ++pair) {  // of keys; wide rows leave no registers for more
#pragma unroll
        for (int odd = 0; odd < 2; ++odd) {
          const float low = shuffleFrom(weights[n][odd], 4 * at.g + pair),
                      high = shuffleFrom(weights[n][2 + odd], 4 * at.g + pair);
#pragma unroll
          for (int c = 0; c < kC; ++c) {
#pragma unroll
            for (int e = 0; e < 2; ++e) {
              const float value =
                  floatOf(v.get(row + 8 * n + 2 * pair + odd, 8 * c + 2 * at.t + e));
              sums[c][e] += low * value;
              sums[c][2 + e] += high * value;
            }
          }
        }
      }
    }
  }

  // Elements `column` (even) and column + 1 of a row.
  __device__ __forceinline__ static void toShared(const SharedWords& to, int row, int column,
                                                  float low, float high) {
    to.put2(row, column, {bitsOf(low), bitsOf(high)});
  }
  __device__ __forceinline__ static void toMemory(uint32_t* row, int column, float low,
                                                  float high) {
    *reinterpret_cast<uint2*>(row + column) = {bitsOf(low), bitsOf(high)};
  }
  // Elements `column` (a multiple of 4) to column + 3.
  __device__ __forceinline__ static void toMemory4(uint32_t* row, int column,
                                                   const float (&values)[4]) {
    *reinterpret_cast<uint4*>(row + column) = {bitsOf(values[0]), bitsOf(values[1]),
                                               bitsOf(values[2]), bitsOf(values[3])};
  }
  __device__ __forceinline__ static void toShared4(const SharedWords& to, int row, int column,
                                                   const float (&values)[4]) {
    to.put4(row, column,
            {bitsOf(values[0]), bitsOf(values[1]), bitsOf(values[2]), bitsOf(values[3])});
  }
};

// Products by tensor cores. Words are what the instruction takes, and it takes eight of a row at a
// time: a right operand's rows are the columns of its fragments, so that all fragments come by
// ldmatrix as they lie.
template <typename Instruction>
struct TensorArithmetic {
  static constexpr int kStepWords = 8;

  // The rows that a lane gives for a left fragment (16 rows), and for two right ones (16 columns).
  template <int kColumns>
  __device__ __forceinline__ static MatrixRow<kColumns> leftRow(const Operand& a, int m) {
    const int lane = laneOfWarp();
    return {a.rows, a.row + 16 * m + lane % 16, a.word + lane / 16 * 4};
  }
  template <int kColumns>
  __device__ __forceinline__ static MatrixRow<kColumns> rightRow(const Operand& b) {
    const int lane = laneOfWarp();
    return {b.rows, b.row + lane / 16 * 8 + lane % 8, b.word + lane / 8 % 2 * 4};
  }

  // kColumns: of b's rows.
  template <int kM, int kN, int kWords, int kColumns>
  __device__ __forceinline__ static void multiply(float (&sums)[kM][kN][4], const Operand& a,
                                                  const Operand& b) {
    static_assert(kN % 2 == 0, "two right fragments are loaded at once");
    const auto right = rightRow<kColumns>(b);
    unrolled<kWords / kStepWords>([&](auto step) {
      LeftRegisters left[kM];
#pragma unroll
      for (int m = 0; m < kM; ++m) leftRow<0>(a, m).template load<0, kStepWords * step>(left[m].r);
      unrolled<kN / 2>([&](auto pair) {
        uint32_t columns[4];
        right.template load<16 * pair, kStepWords * step>(columns);
#pragma unroll
        for (int m = 0; m < kM; ++m) {
          Instruction::multiplyAdd(sums[m][2 * pair], left[m], {{columns[0], columns[1]}});
          Instruction::multiplyAdd(sums[m][2 * pair + 1], left[m], {{columns[2], columns[3]}});
        }
      });
    });
  }

  // Rows that stay: in registers, where these are enough for them.
  template <int kWords>
  struct Query {
    static constexpr int kSteps = kWords / kStepWords, kHeld = kSteps > 4 ? 0 : kSteps;
    MatrixRow<0> row;
    LeftRegisters held[kHeld > 0 ? kHeld : 1];

    __device__ __forceinline__ explicit Query(const Operand& from) : row(leftRow<0>(from, 0)) {
      unrolled<kHeld>([&](auto step) { row.template load<0, kStepWords * step>(held[step].r); });
    }
    template <int kStep>
    __device__ __forceinline__ LeftRegisters at() const {
      if constexpr (kStep < kHeld) return held[kStep];
      LeftRegisters left;
      row.template load<0, kStepWords * kStep>(left.r);
      return left;
    }
  };
  template <int kN, int kWords>
  __device__ __forceinline__ static void score(float (&sums)[kN][4], const Query<kWords>& query,
                                               const Operand& b) {
    const auto right = rightRow<kWords>(b);
    unrolled<kWords / kStepWords>([&](auto step) {
      const LeftRegisters left = query.template at<step>();
      unrolled<kN / 2>([&](auto pair) {
        uint32_t columns[4];
        right.template load<16 * pair, kStepWords * step>(columns);
        if constexpr (step == 0) {
          Instruction::multiply(sums[2 * pair], left, {{columns[0], columns[1]}});
          Instruction::multiply(sums[2 * pair + 1], left, {{columns[2], columns[3]}});
        } else {
          Instruction::multiplyAdd(sums[2 * pair], left, {{columns[0], columns[1]}});
          Instruction::multiplyAdd(sums[2 * pair + 1], left, {{columns[2], columns[3]}});
        }
      });
    });
  }
};

// Words are numbers in tf32: rounded when they are stored.
struct TensorFloatArithmetic : TensorArithmetic<TensorFloatMultiply> {
  static constexpr int kPerWord = 1;

  // A lane has weights of keys 2t and 2t + 1 where the instruction wants t and t + 4: the keys are
  // named anew, in v too.
  template <int kN, int kC>
  __device__ __forceinline__ static void weigh(float (&sums)[kC][4], const float (&weights)[kN][4],
                                               const SharedWords& v, int row) {
    const LanePlace at;
#pragma unroll
    for (int n = 0; n < kN; ++n) {
      const LeftRegisters left{{toTensorFloat(weights[n][0]), toTensorFloat(weights[n][2]),
                                toTensorFloat(weights[n][1]), toTensorFloat(weights[n][3])}};
      const int key = row + 8 * n + 2 * at.t;
#pragma unroll
      for (int c = 0; c < kC; ++c) {
        const RightRegisters right{{v.get(key, 8 * c + at.g), v.get(key + 1, 8 * c + at.g)}};
        TensorFloatMultiply::multiplyAdd(sums[c], left, right);
      }
    }
  }

  __device__ __forceinline__ static void toShared(const SharedWords& to, int row, int column,
                                                  float low, float high) {
    to.put2(row, column, {toTensorFloat(low), toTensorFloat(high)});
  }
  __device__ __forceinline__ static void toMemory(uint32_t* row, int column, float low,
                                                  float high) {
    *reinterpret_cast<uint2*>(row + column) = {toTensorFloat(low), toTensorFloat(high)};
  }
  __device__ __forceinline__ static void toMemory4(uint32_t* row, int column,
                                                   const float (&values)[4]) {
    *reinterpret_cast<uint4*>(row + column) = {toTensorFloat(values[0]), toTensorFloat(values[1]),
                                               toTensorFloat(values[2]), toTensorFloat(values[3])};
  }
  __device__ __forceinline__ static void toShared4(const SharedWords& to, int row, int column,
                                                   const float (&values)[4]) {
    to.put4(row, column,
            {toTensorFloat(values[0]), toTensorFloat(values[1]), toTensorFloat(values[2]),
             toTensorFloat(values[3])});
  }
};

// Words are pairs of bf16.
struct BrainFloatArithmetic : TensorArithmetic<BrainFloatMultiply> {
  static constexpr int kPerWord = 2;

  template <int kN, int kC>
  __device__ __forceinline__ static void weigh(float (&sums)[kC][4], const float (&weights)[kN][4],
                                               const SharedWords& v, int row) {
    static_assert(
        kN % 2 == 0 && kC % 2 == 0,
        "two fragments of keys make one of the left side, and two of channels are loaded at once");
    const int lane = laneOfWarp();
    const MatrixRow<4 * kC> rows(v, row + lane % 16, lane / 16 * 4);  // (8 kN, 8 kC)
    unrolled<kN / 2>([&](auto keys) {
      constexpr int n = 2 * keys;
      const LeftRegisters left{{brainFloatPair(weights[n][0], weights[n][1]),
                                brainFloatPair(weights[n][2], weights[n][3]),
                                brainFloatPair(weights[n + 1][0], weights[n + 1][1]),
                                brainFloatPair(weights[n + 1][2], weights[n + 1][3])}};
      unrolled<kC / 2>([&](auto channels) {
        uint32_t columns[4];
        rows.template loadTransposed<16 * keys, 8 * channels>(columns);
        BrainFloatMultiply::multiplyAdd(sums[2 * channels], left, {{columns[0], columns[1]}});
        BrainFloatMultiply::multiplyAdd(sums[2 * channels + 1], left, {{columns[2], columns[3]}});
      });
    });
  }

  __device__ __forceinline__ static void toShared(const SharedWords& to, int row, int column,
                                                  float low, float high) {
    to.put(row, column / 2, brainFloatPair(low, high));
  }
  __device__ __forceinline__ static void toMemory(uint32_t* row, int column, float low,
                                                  float high) {
    row[column / 2] = brainFloatPair(low, high);
  }
  __device__ __forceinline__ static void toMemory4(uint32_t* row, int column,
                                                   const float (&values)[4]) {
    *reinterpret_cast<uint2*>(row + column / 2) = {brainFloatPair(values[0], values[1]),
                                                   brainFloatPair(values[2], values[3])};
  }
  __device__ __forceinline__ static void toShared4(const SharedWords& to, int row, int column,
                                                   const float (&values)[4]) {
    to.put2(row, column / 2,
            {brainFloatPair(values[0], values[1]), brainFloatPair(values[2], values[3])});
  }
};

}  // namespace pstmo::cuda
