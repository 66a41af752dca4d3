// A network's folded weights in panels of the instruction set's width; rows and biases are padded
// with zeros.
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

// The right side of a matmul.
struct PackedMatrix {
  int inner = 0;  // as the left side's rows are padded
  int count = 0;  // panels
  bool bf16 = false;
  size_t panelBytes = 0;
  AlignedArray<char> data;  // of the weights' arena

  const void* panel(int index) const {
    return data.data() + panelBytes * static_cast<size_t>(index);
  }
};

struct PackedLinear {
  PackedMatrix panels;
  AlignedArray<float> bias;
};

struct PackedLayer {
  int stride = 0;                // 0: plain
  PackedMatrix heads;            // (heads, {Q, K, V}, panels of a head)
  AlignedArray<float> headBias;  // (heads, {Q, K, V}, padded head width)
  PackedLinear output, expand, contract;
};

struct PackedWeights {
  NetworkConfig config;
  Precision precision;
  const Kernels& kernels;

  int headWidth, headPadded;         // channels of a head; rounded up to a panel
  int headPanels;                    // panels of each of Q, K, V of a head
  std::vector<PackedLinear> blocks;  // spatial encoder: the first, then two a residual block
  PackedLinear project;
  AlignedArray<float> positions;    // (N, padded width)
  std::vector<PackedLayer> layers;  // temporal encoder
  std::vector<PackedLayer> aggregator;
  std::vector<AlignedArray<float>> tables;  // (N, padded width) each
  PackedLinear head;

  PackedWeights(const NetworkConfig& config, Precision precision, const Kernels& kernels,
                ThreadPool& pool, const TensorReader& read);
  bool bf16() const { return precision == Precision::bf16; }
  size_t bytes() const { return bytes_; }

 private:
  // Rows of a weight (out, in).
  struct Part {
    const float* weight;
    int out, in;
  };
  PackedMatrix pack(const std::vector<Part>& parts, int inner, bool bf16, int taps = 1);
  AlignedArray<float> padded(const std::vector<float>& values, int rows, int columns,
                             int stride) const;
  // inner: elements of a row that the matmul reads.
  PackedLinear linear(const FoldedLinear& folded, int inner, bool bf16, int taps = 1);
  PackedLayer layer(const FoldedLayer& folded);
  void countBytes();

  PageArena arena_;  // of all panels
  size_t bytes_ = 0;
};

}  // namespace pstmo::inference
