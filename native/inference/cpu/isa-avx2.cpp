#define PSTMO_ISA avx2
#define PSTMO_VECTOR_BYTES 32
#include "kernels.inl"

namespace pstmo::inference {

const Kernels& avx2Kernels() {
  static constexpr Kernels kernels = avx2::makeKernels();
  return kernels;
}

}  // namespace pstmo::inference
