// A bump allocator over device memory. A pass takes memory piece by piece and gives it back as a
// stack (marks) or all at once (reset). A pass whose size was reserved takes one block, and
// every pass of the same shape the same pointers; one that was not may take several, which reset
// merges into one of the size that was needed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace pstmo {

class Arena {
 public:
  using Allocate = std::function<void*(size_t)>;
  using Release = std::function<void(void*)>;

  struct Mark {
    size_t block = 0;   // blocks before it are full
    size_t offset = 0;  // bytes taken of it
    size_t used = 0;    // bytes taken altogether
  };

  Arena(Allocate allocate, Release release)
      : allocate_(std::move(allocate)), release_(std::move(release)) {}
  ~Arena() { releaseBlocks(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Uninitialised memory for `count` elements, valid until a release to an earlier mark or the next
  // reset.
  template <typename T>
  T* take(size_t count) {
    return static_cast<T*>(takeBytes(count * sizeof(T)));
  }

  Mark mark() const { return at_; }
  void release(const Mark& mark) { at_ = mark; }

  void reset() {
    at_ = {};
    if (blocks_.size() > 1) {
      releaseBlocks();
      addBlock(peak_);
    }
  }

  // Gives the memory itself back too, and forgets what was needed.
  void clear() {
    at_ = {};
    peak_ = 0;
    releaseBlocks();
  }

  // The most bytes that were ever taken at a time.
  size_t peak() const { return peak_; }

  // Makes room for `bytes` in one block; what was taken before is lost.
  void reserve(size_t bytes) {
    if (blocks_.size() == 1 && blocks_[0].size >= bytes) return;
    const size_t size = std::max(peak_, bytes);
    clear();
    addBlock(size);
  }

  size_t capacity() const {
    size_t bytes = 0;
    for (const Block& block : blocks_) bytes += block.size;
    return bytes;
  }

 private:
  struct Block {
    char* memory;
    size_t size;
  };
  static constexpr size_t kAlignment = 256;
  static constexpr size_t kSmallestBlock = size_t{4} << 20;

  void* takeBytes(size_t bytes) {
    const size_t size = std::max((bytes + kAlignment - 1) / kAlignment, size_t{1}) * kAlignment;
    while (at_.block < blocks_.size() && at_.offset + size > blocks_[at_.block].size) {
      at_.block++;
      at_.offset = 0;
    }
    if (at_.block == blocks_.size()) addBlock(std::max(size, kSmallestBlock));
    void* memory = blocks_[at_.block].memory + at_.offset;
    at_.offset += size;
    at_.used += size;
    peak_ = std::max(peak_, at_.used);
    return memory;
  }

  void addBlock(size_t size) { blocks_.push_back({static_cast<char*>(allocate_(size)), size}); }

  void releaseBlocks() {
    for (const Block& block : blocks_) release_(block.memory);
    blocks_.clear();
  }

  Allocate allocate_;
  Release release_;
  std::vector<Block> blocks_;
  Mark at_;
  size_t peak_ = 0;
};

}  // namespace pstmo
