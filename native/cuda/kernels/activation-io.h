// Elements of arrays that lie in memory as float32 or as bfloat16 (native/ops/activations.h); in
// registers they are float32. How an array lies is the same for a whole launch: lanes never part
// here. One address serves both kinds, so that registers are not taken twice.
#pragma once

#include <device/ptx.h>

#include "../../ops/activations.h"

namespace pstmo::cuda {

__device__ __forceinline__ int64_t offsetOf(Storage storage, int64_t i) {
  return i << (storage == Storage::bfloat16 ? 1 : 2);
}

__device__ __forceinline__ float read(const ConstActivations& from, int64_t i) {
  const char* at = static_cast<const char*>(from.data) + offsetOf(from.storage, i);
  if (from.storage == Storage::bfloat16)
    return floatOf(static_cast<uint32_t>(*reinterpret_cast<const uint16_t*>(at)) << 16);
  return *reinterpret_cast<const float*>(at);
}

__device__ __forceinline__ void write(const Activations& to, int64_t i, float value) {
  char* at = static_cast<char*>(to.data) + offsetOf(to.storage, i);
  if (to.storage == Storage::bfloat16) {
    *reinterpret_cast<uint16_t*>(at) = static_cast<uint16_t>(toBrainFloat(value));
  } else {
    *reinterpret_cast<float*>(at) = value;
  }
}

// kValues neighbours from element `i` on, a multiple of kValues.
template <int kValues>
__device__ __forceinline__ void readNeighbours(const ConstActivations& from, int64_t i,
                                               float (&values)[kValues]) {
  if (from.storage == Storage::bfloat16) {
    const auto* words = reinterpret_cast<const uint2*>(static_cast<const uint16_t*>(from.data) + i);
#pragma unroll
    for (int e = 0; e < kValues; e += 4) {
      const uint2 found = words[e / 4];
      values[e] = floatOf(found.x << 16), values[e + 1] = floatOf(found.x & 0xFFFF0000u);
      values[e + 2] = floatOf(found.y << 16), values[e + 3] = floatOf(found.y & 0xFFFF0000u);
    }
  } else {
    const auto* words = reinterpret_cast<const float4*>(static_cast<const float*>(from.data) + i);
#pragma unroll
    for (int e = 0; e < kValues; e += 4) {
      const float4 found = words[e / 4];
      values[e] = found.x, values[e + 1] = found.y, values[e + 2] = found.z,
      values[e + 3] = found.w;
    }
  }
}

// Elements from `i` on, a multiple of 4.
__device__ __forceinline__ void writeFour(const Activations& to, int64_t i,
                                          const float (&values)[4]) {
  char* at = static_cast<char*>(to.data) + offsetOf(to.storage, i);
  if (to.storage == Storage::bfloat16) {
    *reinterpret_cast<uint2*>(at) = {brainFloatPair(values[0], values[1]),
                                     brainFloatPair(values[2], values[3])};
  } else {
    *reinterpret_cast<float4*>(at) = {values[0], values[1], values[2], values[3]};
  }
}

// Elements `i`, which is even, and i + 1.
__device__ __forceinline__ void writePair(const Activations& to, int64_t i, float low, float high) {
  char* at = static_cast<char*>(to.data) + offsetOf(to.storage, i);
  if (to.storage == Storage::bfloat16) {
    *reinterpret_cast<uint32_t*>(at) = brainFloatPair(low, high);
  } else {
    *reinterpret_cast<float2*>(at) = {low, high};
  }
}

}  // namespace pstmo::cuda
