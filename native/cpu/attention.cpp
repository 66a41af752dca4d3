// Attention: one window and one head an item.
#include <algorithm>

#include "cpu-device.h"

namespace pstmo::cpu {

size_t attentionScratch(int tokens, int width) {
  const size_t keys = static_cast<size_t>(tokens + 31) / 32 * 32,
               channels = static_cast<size_t>(width + 31) / 32 * 32;
  return 2 * keys * channels + 2 * (static_cast<size_t>(tokens) + 9) * keys + 64;
}

// A few windows with all their heads are an item where there are enough for every thread (each asks
// for the next one's rows); else a head is.
void CpuBackend::forHeads(int batch, int heads, int tokens, int width,
                          const std::function<void(int window, int head, float* scratch)>& body) {
  const size_t floats = attentionScratch(tokens, width / heads);
  const int windows = batch / (4 * pool_.threads());
  const int together = windows == 0 ? 1 : heads * std::min(windows, 5), items = batch * heads;
  pool_.run((items + together - 1) / together, [&](int item, int worker) {
    float* scratch = workerScratch_[worker].floats(floats);
    for (int i = item * together; i < std::min(items, (item + 1) * together); ++i)
      body(i / heads, i % heads, scratch);
  });
}

void CpuBackend::run(const AttentionForward& op) {
  forHeads(op.batch, op.heads, op.tokens, op.width, [&](int window, int head, float* scratch) {
    kernels_.attentionForward(op, window, head, scratch);
  });
}

void CpuBackend::run(const AttentionBackward& op) {
  forHeads(op.batch, op.heads, op.tokens, op.width, [&](int window, int head, float* scratch) {
    kernels_.attentionBackward(op, window, head, scratch);
  });
}

void CpuBackend::run(const AttentionMaps& op) {
  forHeads(op.batch, op.heads, op.tokens, op.width, [&](int window, int head, float* scratch) {
    kernels_.attentionMaps(op, window, head, scratch);
  });
}

}  // namespace pstmo::cpu
