// Softmax by powers of two along rows of scores that come 32 columns at a time: nothing but the
// row's maximum and total is kept of the columns before.
#pragma once

#include "arithmetic.h"

namespace pstmo::cuda {

constexpr int kKeys = 32;             // keys whose scores a warp has at once
constexpr int kKeyTiles = kKeys / 8;  // fragments of 16 x 8 scores
constexpr float kLowest = -3.0e38f;
constexpr float kGrowth = 8;
constexpr float kLog2E = 1.4426950408889634f, kLn2 = 0.6931471805599453f;

// Scores (16, 32) of a warp become softmax weights, 2^(score - highest). `highest` follows the
// row's maximum where that grew by more than kGrowth: then total and sums so far are rescaled to
// it. Until then weights are at most 2^kGrowth, which neither float nor bf16 minds. Keys from
// `tokens` on weigh nothing. A lane has rows g (half 0) and g + 8 (half 1); the four lanes of a row
// share `highest`, each has its own part of the row's total.
template <int kChannelTiles>
__device__ __forceinline__ void onlineSoftmax(float (&scores)[kKeyTiles][4], int firstKey,
                                              int tokens, LanePlace at, float (&highest)[2],
                                              float (&total)[2], float (&sums)[kChannelTiles][4]) {
  if (firstKey + kKeys > tokens) {
#pragma unroll
    for (int n = 0; n < kKeyTiles; ++n) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        if (firstKey + 8 * n + 2 * at.t + e % 2 >= tokens) scores[n][e] = kLowest;
      }
    }
  }

  // Each row's maximum, and whether `highest` follows it.
  float shrink[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float top = fmaxf(scores[0][2 * half], scores[0][2 * half + 1]);
#pragma unroll
    for (int n = 1; n < kKeyTiles; ++n)
      top = fmaxf(top, fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
    top = maximumOfLanes<4>(top);
    const bool grew = top > highest[half] + kGrowth;
    shrink[half] = grew ? exp2Approx(highest[half] - top) : 1.0f;
    if (grew) highest[half] = top;
  }
  if (anyLane(shrink[0] != 1.0f || shrink[1] != 1.0f)) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      total[half] *= shrink[half];
#pragma unroll
      for (int c = 0; c < kChannelTiles; ++c) {
        sums[c][2 * half] *= shrink[half];
        sums[c][2 * half + 1] *= shrink[half];
      }
    }
  }

  // Scores to weights.
#pragma unroll
  for (int n = 0; n < kKeyTiles; ++n) {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      scores[n][e] = exp2Approx(scores[n][e] - highest[e / 2]);
      total[e / 2] += scores[n][e];
    }
  }
}

}  // namespace pstmo::cuda
