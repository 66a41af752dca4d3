// Host memory whose first element lies on a cache line, freed with its owner or with the arena that
// it was taken of. Contents are uninitialised and lost when it grows.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include "page-arena.h"

namespace pstmo {

template <typename T>
class AlignedArray {
 public:
  static constexpr std::align_val_t kAlignment{64};

  AlignedArray() = default;
  explicit AlignedArray(size_t count) { reserve(count); }
  ~AlignedArray() { release(); }
  AlignedArray(AlignedArray&& other) noexcept { swap(other); }
  AlignedArray& operator=(AlignedArray&& other) noexcept {
    swap(other);
    return *this;
  }

  T* reserve(size_t count, PageArena* arena = nullptr) {
    if (count > count_) {
      release();
      data_ = static_cast<T*>(arena ? arena->take(count * sizeof(T))
                                    : ::operator new(count * sizeof(T), kAlignment));
      count_ = count;
      arena_ = arena;
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
    std::swap(arena_, other.arena_);
  }
  void release() {
    if (!arena_) ::operator delete(data_, kAlignment);
    data_ = nullptr;
    count_ = 0;
  }

  T* data_ = nullptr;
  size_t count_ = 0;
  PageArena* arena_ = nullptr;
};

}  // namespace pstmo
