// SEM as the paper's MLP block: points to 2d channels, L residual blocks of two layers, then to d.
// Each layer is a linear, batch norm, LeakyReLU and dropout. Without a temporal encoder behind it
// ("SEM only") the last linear is left out.
#pragma once

#include "spatial-encoder.h"

namespace pstmo::network {

class MlpEncoder : public SpatialEncoder {
 public:
  explicit MlpEncoder(Blueprint& blueprint);

  int width() const override { return projects_ ? out_ : inner_; }
  float* forward(const Pass& pass, const float* x, int frames) override;
  void backward(const Pass& pass, float* dY, float* dX) override;

 private:
  struct Block {
    int in = 0;
    LinearParameters linear;
    BatchNormParameters norm;
    uint32_t site = 0;
    // Of the last forward.
    ConstActivations x = {};
    Activations z = {};
    float* mean = nullptr;
    float* inverseStd = nullptr;
  };

  void add(Blueprint& blueprint, const tensor_names::Block& names, int in);
  void run(const Pass& pass, Block& block, const ConstActivations& x,
           const ConstActivations& residual, const Activations& y) const;
  void runBackward(const Pass& pass, const Block& block, const ConstActivations& dY,
                   const Activations& dX, bool accumulate) const;

  int inner_, out_;
  bool projects_;
  std::vector<Block> blocks_;  // the first, then two a residual block
  LinearParameters projection_;
  int frames_ = 0;
  ConstActivations projected_ = {};  // the projection's input
};

}  // namespace pstmo::network
