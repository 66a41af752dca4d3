#define PSTMO_ISA avx2
#define PSTMO_VECTOR_BYTES 32
#include "kernels.inl"

namespace pstmo::inference {

const PlanKernels& avx2PlanKernels() {
  static constexpr PlanKernels kernels = avx2::makePlanKernels();
  return kernels;
}

}  // namespace pstmo::inference
