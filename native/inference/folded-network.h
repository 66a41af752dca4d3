// A network's trained weights with the plan's folds applied, as plain matrices: what a device packs
// in its own way. Parts are read one at a time, so that several threads may do several of them at
// once.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "../core/tensor-names.h"
#include "compiled-lifter.h"
#include "fold.h"

namespace pstmo::inference {

// A linear layer and the batch norm beside it; `norm` is empty where it is folded.
struct FoldedBlock {
  FoldedLinear linear;
  ChannelAffine norm;
};

struct FoldedLayer {
  int stride = 0;         // 0: plain; else `contract` has three taps, (width, hidden, 3)
  FoldedLinear parts[3];  // Q (scores come out for powers of two), K, V
  FoldedLinear output, expand, contract;
  std::vector<float> norms[2][2];  // a and b before attention and feed-forward; empty where folded
};

class FoldedNetwork {
 public:
  // centred: layer norms take a row's mean away before the product, so that it is not folded into
  // the weights.
  FoldedNetwork(const NetworkConfig& config, const PlanFolds& folds, bool centred,
                const TensorReader& read)
      : config_(config),
        strides_(aggregatorStrides(config.frames)),
        folds_(folds),
        centred_(centred),
        read_(read) {}

  // Of the spatial encoder: 2J -> twice the width, then two a residual block.
  FoldedBlock block(size_t index) const;
  size_t blocks() const { return static_cast<size_t>(1 + 2 * config_.mlpBlocks); }
  // The encoder's last product, and the position table (N, width) that its bias may have gone into.
  FoldedLinear project(std::vector<float>& positions) const;
  FoldedLayer layer(size_t index) const {
    return layer(tensor_names::layer(tensor_names::kTemporalStack, index), 0);
  }
  FoldedLayer aggregatorLayer(size_t index) const {
    return layer(tensor_names::layer(tensor_names::kAggregatorStack, index), strides_[index]);
  }
  // Before the aggregator's first three layers: (N, width), of which the first rows are added.
  std::vector<float> table(size_t index) const {
    return tensor(tensor_names::aggregatorPositions(index));
  }
  size_t tables() const { return std::min(strides_.size(), size_t{3}); }
  size_t aggregatorLayers() const { return strides_.size(); }
  FoldedBlock head() const;

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
  FoldedLayer layer(const tensor_names::Layer& names, int stride) const;

  const NetworkConfig& config_;
  const std::vector<int> strides_;
  const PlanFolds& folds_;
  const bool centred_;
  const TensorReader& read_;
};

}  // namespace pstmo::inference
