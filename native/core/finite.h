// Looks for NaN and infinity.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "bits.h"

namespace pstmo {

// Where the first value of `values` that is not finite lies; `count` where all are finite.
inline size_t firstNonFinite(const float* values, size_t count) {
  constexpr size_t kBlock = 1024;  // without a branch inside, so that it becomes vector code
  const auto endless = [values](size_t i) {
    constexpr uint32_t kExponent = 0x7f800000u;
    return (bitCast<uint32_t>(values[i]) & kExponent) == kExponent;
  };
  for (size_t start = 0; start < count; start += kBlock) {
    const size_t end = std::min(count, start + kBlock);
    bool found = false;
    for (size_t i = start; i < end; ++i) found |= endless(i);
    if (!found) continue;
    for (size_t i = start; i < end; ++i) {
      if (endless(i)) return i;
    }
  }
  return count;
}

}  // namespace pstmo
