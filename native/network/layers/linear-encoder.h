// SEM as one linear layer (Table 4 "fc", Table 3 "TEM only"): the points of a frame to d channels.
#pragma once

#include "spatial-encoder.h"

namespace pstmo::network {

class LinearEncoder : public SpatialEncoder {
 public:
  explicit LinearEncoder(Blueprint& blueprint)
      : in_(2 * blueprint.config.joints),
        out_(blueprint.config.width),
        linear_(blueprint.parameters.addLinear(tensor_names::kLinearEncoder, out_, in_, 1)) {}

  int width() const override { return out_; }

  float* forward(const Pass& pass, const float* x, int frames) override {
    frames_ = frames;
    input_ = x;
    float* y = pass.take(frames, out_);
    pass.run(LinearForward{frames, in_, out_, x, linear_.weight.value(), linear_.bias.value(), y});
    return y;
  }

  void backward(const Pass& pass, float* dY, float* dX) override {
    pass.run(LinearBackward{frames_, in_, out_, dY, input_, linear_.weight.value(), dX,
                            linear_.weight.gradient(), linear_.bias.gradient()});
  }

 private:
  int in_, out_;
  LinearParameters linear_;
  int frames_ = 0;
  const float* input_ = nullptr;
};

}  // namespace pstmo::network
