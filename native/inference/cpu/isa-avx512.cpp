#define PSTMO_ISA avx512
#define PSTMO_VECTOR_BYTES 64
#include "kernels.inl"

namespace pstmo::inference {

const PlanKernels& avx512PlanKernels() {
  static constexpr PlanKernels kernels = avx512::makePlanKernels();
  return kernels;
}

}  // namespace pstmo::inference
