// Collectives of a warp. All 32 lanes take part in each.
#pragma once

#include "runtime.h"

namespace pstmo::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

__device__ __forceinline__ int laneOfWarp() { return static_cast<int>(threadIdx.x) % kWarp; }

// Orders shared memory among the lanes of the warp.
__device__ __forceinline__ void syncWarp() { __syncwarp(); }

// Whether it holds for any lane of the warp.
__device__ __forceinline__ bool anyLane(bool holds) { return __any_sync(kAllLanes, holds); }

// The value of lane `lane` of the warp.
__device__ __forceinline__ float shuffleFrom(float value, int lane) {
  return __shfl_sync(kAllLanes, value, lane);
}

// The value of the lane whose number differs from this lane's by the bits of `lanes`.
__device__ __forceinline__ float shuffleXor(float value, int lanes) {
  return __shfl_xor_sync(kAllLanes, value, lanes);
}
__device__ __forceinline__ double shuffleXor(double value, int lanes) {
  return __shfl_xor_sync(kAllLanes, value, lanes);
}

}  // namespace pstmo::cuda
