// All range kernels of one instruction set. An isa-*.cpp file defines PSTMO_ISA and
// PSTMO_VECTOR_BYTES, is compiled with that set's flags and includes this.
#include "../../core/philox.h"
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// GCC 12 takes the deliberately undefined operands of its own AVX-512 intrinsics for uninitialised
// variables.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace pstmo::cpu::PSTMO_ISA {
namespace {
// clang-format off: each of these uses what the ones before it define.
#include "vector.h"
#include "matmul.h"
#include "attention.h"
#include "rows.h"
// clang-format on

constexpr Kernels makeKernels(const char* name) {
  return {
      .name = name,
      .tileRows = kTileRows,
      .lanes = kLanes,
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
