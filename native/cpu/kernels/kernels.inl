// All range kernels of one instruction set. An isa-*.cpp file, which CMake makes of isa.cpp.in,
// defines PSTMO_ISA, PSTMO_ISA_NAME and PSTMO_VECTOR_BYTES, is compiled with that set's flags and
// includes this.
#include "../../core/constants.h"
#include "../../core/philox.h"
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pstmo::cpu::PSTMO_ISA {
namespace {
// clang-format off: each of these uses what the ones before it define.
#include "compiler.h"
#include "vector.h"
#include "matmul.h"
#include "attention.h"
#include "rows.h"
// clang-format on

constexpr Kernels makeKernels() {
  return {
      .name = PSTMO_ISA_NAME,
      .tileRows = kTileRows,
      .panelColumns = kPanel,
      .tile = tile<Fp32Word, 2>,
#if defined(__AVX512BF16__)
      .tileBf16 = tile<Bf16Word, 2>,
      .storeTile = storeTile,
      .roundRow = roundRow,
      .roundRowPair = roundRowPair,
#else
      .tileBf16 = nullptr,
      .storeTile = storeTile,
      .roundRow = nullptr,
      .roundRowPair = nullptr,
#endif
      .attentionForward = attentionForward,
      .attentionBackward = attentionBackward,
      .attentionMaps = attentionMaps,
      .layerNormForward = layerNormForward,
      .layerNormBackward = layerNormBackward,
      .columnMoments = columnMoments,
      .columnSums = columnSums,
      .normalize = normalize,
      .normalizeBackwardSums = normalizeBackwardSums,
      .normalizeBackward = normalizeBackward,
      .dropoutBackward = dropoutBackward,
      .adam = adam,
      .multiplyAdds = multiplyAdds,
#if defined(__AVX512BF16__)
      .multiplyAddsBf16 = multiplyAddsBf16,
#else
      .multiplyAddsBf16 = nullptr,
#endif
  };
}
}  // namespace
}  // namespace pstmo::cpu::PSTMO_ISA
