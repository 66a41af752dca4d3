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

}  // namespace pstmo::cuda
