// An array in the memory of a backend, freed with its owner.
#pragma once

#include <cstddef>
#include <utility>

#include "../ops/backend.h"

namespace pstmo::network {

template <typename T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(Backend& backend, size_t count) : backend_(&backend), count_(count) {
    if (count > 0) memory_ = static_cast<T*>(backend.allocate(count * sizeof(T)));
  }
  DeviceArray(Backend& backend, const T* host, size_t count) : DeviceArray(backend, count) {
    if (count > 0) backend.copyIn(memory_, host, bytes());
  }
  ~DeviceArray() {
    if (memory_ != nullptr) backend_->release(memory_);
  }
  DeviceArray(DeviceArray&& other) noexcept { swap(other); }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    swap(other);
    return *this;
  }

  T* data() const { return memory_; }
  size_t count() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }
  void zero() const {
    if (count_ > 0) backend_->zero(memory_, bytes());
  }

 private:
  void swap(DeviceArray& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(memory_, other.memory_);
    std::swap(count_, other.count_);
  }

  Backend* backend_ = nullptr;
  T* memory_ = nullptr;
  size_t count_ = 0;
};

}  // namespace pstmo::network
