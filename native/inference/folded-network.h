// A network's trained weights with the plan's folds applied, as plain matrices: what a device packs
// in its own way. Parts are read one at a time, so that several threads may do several of them at
// once.
#pragma once

#include <string>
#include <vector>

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
  FoldedNetwork(const PlanConfig& config, const PlanFolds& folds, bool centred,
                const TensorReader& read)
      : config_(config), folds_(folds), centred_(centred), read_(read) {}

  // Of the spatial encoder: 2J -> twice the width, then two a residual block.
  FoldedBlock block(size_t index) const;
  size_t blocks() const { return static_cast<size_t>(1 + 2 * config_.mlpBlocks); }
  // The encoder's last product, and the position table (N, width) that its bias may have gone into.
  FoldedLinear project(std::vector<float>& positions) const;
  FoldedLayer layer(size_t index) const {
    return layer("Transformer.model.layers." + std::to_string(index), 0);
  }
  FoldedLayer aggregatorLayer(size_t index) const {
    return layer("Transformer_reduce.model.layers." + std::to_string(index),
                 config_.strides[index]);
  }
  // Before the aggregator's first three layers: (N, width), of which the first rows are added.
  std::vector<float> table(size_t index) const {
    return tensor("Transformer_reduce.model.pos_embedding_" + std::to_string(index + 1));
  }
  size_t tables() const { return config_.strides.size() < 3 ? config_.strides.size() : 3; }
  FoldedBlock head() const;

 private:
  std::vector<float> tensor(const std::string& name) const { return read_(name); }
  FoldedLinear linear(const std::string& name, int out, int in) const {
    return {out, in, tensor(name + ".weight"), tensor(name + ".bias")};
  }
  ChannelAffine batchNorm(const std::string& name) const {
    return channelAffine(tensor(name + ".weight"), tensor(name + ".bias"),
                         tensor(name + ".running_mean"), tensor(name + ".running_var"));
  }
  FoldedLayer layer(const std::string& name, int stride) const;

  const PlanConfig& config_;
  const PlanFolds& folds_;
  const bool centred_;
  const TensorReader& read_;
};

}  // namespace pstmo::inference
