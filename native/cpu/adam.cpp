// The optimizer's step: Adam with amsgrad over all parameters at once, kChunk of them an item. Each
// parameter is its own: no sum, so any split gives the same bits. The arithmetic: kernels/rows.h.
#include <algorithm>

#include "cpu-device.h"

namespace pstmo::cpu {

void CpuBackend::run(const AdamStep& op) {
  constexpr size_t kChunk = 1 << 14;
  pool_.run(static_cast<int>((op.count + kChunk - 1) / kChunk), [&](int item, int) {
    const size_t begin = static_cast<size_t>(item) * kChunk;
    kernels_.adam(op, begin, std::min(op.count, begin + kChunk));
  });
}

}  // namespace pstmo::cpu
