#include "page-arena.h"

#include <algorithm>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pstmo {
namespace {

constexpr std::align_val_t kPage{size_t{2} << 20};
constexpr size_t kBlock = size_t{8}
                          << 20;  // four pages; what nobody takes of the last is never touched
constexpr size_t kLine = 64;

}  // namespace

PageArena::~PageArena() {
  for (char* block : blocks_) ::operator delete(block, kPage);
}

void* PageArena::take(size_t bytes) {
  bytes = (bytes + kLine - 1) / kLine * kLine;
  const std::lock_guard guard(mutex_);
  if (bytes > left_) {
    const size_t size = std::max(bytes, kBlock);
    blocks_.reserve(blocks_.size() + 1);
    free_ = static_cast<char*>(::operator new(size, kPage));
    blocks_.push_back(free_);
    left_ = size;
#if defined(__linux__)
    madvise(free_, size, MADV_HUGEPAGE);  // a wish: small pages are as right
#endif
  }
  char* taken = free_;
  free_ += bytes;
  left_ -= bytes;
  return taken;
}

}  // namespace pstmo
