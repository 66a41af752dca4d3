// From tokens to poses: batch norm, then one linear layer to joints x coordinates.
#pragma once

#include <string>

#include "../pass.h"
#include "../weights/blueprint.h"

namespace pstmo::network {

class PoseHead {
 public:
  PoseHead(Blueprint& blueprint, const std::string& name, int in, int out);

  // x (rows, in) to y (rows, out).
  void forward(const Pass& pass, const float* x, int rows, float* y);
  // dX (rows, in) =, or += if accumulate.
  void backward(const Pass& pass, const float* dY, float* dX, bool accumulate) const;

 private:
  int in_, out_;
  BatchNormParameters norm_;
  LinearParameters linear_;
  int rows_ = 0;
  const float* input_ = nullptr;
  float* normed_ = nullptr;
  float* mean_ = nullptr;
  float* inverseStd_ = nullptr;
};

}  // namespace pstmo::network
