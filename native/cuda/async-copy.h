// Copies from device memory to shared memory that pass the registers by (cp.async). On the emulated device they land as late as they may,
// when they are waited for, and spoil their target as early as they may, when they start.
#pragma once

#include "cuda-runtime.h"
#include "shared-array.h"

namespace pstmo::cuda {

class AsyncCopies {
 public:
#if defined(PSTMO_CUDA_EMULATED)
  void copy4(const SharedWords& to, int row, int column, const uint32_t* from, bool present, emulation::Place place = emulation::Place::current()) {
    uint32_t* target = to.at4(row, column, place);
    if (reinterpret_cast<uintptr_t>(from) % 16 != 0) emulation::Block::current().fail("copies from an address that is no multiple of 16", place);
    if (count_ == kMost) emulation::Block::current().fail("has more than " + std::to_string(kMost) + " copies under way", place);
    note(target, place);
    for (int i = 0; i < 4; ++i) target[i] = 0xFFFFFFFFu;
    under_[count_++] = {target, present ? from : nullptr};
  }
  void land(emulation::Place place = emulation::Place::current()) {
    for (int copy = 0; copy < count_; ++copy) {
      const auto [target, from] = under_[copy];
      note(target, place);
      for (int i = 0; i < 4; ++i) target[i] = from ? from[i] : 0;
    }
    count_ = 0;
  }

 private:
  static constexpr int kMost = 256;
  struct Copy {
    uint32_t* to;
    const uint32_t* from;
  };
  static void note(const uint32_t* target, emulation::Place place) {
    for (int i = 0; i < 4; ++i) emulation::Block::current().noteWrite(target + i, place);
  }
  Copy under_[kMost];
  int count_ = 0;
#else
  // Starts to copy four words to column `column`, a multiple of 4, of a row; zeros where not `present`, and then `from` is not read.
  __device__ __forceinline__ void copy4(const SharedWords& to, int row, int column, const uint32_t* from, bool present) {
    const auto target = static_cast<uint32_t>(__cvta_generic_to_shared(to.at4(row, column)));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target), "l"(__cvta_generic_to_global(from)), "r"(present ? 16 : 0) : "memory");
  }
  // Waits for this thread's copies; a barrier shows them to the others.
  __device__ __forceinline__ void land() { asm volatile("cp.async.wait_all;" ::: "memory"); }
#endif
};

}  // namespace pstmo::cuda
