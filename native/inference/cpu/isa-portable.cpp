#define PSTMO_ISA portable
#define PSTMO_VECTOR_BYTES 16
#include "kernels.inl"

namespace pstmo::inference {

const Kernels& portableKernels() {
  static constexpr Kernels kernels = portable::makeKernels();
  return kernels;
}

}  // namespace pstmo::inference
