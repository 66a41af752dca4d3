// The network in front of time (SEM): each frame's points (J, 2) to one token, the same weights for
// every frame.
#pragma once

#include <memory>
#include <vector>

#include "../pass.h"
#include "../weights/blueprint.h"
#include "transformer-layer.h"

namespace pstmo::network {

class SpatialEncoder {
 public:
  static std::unique_ptr<SpatialEncoder> make(Blueprint& blueprint);
  virtual ~SpatialEncoder() = default;

  // Channels of a token.
  virtual int width() const = 0;
  // x (frames, J, 2) to (frames, width).
  virtual float* forward(const Pass& pass, const float* x, int frames) = 0;
  // dX (frames, J, 2) = or null. dY is used up.
  virtual void backward(const Pass& pass, float* dY, float* dX) = 0;
  // Where the encoder attends over joints: its layers.
  virtual const std::vector<TransformerLayer>* attentionLayers() const { return nullptr; }
};

}  // namespace pstmo::network
