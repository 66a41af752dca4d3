// From all frames to the middle one (MOFA): strided Transformer layers, the first three with a
// learned table of positions each.
#pragma once

#include <array>
#include <vector>

#include "../pass.h"
#include "../weights/blueprint.h"
#include "transformer-layer.h"

namespace pstmo::network {

class FrameAggregator {
 public:
  explicit FrameAggregator(Blueprint& blueprint);

  // x (B, N, d), left as it is, to (B, 1, d).
  float* forward(const Pass& pass, const float* x, int batch);
  // dY (B, 1, d) to dX (B, N, d).
  float* backward(const Pass& pass, float* dY);
  const std::vector<TransformerLayer>& layers() const { return layers_; }

 private:
  int frames_, width_;
  std::array<Parameter, 3> tables_;
  std::vector<TransformerLayer> layers_;
  int batch_ = 0;
};

}  // namespace pstmo::network
