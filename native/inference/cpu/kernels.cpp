#include "kernels.h"

#include "../../cpu/cpu-backend.h"

namespace pstmo::inference {

size_t planAttentionScratch(int keys, int width) {
  const size_t columns = static_cast<size_t>(keys + 31) / 32 * 32,
               channels = static_cast<size_t>(width + 31) / 32 * 32;
  return 2 * columns * channels + 16 * columns;  // K^T, scores of a tile of rows, pairs of V
}

const PlanKernels& planKernels(Precision precision, const std::string& isa) {
  const std::string chosen = chooseCpuIsa(isa, precision);
#if defined(__x86_64__)
  if (chosen == "avx512")
    return precision == Precision::bf16 ? avx512Bf16PlanKernels() : avx512PlanKernels();
  if (chosen == "avx2") return avx2PlanKernels();
#endif
  return portablePlanKernels();
}

}  // namespace pstmo::inference
