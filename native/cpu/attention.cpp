// Attention: one window and one head an item.
#include "cpu-device.h"

namespace pstmo {

size_t attentionScratch(int tokens, int width) {
  const size_t keys = static_cast<size_t>(tokens + 31) / 32 * 32, channels = static_cast<size_t>(width + 31) / 32 * 32;
  return 2 * keys * channels + 2 * (static_cast<size_t>(tokens) + 9) * keys + 64;
}

void CpuBackend::run(const AttentionForward& op) {
  const size_t floats = attentionScratch(op.tokens, op.width / op.heads);
  pool_.run(op.batch * op.heads, [&](int item, int worker) { kernels_.attentionForward(op, item / op.heads, item % op.heads, workerScratch_[worker].floats(floats)); });
}

void CpuBackend::run(const AttentionBackward& op) {
  const size_t floats = attentionScratch(op.tokens, op.width / op.heads);
  pool_.run(op.batch * op.heads, [&](int item, int worker) { kernels_.attentionBackward(op, item / op.heads, item % op.heads, workerScratch_[worker].floats(floats)); });
}

void CpuBackend::run(const AttentionMaps& op) {
  const size_t floats = attentionScratch(op.tokens, op.width / op.heads);
  pool_.run(op.batch * op.heads, [&](int item, int worker) { kernels_.attentionMaps(op, item / op.heads, item % op.heads, workerScratch_[worker].floats(floats)); });
}

}  // namespace pstmo
