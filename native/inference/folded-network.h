// A network's trained weights, folded, as plain matrices that each device packs in its own layout.
// Parts are read one at a time, so several threads may fold at once.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "../core/tensor-names.h"
#include "compiled-lifter.h"
#include "fold.h"

namespace pstmo::inference {

// A Transformer layer; its layer norms' scale and shift are in the weights.
struct FoldedLayer {
  int stride = 0;         // 0: plain; else `contract` has three taps, (width, hidden, 3)
  FoldedLinear parts[3];  // Q (scores come out for powers of two), K, V
  FoldedLinear output, expand, contract;
};

class FoldedNetwork {
 public:
  // centred: layer norms subtract a row's mean before the matmul; else the weights do.
  FoldedNetwork(const NetworkConfig& config, bool centred, const TensorReader& read)
      : config_(config),
        strides_(aggregatorStrides(config.frames)),
        centred_(centred),
        read_(read) {}

  // Of the spatial encoder: 2J -> twice the width, then two a residual block.
  FoldedLinear block(size_t index) const;
  size_t blocks() const { return static_cast<size_t>(1 + 2 * config_.mlpBlocks); }
  // The encoder's last matmul, and the position table (N, width) that holds its bias.
  FoldedLinear project(std::vector<float>& positions) const;
  FoldedLayer layer(size_t index) const {
    return layer(tensor_names::layer(tensor_names::kTemporalStack, index), 0);
  }
  FoldedLayer aggregatorLayer(size_t index) const {
    return layer(tensor_names::layer(tensor_names::kAggregatorStack, index), strides_[index]);
  }
  size_t aggregatorLayers() const { return strides_.size(); }
  // Before the aggregator's first three layers: (N, width), of which the first rows are added.
  std::vector<float> table(size_t index) const {
    return tensor(tensor_names::aggregatorPositions(index));
  }
  size_t tables() const { return std::min(strides_.size(), size_t{3}); }
  FoldedLinear head() const;

 private:
  std::vector<float> tensor(const std::string& name) const { return read_(name); }
  FoldedLinear linear(const std::string& name, int out, int in) const {
    return {out, in, tensor(tensor_names::weight(name)), tensor(tensor_names::bias(name))};
  }
  ChannelAffine batchNorm(const std::string& name) const {
    return channelAffine(tensor(tensor_names::weight(name)), tensor(tensor_names::bias(name)),
                         tensor(tensor_names::runningMean(name)),
                         tensor(tensor_names::runningVariance(name)));
  }
  void foldNorm(const std::string& name, FoldedLinear& linear) const;
  FoldedLayer layer(const tensor_names::Layer& names, int stride) const;

  const NetworkConfig& config_;
  const std::vector<int> strides_;
  const bool centred_;
  const TensorReader& read_;
};

}  // namespace pstmo::inference
