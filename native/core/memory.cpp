#include "memory.h"

#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pstmo {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kLargePage = size_t{2} << 20;

}  // namespace

void* allocateAligned(size_t bytes) {
  const size_t alignment = bytes >= 2 * kLargePage ? kLargePage : kCacheLine;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
#if defined(__linux__)
  if (memory != nullptr && alignment == kLargePage)
    madvise(memory, bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
  return memory;
}

void releaseAligned(void* memory) { std::free(memory); }

}  // namespace pstmo
