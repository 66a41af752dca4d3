// Elements of arrays that lie in memory as float32 or as bfloat16 (native/ops/activations.h); in registers they are float32. How an array
// lies is the same for a whole launch: lanes never part at these branches.
#pragma once

#include "../ops/activations.h"
#include "ptx.h"

namespace pstmo::cuda {

// An element of a bfloat16 array.
struct StoredBrainFloat {
  uint16_t bits;
};

__device__ __forceinline__ float valueOf(float stored) { return stored; }
__device__ __forceinline__ float valueOf(StoredBrainFloat stored) { return floatOf(static_cast<uint32_t>(stored.bits) << 16); }

__device__ __forceinline__ float read(const ConstActivations& from, int64_t i) {
  if (from.storage == Storage::bfloat16) return valueOf(static_cast<const StoredBrainFloat*>(from.data)[i]);
  return static_cast<const float*>(from.data)[i];
}

__device__ __forceinline__ void write(const Activations& to, int64_t i, float value) {
  if (to.storage == Storage::bfloat16) {
    static_cast<StoredBrainFloat*>(to.data)[i].bits = static_cast<uint16_t>(toBrainFloat(value));
  } else {
    static_cast<float*>(to.data)[i] = value;
  }
}

// body(elements): one branch for many elements, each of which valueOf makes a float.
template <typename Body>
__device__ __forceinline__ void withElements(const ConstActivations& from, const Body& body) {
  if (from.storage == Storage::bfloat16) {
    body(static_cast<const StoredBrainFloat*>(from.data));
  } else {
    body(static_cast<const float*>(from.data));
  }
}

}  // namespace pstmo::cuda
