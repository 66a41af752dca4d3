// All kernels of the plan for one instruction set: see kernels.inl.
#include "../../core/philox.h"
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wunused-function"

namespace pstmo::inference::PSTMO_ISA {
namespace {
// clang-format off: each of these uses what the ones before it define.
#include "../../cpu/kernels/vector.h"
#include "kernels-matmul.h"
#include "kernels-attention.h"
#include "kernels-rows.h"
// clang-format on

constexpr PlanKernels makePlanKernels() {
  return {
      .lanes = kLanes,
      .panelColumns = kPanel,
      .tileRows = kPlanRows,
      .product = planProduct,
#if defined(__AVX512BF16__)
      .productBf16 = planProductBf16,
      .attention = planAttention,
      .attentionBf16 = planAttentionBf16,
#else
      .productBf16 = nullptr,
      .attention = planAttention,
      .attentionBf16 = nullptr,
#endif
      .rowScales = rowScales,
      .normalizeRows = planNormalizeRows,
      .affineRows = planAffineRows,
      .addRows = planAddRows,
      .combineRows = planCombineRows,
  };
}
}  // namespace
}  // namespace pstmo::inference::PSTMO_ISA
