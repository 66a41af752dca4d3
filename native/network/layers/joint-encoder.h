// SEM as a Transformer over the joints of a frame (Table 4): each point to d / J channels, a
// learned table of joints added, three plain layers, then the joints side by side as one token of d
// channels.
#pragma once

#include "spatial-encoder.h"

namespace pstmo::network {

class JointEncoder : public SpatialEncoder {
 public:
  explicit JointEncoder(Blueprint& blueprint);

  int width() const override { return joints_ * jointWidth_; }
  float* forward(const Pass& pass, const float* x, int frames) override;
  void backward(const Pass& pass, float* dY, float* dX) override;
  const std::vector<TransformerLayer>* attentionLayers() const override { return &stack_.layers(); }

 private:
  int joints_, jointWidth_;
  LinearParameters embedding_;
  Parameter table_;
  TransformerStack stack_;
  int frames_ = 0;
  const float* input_ = nullptr;
};

}  // namespace pstmo::network
