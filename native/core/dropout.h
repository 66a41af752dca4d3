// Which elements a dropout keeps, as a pure function of (seed, step, site, row, column): nothing is stored for backward, and
// every device and every number of threads gives the same mask.
#pragma once

#include <cstdint>

namespace pstmo {

// Philox 4x32-10 (Salmon et al., SC 2011) with key = seed and counter = (low, high, step, site).
// Element (row, column) of a matrix whose rows hold `width` columns has the index e = row * roundUp(width, 64) + column; it
// takes word (e >> 4) & 3 of counter (e >> 6) * 16 + (e & 15). So 64 neighbours come from 16 counters, one a SIMD lane.
// It is kept when word >= threshold, threshold = rate * 2^32, and then scaled by 1 / (1 - rate).
struct Dropout {
  float rate = 0;
  uint64_t seed = 0;
  uint32_t step = 0;
  uint32_t site = 0;  // which dropout of the network: no two share one

  bool active() const { return rate > 0; }
  uint32_t threshold() const { return static_cast<uint32_t>(static_cast<double>(rate) * 4294967296.0); }
  float scale() const { return 1.0f / (1.0f - rate); }
};

inline int64_t dropoutRowStride(int64_t width) { return (width + 63) / 64 * 64; }

}  // namespace pstmo
