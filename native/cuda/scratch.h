// Device memory that only grows, for an operation's intermediate results. Operations follow each
// other on one stream, so they share it.
#pragma once

#include <cstddef>

#include "../ops/activations.h"

namespace pstmo::cuda {

class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void* bytes(size_t count);  // contents are lost when it grows; null for none
  float* floats(size_t count) { return static_cast<float*>(bytes(count * sizeof(float))); }
  Activations activations(size_t count, Storage storage) {
    return {bytes(count * static_cast<size_t>(bytesOf(storage))), storage};
  }
  const void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace pstmo::cuda
