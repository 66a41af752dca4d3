#include "kernels.h"

#include "../../core/rounding.h"
#include "../../cpu/cpu-backend.h"
#include "../../cpu/kernels/kernels.h"

namespace pstmo::inference {

size_t attentionScratch(int keys, int width) {
  const size_t columns = roundUp(keys, cpu::kWidestPanel),
               channels = roundUp(width, cpu::kWidestPanel);
  // K^T and V in words; scores of a tile of rows, a little apart.
  return 2 * columns * channels + 16 * columns;
}

const Kernels& chooseKernels(Precision precision, const std::string& isa) {
  const std::string chosen = chooseCpuIsa(isa, precision);
#if defined(__x86_64__)
  if (chosen == "avx512")
    return precision == Precision::bf16 ? avx512bf16Kernels() : avx512Kernels();
  if (chosen == "avx2") return avx2Kernels();
#endif
  return portableKernels();
}

}  // namespace pstmo::inference
