// A network's weights as the plan reads them: folded, in panels of the instruction set's width,
// rows and biases padded with zeros.
#pragma once

#include <string>
#include <vector>

#include "../../core/aligned-array.h"
#include "../../core/page-arena.h"
#include "../../core/rounding.h"
#include "../../core/thread-pool.h"
#include "../folded-network.h"
#include "kernels.h"

namespace pstmo::inference {

// Channels of a row in working memory: whole panels of any instruction set.
constexpr int kRowPadding = 32;
inline int paddedRow(int channels) { return roundUp(channels, kRowPadding); }

// The right side of a product.
struct PlanPanels {
  int inner = 0;  // as the left side's rows are padded
  int count = 0;  // panels
  bool bf16 = false;
  size_t panelBytes = 0;
  AlignedArray<char> data;  // of the weights' arena

  const void* panel(int index) const {
    return data.data() + panelBytes * static_cast<size_t>(index);
  }
};

// Without folds, `after` is a batch norm still to be applied to the product, `before` one to be
// applied to its input.
struct PlanLinear {
  PlanPanels panels;
  AlignedArray<float> bias;
  AlignedArray<float> normScale, normShift;  // empty where folded
};

struct PlanLayerWeights {
  int stride = 0;                // 0: plain
  PlanPanels heads;              // (heads, {Q, K, V}, panels of a head)
  AlignedArray<float> headBias;  // (heads, {Q, K, V}, padded head width)
  PlanLinear output, expand, contract;
  AlignedArray<float> norms[2][2];  // a and b before attention and feed-forward; empty where folded
};

struct PlanWeights {
  NetworkConfig config;
  PlanFolds folds;
  Precision precision;
  const Kernels& kernels;

  int headWidth, headPadded;       // channels of a head; rounded up to a panel
  int headPanels;                  // panels of each of Q, K, V of a head
  std::vector<PlanLinear> blocks;  // spatial encoder: the first, then two a residual block
  PlanLinear project;
  AlignedArray<float> positions;         // (N, padded width)
  std::vector<PlanLayerWeights> layers;  // temporal encoder
  std::vector<PlanLayerWeights> aggregator;
  std::vector<AlignedArray<float>> tables;  // (N, padded width) each
  PlanLinear head;

  PlanWeights(const NetworkConfig& config, const PlanFolds& folds, Precision precision,
              const Kernels& kernels, ThreadPool& pool, const TensorReader& read);
  bool bf16() const { return precision == Precision::bf16; }
  size_t bytes() const { return bytes_; }

 private:
  // Rows of a weight (out, in).
  struct Part {
    const float* weight;
    int out, in;
  };
  PlanPanels pack(const std::vector<Part>& parts, int inner, bool bf16, int taps = 1);
  AlignedArray<float> padded(const std::vector<float>& values, int rows, int columns,
                             int stride) const;
  // inner: floats of a row that the product reads.
  PlanLinear linear(const FoldedLinear& folded, int inner, bool bf16, int taps = 1);
  // With the batch norm beside it where that is not folded; `channels` of it.
  PlanLinear block(const FoldedBlock& folded, int inner, bool bf16, int channels);
  PlanLayerWeights layer(const FoldedLayer& folded);
  void countBytes();

  PageArena arena_;  // of all panels
  size_t bytes_ = 0;
};

}  // namespace pstmo::inference
