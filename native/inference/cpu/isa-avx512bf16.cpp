#define PSTMO_ISA avx512bf16
#define PSTMO_VECTOR_BYTES 64
#include "kernels.inl"

namespace pstmo::inference {

const PlanKernels& avx512Bf16PlanKernels() {
  static constexpr PlanKernels kernels = avx512bf16::makePlanKernels();
  return kernels;
}

}  // namespace pstmo::inference
