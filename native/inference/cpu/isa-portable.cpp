#define PSTMO_ISA portable
#define PSTMO_VECTOR_BYTES 16
#include "kernels.inl"

namespace pstmo::inference {

const PlanKernels& portablePlanKernels() {
  static constexpr PlanKernels kernels = portable::makePlanKernels();
  return kernels;
}

}  // namespace pstmo::inference
