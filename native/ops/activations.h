// Arrays of activations, and of their gradients, as operations take them: an address and how the
// elements lie there.
//
// Of a network in bf16 a device may keep in bfloat16 what lies between the operations of one
// branch: normed rows, Q, K and V, what attention gives, hidden rows, the rows inside the spatial
// encoder, and the gradients of all these. Matmuls round them to bfloat16 anyway, and half the
// bytes are moved. Always float32 are the residual stream over the layers and its gradient (every
// layer adds little to much, and the sum would be rounded at the size of the whole, layer after
// layer; autocast keeps it so too), statistics, parameters and their gradients, and all that is
// near coordinates: the keypoints, the last norm in front of a head, poses, losses. Operations
// compute in float32 in every case.
#pragma once

#include <cstdint>

namespace pstmo {

enum class Storage : uint8_t {
  float32,     // on every device
  narrowable,  // float32 on this device; another may keep it in bfloat16
  bfloat16,
};

[[gnu::always_inline]] constexpr int bytesOf(Storage storage) {
  return storage == Storage::bfloat16 ? 2 : 4;
}

// Always inlined, constexpr: as in core/dropout.h.
struct Activations {
  void* data = nullptr;
  Storage storage = Storage::float32;

  Activations() = default;
  [[gnu::always_inline]] constexpr Activations(float* floats_) : data(floats_) {}
  [[gnu::always_inline]] constexpr Activations(void* data_, Storage storage_)
      : data(data_), storage(storage_) {}

  [[gnu::always_inline]] constexpr explicit operator bool() const { return data != nullptr; }
  // For a device that keeps no array narrow.
  [[gnu::always_inline]] float* floats() const { return static_cast<float*>(data); }
};

struct ConstActivations {
  const void* data = nullptr;
  Storage storage = Storage::float32;

  ConstActivations() = default;
  [[gnu::always_inline]] constexpr ConstActivations(const float* floats_) : data(floats_) {}
  [[gnu::always_inline]] constexpr ConstActivations(const Activations& other)
      : data(other.data), storage(other.storage) {}

  [[gnu::always_inline]] constexpr explicit operator bool() const { return data != nullptr; }
  [[gnu::always_inline]] const float* floats() const { return static_cast<const float*>(data); }
};

}  // namespace pstmo
