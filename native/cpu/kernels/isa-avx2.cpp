#define PSTMO_ISA avx2
#define PSTMO_VECTOR_BYTES 32
#include "kernels.inl"

namespace pstmo::cpu {

const Kernels& avx2Kernels() {
  static constexpr Kernels kernels = avx2::makeKernels("AVX2");
  return kernels;
}

}  // namespace pstmo::cpu
