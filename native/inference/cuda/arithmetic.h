// The three ways in which the compiled lifter's kernels multiply words of shared memory: floats by
// multiply-adds (FloatArithmetic), floats by tensor cores in tf32 (TensorFloatArithmetic), pairs of
// bf16 by tensor cores (BrainFloatArithmetic). Each has
//   multiply: sums (16 kM, 8 kN) += a b^T over `words` words of the inner dimension,
//   weigh:    sums (16, 8 kC) += weights (16, 8 kN), which lie in registers, times rows of v,
//   toShared, toMemory: two neighbouring elements of a row as words.
// In all of them a warp's results are fragments of 16 x 8: lane (g = lane / 4, t = lane % 4) has
// elements (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
#pragma once

#include <device/ptx.h>
#include <device/shared-array.h>

#include "../../core/constants.h"
#include "../../cuda/kernels/fragments.h"
#include "../../cuda/kernels/lanes.h"

namespace pstmo::inference::cuda {

using namespace pstmo::cuda;  // warps, shared arrays and instructions

struct LanePlace {
  int g = laneOfWarp() / 4, t = laneOfWarp() % 4;
};

// Rows of a matrix whose inner dimension lies in words: row + i, word + k.
struct Operand {
  SharedWords rows;
  int row, word;
};

// The factor of a layer norm, 1 / (std + epsilon). squares: the sum of squared distances from the
// mean.
__device__ __forceinline__ float normFactor(float squares, int width) {
  return 1.0f / (sqrtf(squares / static_cast<float>(width - 1)) + kLayerNormEpsilon);
}

// A lane computes its elements of each fragment by itself: no lane needs another's sums.
struct FloatArithmetic {
  static constexpr int kPerWord = 1;
  using Left = uint4;
  using Right = uint4;

  // `words`: a multiple of 8. Four words at a time: rows g and g + 8 of `a`, columns 2t and 2t + 1
  // of `b`.
  template <int kM, int kN>
  __device__ __forceinline__ static void multiply(float (&sums)[kM][kN][4], const Operand& a,
                                                  const Operand& b, int words) {
    const LanePlace at;
    for (int k = 0; k < words; k += 4) {
      Left left[kM][2];  // rows g and g + 8 of each 16
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
          const Right right = b.rows.get4(b.row + 8 * n + 2 * at.t + e, b.word + k);
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

  // Rows [row, row + 8 kN) of v. The weight of a key comes from the lane of the row that has it.
  template <int kN, int kC>
  __device__ __forceinline__ static void weigh(float (&sums)[kC][4], const float (&weights)[kN][4],
                                               const SharedWords& v, int row) {
    const LanePlace at;
#pragma unroll
    for (int n = 0; n < kN; ++n) {
#pragma unroll
      for (int key = 0; key < 8; ++key) {
        const int lane = 4 * at.g + key / 2;
        const float low = shuffleFrom(weights[n][key % 2], lane),
                    high = shuffleFrom(weights[n][2 + key % 2], lane);
#pragma unroll
        for (int c = 0; c < kC; ++c) {
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            const float value = floatOf(v.get(row + 8 * n + key, 8 * c + 2 * at.t + e));
            sums[c][e] += low * value;
            sums[c][2 + e] += high * value;
          }
        }
      }
    }
  }

  // Elements `column` (even) and column + 1 of a row.
  __device__ __forceinline__ static void toShared(const SharedWords& to, int row, int column,
                                                  float low, float high) {
    to.put(row, column, bitsOf(low));
    to.put(row, column + 1, bitsOf(high));
  }
  __device__ __forceinline__ static void toMemory(uint32_t* row, int column, float low,
                                                  float high) {
    row[column] = bitsOf(low);
    row[column + 1] = bitsOf(high);
  }
};

// Elements are rounded to tf32 as they are read.
struct TensorFloatArithmetic {
  static constexpr int kPerWord = 1;
  using Left = LeftRegisters;
  using Right = RightRegisters;

  template <int kM, int kN>
  __device__ __forceinline__ static void multiply(float (&sums)[kM][kN][4], const Operand& a,
                                                  const Operand& b, int words) {
    for (int k = 0; k < words; k += TensorFloat::kInner) {
      Left left[kM];
#pragma unroll
      for (int m = 0; m < kM; ++m)
        left[m] = TensorFloat::left(
            [&](int i, int j) { return floatOf(a.rows.get(a.row + 16 * m + i, a.word + k + j)); });
#pragma unroll
      for (int n = 0; n < kN; ++n) {
        const Right right = TensorFloat::right(
            [&](int i, int j) { return floatOf(b.rows.get(b.row + 8 * n + j, b.word + k + i)); });
#pragma unroll
        for (int m = 0; m < kM; ++m) TensorFloat::multiplyAdd(sums[m][n], left[m], right);
      }
    }
  }

  // A lane has weights of keys 2t and 2t + 1 where the instruction wants t and t + 4: the keys are
  // named anew, in v too.
  template <int kN, int kC>
  __device__ __forceinline__ static void weigh(float (&sums)[kC][4], const float (&weights)[kN][4],
                                               const SharedWords& v, int row) {
    const LanePlace at;
#pragma unroll
    for (int n = 0; n < kN; ++n) {
      const Left left{{toTensorFloat(weights[n][0]), toTensorFloat(weights[n][2]),
                       toTensorFloat(weights[n][1]), toTensorFloat(weights[n][3])}};
      const int key = row + 8 * n + 2 * at.t;
#pragma unroll
      for (int c = 0; c < kC; ++c) {
        const Right right{{toTensorFloat(floatOf(v.get(key, 8 * c + at.g))),
                           toTensorFloat(floatOf(v.get(key + 1, 8 * c + at.g)))}};
        TensorFloat::multiplyAdd(sums[c], left, right);
      }
    }
  }

  __device__ __forceinline__ static void toShared(const SharedWords& to, int row, int column,
                                                  float low, float high) {
    FloatArithmetic::toShared(to, row, column, low, high);
  }
  __device__ __forceinline__ static void toMemory(uint32_t* row, int column, float low,
                                                  float high) {
    FloatArithmetic::toMemory(row, column, low, high);
  }
};

// Words are the pairs that the instruction takes: they are read as they lie.
struct BrainFloatArithmetic {
  static constexpr int kPerWord = 2;
  using Left = LeftRegisters;
  using Right = RightRegisters;

  template <int kM, int kN>
  __device__ __forceinline__ static void multiply(float (&sums)[kM][kN][4], const Operand& a,
                                                  const Operand& b, int words) {
    const LanePlace at;
    for (int k = 0; k < words; k += BrainFloat::kInner / 2) {
      Left left[kM];
#pragma unroll
      for (int m = 0; m < kM; ++m) {
        const int row = a.row + 16 * m + at.g, word = a.word + k + at.t;
        left[m] = {{a.rows.get(row, word), a.rows.get(row + 8, word), a.rows.get(row, word + 4),
                    a.rows.get(row + 8, word + 4)}};
      }
#pragma unroll
      for (int n = 0; n < kN; ++n) {
        const int row = b.row + 8 * n + at.g, word = b.word + k + at.t;
        const Right right{{b.rows.get(row, word), b.rows.get(row, word + 4)}};
#pragma unroll
        for (int m = 0; m < kM; ++m) BrainFloat::multiplyAdd(sums[m][n], left[m], right);
      }
    }
  }

  template <int kN, int kC>
  __device__ __forceinline__ static void weigh(float (&sums)[kC][4], const float (&weights)[kN][4],
                                               const SharedWords& v, int row) {
    static_assert(
        kN % 2 == 0 && kC % 2 == 0,
        "two fragments of keys make one of the left side, and two of channels are loaded at once");
#pragma unroll
    for (int n = 0; n < kN; n += 2) {
      const Left left{{brainFloatPair(weights[n][0], weights[n][1]),
                       brainFloatPair(weights[n][2], weights[n][3]),
                       brainFloatPair(weights[n + 1][0], weights[n + 1][1]),
                       brainFloatPair(weights[n + 1][2], weights[n + 1][3])}};
#pragma unroll
      for (int c = 0; c < kC; c += 2) {
        Right right[2];
        loadTransposed(right, v, row + 8 * n, 4 * c);
#pragma unroll
        for (int i = 0; i < 2; ++i) BrainFloat::multiplyAdd(sums[c + i], left, right[i]);
      }
    }
  }

  __device__ __forceinline__ static void toShared(const SharedWords& to, int row, int column,
                                                  float low, float high) {
    to.put(row, column / 2, brainFloatPair(low, high));
  }
  __device__ __forceinline__ static void toMemory(uint32_t* row, int column, float low,
                                                  float high) {
    row[column / 2] = brainFloatPair(low, high);
  }
};

}  // namespace pstmo::inference::cuda
