// Attention: how windows and heads are shared out. kernels/attention.h has the arithmetic of one
// head of one window, which needs nothing of any other: threads meet in no sum, so the bits do not
// depend on their number.
#include <algorithm>

#include "../core/rounding.h"
#include "cpu-device.h"

namespace pstmo::cpu {

size_t attentionScratch(int tokens, int width) {
  const size_t keys = roundUp(tokens, kWidestPanel), channels = roundUp(width, kWidestPanel);
  // Panels of K and V, then backward's two matrices (tokens, keys), or forward's tile of scores.
  return 2 * keys * channels + 2 * (static_cast<size_t>(tokens) + kTallestTile) * keys;
}

// An item is one head, or up to five windows with all their heads where there are enough windows
// for every thread: the rows that a kernel prefetches, of the next head and the next window, are
// then this thread's next.
void CpuBackend::forHeads(int batch, int heads, int tokens, int width,
                          const std::function<void(int window, int head, float* scratch)>& body) {
  const size_t floats = attentionScratch(tokens, width / heads);
  const int windows = batch / (4 * pool_.threads());
  const int itemHeads = windows == 0 ? 1 : heads * std::min(windows, 5), all = batch * heads;
  pool_.run(ceilDiv(all, itemHeads), [&](int item, int worker) {
    float* scratch = workerScratch_[worker].floats(floats);
    for (int i = item * itemHeads; i < std::min(all, (item + 1) * itemHeads); ++i)
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
