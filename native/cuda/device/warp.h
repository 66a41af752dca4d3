// Every collective of a warp that the kernels use. All 32 lanes take part.
#pragma once

#include "runtime.h"
#include "shared-array.h"

#if defined(PSTMO_CUDA_EMULATED)
#include <bit>
#endif

namespace pstmo::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

#if defined(PSTMO_CUDA_EMULATED)

inline void syncWarp(emulation::Place place = emulation::Place::current()) {
  emulation::Block::current().collective(kAllLanes, {}, true, place);
}
inline float shuffleXor(float value, int lanes,
                        emulation::Place place = emulation::Place::current()) {
  auto& block = emulation::Block::current();
  const emulation::Words* values =
      block.collective(kAllLanes, {std::bit_cast<uint32_t>(value)}, false, place);
  return std::bit_cast<float>(
      static_cast<uint32_t>(values[(block.lane().index % kWarp) ^ lanes][0]));
}
// The value of lane `lane` of the warp.
inline float shuffleFrom(float value, int lane,
                         emulation::Place place = emulation::Place::current()) {
  const emulation::Words* values = emulation::Block::current().collective(
      kAllLanes, {std::bit_cast<uint32_t>(value)}, false, place);
  return std::bit_cast<float>(static_cast<uint32_t>(values[lane][0]));
}
inline double shuffleXor(double value, int lanes,
                         emulation::Place place = emulation::Place::current()) {
  auto& block = emulation::Block::current();
  const emulation::Words* values =
      block.collective(kAllLanes, {std::bit_cast<uint64_t>(value)}, false, place);
  return std::bit_cast<double>(values[(block.lane().index % kWarp) ^ lanes][0]);
}

#else

__device__ __forceinline__ void syncWarp() { __syncwarp(); }
__device__ __forceinline__ float shuffleFrom(float value, int lane) {
  return __shfl_sync(kAllLanes, value, lane);
}
template <typename T>
__device__ __forceinline__ T shuffleXor(T value, int lanes) {
  return __shfl_xor_sync(kAllLanes, value, lanes);
}

#endif

// Sum and maximum over groups of kLanes neighbouring lanes (a power of two), each lane gets it: a
// fixed tree, so always the same bits.
template <int kLanes = kWarp, typename T>
__device__ __forceinline__ T sumOfLanes(T value) {
#pragma unroll
  for (int lanes = kLanes / 2; lanes > 0; lanes /= 2) value += shuffleXor(value, lanes);
  return value;
}
template <int kLanes = kWarp>
__device__ __forceinline__ float maximumOfLanes(float value) {
#pragma unroll
  for (int lanes = kLanes / 2; lanes > 0; lanes /= 2) {
    const float other = shuffleXor(value, lanes);
    value = value > other ? value : other;
  }
  return value;
}

}  // namespace pstmo::cuda
