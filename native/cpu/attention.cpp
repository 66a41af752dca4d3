// Attention: one window and one head an item.
#include "cpu-device.h"

namespace pstmo {

size_t attentionScratch(int tokens, int width) {
  const size_t keys = static_cast<size_t>(tokens + 31) / 32 * 32, channels = static_cast<size_t>(width + 31) / 32 * 32;
  return 2 * keys * channels + 2 * (static_cast<size_t>(tokens) + 9) * keys + 64;
}

// A window with all its heads is an item where there are windows enough for every thread; else a head is.
void CpuBackend::forHeads(int batch, int heads, int tokens, int width, const std::function<void(int window, int head, float* scratch)>& body) {
  const size_t floats = attentionScratch(tokens, width / heads);
  const int together = batch >= 4 * pool_.threads() ? heads : 1;
  pool_.run(batch * heads / together, [&](int item, int worker) {
    float* scratch = workerScratch_[worker].floats(floats);
    for (int i = item * together; i < (item + 1) * together; ++i) body(i / heads, i % heads, scratch);
  });
}

void CpuBackend::run(const AttentionForward& op) {
  forHeads(op.batch, op.heads, op.tokens, op.width, [&](int window, int head, float* scratch) { kernels_.attentionForward(op, window, head, scratch); });
}

void CpuBackend::run(const AttentionBackward& op) {
  forHeads(op.batch, op.heads, op.tokens, op.width, [&](int window, int head, float* scratch) { kernels_.attentionBackward(op, window, head, scratch); });
}

void CpuBackend::run(const AttentionMaps& op) {
  forHeads(op.batch, op.heads, op.tokens, op.width, [&](int window, int head, float* scratch) { kernels_.attentionMaps(op, window, head, scratch); });
}

}  // namespace pstmo
