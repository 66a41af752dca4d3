// All kernels of the compiled lifter for one instruction set: PSTMO_ISA names it,
// PSTMO_VECTOR_BYTES its vectors, and the file that includes this is compiled with its flags.
#include "../../core/constants.h"
#include "../../core/philox.h"
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pstmo::inference::PSTMO_ISA {
namespace {
// clang-format off: each of these uses what the ones before it define.
#include "../../cpu/kernels/compiler.h"
#include "../../cpu/kernels/vector.h"
#include "kernels-matmul.h"
#include "kernels-attention.h"
#include "kernels-rows.h"
// clang-format on

constexpr Kernels makeKernels() {
  return {
      .panelColumns = kPanel,
      .tileRows = kTileRows,
      .matmul = matmul<Fp32Word>,
#if defined(__AVX512BF16__)
      .matmulBf16 = matmul<Bf16Word>,
      .attention = attention,
      .attentionBf16 = attentionBf16,
#else
      .matmulBf16 = nullptr,
      .attention = attention,
      .attentionBf16 = nullptr,
#endif
      .rowScales = rowScales,
#if defined(__AVX512BF16__)
      .layerNorm = layerNorm,
#else
      .layerNorm = nullptr,
#endif
      .addRows = addRows,
      .combineRows = combineRows,
  };
}
}  // namespace
}  // namespace pstmo::inference::PSTMO_ISA
