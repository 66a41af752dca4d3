// Host memory whose first element lies on a cache line, freed with its owner. Contents are uninitialised and lost when it grows.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace pstmo {

template <typename T>
class AlignedArray {
 public:
  static constexpr std::align_val_t kAlignment{64};

  AlignedArray() = default;
  explicit AlignedArray(size_t count) { reserve(count); }
  ~AlignedArray() { ::operator delete(data_, kAlignment); }
  AlignedArray(AlignedArray&& other) noexcept { swap(other); }
  AlignedArray& operator=(AlignedArray&& other) noexcept {
    swap(other);
    return *this;
  }

  T* reserve(size_t count) {
    if (count > count_) {
      ::operator delete(data_, kAlignment);
      data_ = nullptr;
      count_ = 0;
      data_ = static_cast<T*>(::operator new(count * sizeof(T), kAlignment));
      count_ = count;
    }
    return data_;
  }
  T* data() const { return data_; }
  size_t count() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }

 private:
  void swap(AlignedArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }

  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace pstmo
