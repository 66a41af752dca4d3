// Which elements a dropout keeps, as a pure function of (seed, step, site, row, column): nothing is
// stored for backward, and every device and every number of threads gives the same mask.
#pragma once

#include <cstdint>

namespace pstmo {

// Philox 4x32-10 (Salmon et al., SC 2011) with key = seed and counter = (low, high, step, site).
// Element (row, column) of a matrix whose rows hold `width` columns takes word (row & 1) * 2 +
// ((column >> 4) & 1) of the counter c = ((row >> 1) * ceil(width / 32) + (column >> 5)) * 16 +
// (column & 15): two rows of 32 columns share 16 counters, one a SIMD lane. It is kept when word >=
// threshold, threshold = rate * 2^32, and then scaled by 1 / (1 - rate).
struct Dropout {
  float rate = 0;
  uint64_t seed = 0;
  uint32_t step = 0;
  uint32_t site = 0;  // which dropout of the network: no two share one

  // Always inlined: no copy of them may be shared between the instruction-set variants of the CPU
  // kernels. constexpr: CUDA kernels may call them.
  [[gnu::always_inline]] constexpr bool active() const { return rate > 0; }
  [[gnu::always_inline]] constexpr uint32_t threshold() const {
    return static_cast<uint32_t>(static_cast<double>(rate) * 4294967296.0);
  }
  [[gnu::always_inline]] constexpr float scale() const { return 1.0f / (1.0f - rate); }
};

}  // namespace pstmo
