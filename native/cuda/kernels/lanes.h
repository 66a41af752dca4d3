// Reductions over groups of kLanes neighbouring lanes of a warp, a power of two. Each lane gets the
// result. They go by a fixed tree, so the bits are always the same.
#pragma once

#include <device/warp.h>

namespace pstmo::cuda {

template <int kLanes = kWarp, typename T>
__device__ __forceinline__ T sumOfLanes(T value) {
#pragma unroll
  for (int lanes = kLanes / 2; lanes > 0; lanes /= 2) value += shuffleXor(value, lanes);
  return value;
}

template <int kLanes = kWarp>
__device__ __forceinline__ float maximumOfLanes(float value) {
#pragma unroll
  for (int lanes = kLanes / 2; lanes > 0; lanes /= 2)
    value = fmaxf(value, shuffleXor(value, lanes));
  return value;
}

}  // namespace pstmo::cuda
