// A pass through the network, as every layer sees it: the device, the memory, and the random state
// of dropout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../core/arena.h"
#include "../ops/backend.h"

namespace pstmo::network {

// Attention weights wanted from one layer.
struct AttentionWatch {
  const void* layer = nullptr;
  int tokens = 0;
  std::vector<float> maps;
};

struct Pass {
  Backend& backend;
  Arena& arena;
  bool training = false;
  float dropoutRate = 0;  // of the configuration; evaluation drops nothing
  uint64_t seed = 0;
  uint32_t step = 0;
  AttentionWatch* watch = nullptr;
  bool dryRun = false;  // takes the memory that a pass would and computes nothing

  float* take(size_t rows, size_t channels) const { return arena.take<float>(rows * channels); }
  // Of a branch: in bfloat16 where the device keeps such arrays so.
  Activations takeNarrow(size_t rows, size_t channels) const {
    const Storage storage = backend.branchStorage();
    return {arena.take<std::byte>(rows * channels * static_cast<size_t>(bytesOf(storage))),
            storage};
  }

  Dropout dropout(uint32_t site) const { return dropout(site, dropoutRate); }
  Dropout dropout(uint32_t site, float rate) const {
    return {training ? rate : 0.0f, seed, step, site};
  }

  template <typename Op>
  void run(const Op& op) const {
    if (!dryRun) backend.run(op);
  }
  template <typename T>
  void copyIn(T* device, const T* host, size_t count) const {
    if (!dryRun) backend.copyIn(device, host, count * sizeof(T));
  }

  // The way back through a dropout that ends a residual branch: dY itself where nothing is dropped.
  ConstActivations throughDropout(const float* dY, int rows, int channels, uint32_t site) const {
    const Dropout mask = dropout(site);
    if (!mask.active()) return dY;
    const Activations dX = takeNarrow(static_cast<size_t>(rows), static_cast<size_t>(channels));
    run(DropoutBackward{rows, channels, dY, dX, mask});
    return dX;
  }
};

// Gives memory that was taken inside a block back at its end.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ~ArenaScope() { arena_.release(mark_); }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

// The same in evaluation alone: training keeps the memory for backward.
class EvaluationScope {
 public:
  explicit EvaluationScope(const Pass& pass) : pass_(pass), mark_(pass.arena.mark()) {}
  ~EvaluationScope() {
    if (!pass_.training) pass_.arena.release(mark_);
  }
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;

 private:
  const Pass& pass_;
  Arena::Mark mark_;
};

}  // namespace pstmo::network
