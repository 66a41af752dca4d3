#define PSTMO_ISA avx512
#define PSTMO_VECTOR_BYTES 64
#include "kernels.inl"

namespace pstmo::cpu {

const Kernels& avx512Kernels() {
  static constexpr Kernels kernels = avx512::makeKernels("AVX-512");
  return kernels;
}

}  // namespace pstmo::cpu
