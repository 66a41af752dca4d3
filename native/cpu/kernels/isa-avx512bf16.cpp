#define PSTMO_ISA avx512bf16
#define PSTMO_VECTOR_BYTES 64
#include "kernels.inl"

namespace pstmo::cpu {

const Kernels& avx512Bf16Kernels() {
  static constexpr Kernels kernels = avx512bf16::makeKernels("AVX-512 BF16");
  return kernels;
}

}  // namespace pstmo::cpu
