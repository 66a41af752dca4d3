// The Transformer over frames (TEM): a learned table of positions, then plain layers.
#pragma once

#include "../pass.h"
#include "../weights/blueprint.h"
#include "transformer-layer.h"

namespace pstmo::network {

class TemporalEncoder {
 public:
  explicit TemporalEncoder(Blueprint& blueprint);

  // x (B, tokens, d), written over. positions: the frame of each token, on the device; null: 0, 1,
  // 2, ...
  float* forward(const Pass& pass, float* x, int batch, int tokens, const int* positions);
  // dY to dX in place.
  float* backward(const Pass& pass, float* dY);
  const std::vector<TransformerLayer>& layers() const { return stack_.layers(); }

 private:
  int width_;
  Parameter table_;
  TransformerStack stack_;
  int batch_ = 0, tokens_ = 0;
  const int* positions_ = nullptr;
};

}  // namespace pstmo::network
