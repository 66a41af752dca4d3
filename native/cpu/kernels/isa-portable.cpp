#define PSTMO_ISA portable
#define PSTMO_VECTOR_BYTES 16
#include "kernels.inl"

namespace pstmo::cpu {

const Kernels& portableKernels() {
  static constexpr Kernels kernels = portable::makeKernels("portable");
  return kernels;
}

}  // namespace pstmo::cpu
