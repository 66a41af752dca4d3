// Stage I (masked pose modelling): frames and joints of 2D sequences are hidden, the network gives the whole sequence back.
#pragma once

#include <memory>
#include <string>

#include "blueprint.h"
#include "lifter.h"
#include "pass.h"
#include "pose-head.h"
#include "spatial-encoder.h"
#include "temporal-encoder.h"
#include "transformer-layer.h"

namespace pstmo {

class MaskedPoseModel {
 public:
  // Host memory; null: nothing hidden.
  struct Masks {
    const uint8_t* frames = nullptr;  // (N)
    const uint8_t* joints = nullptr;  // (N, J)
  };

  explicit MaskedPoseModel(Blueprint& blueprint);

  // keypoints (B, N, J, 2) to (B, N, J, 2): visible frames first, then the masked ones.
  float* forward(const Pass& pass, const float* keypoints, int batch, const Masks& masks);
  // The loss of a reconstruction, against the keypoints of the forward before it; in training also the gradients of the parameters.
  Losses learn(const Pass& pass, const float* reconstruction);

  const TransformerLayer* attentionLayer(const std::string& module, int layer) const;

 private:
  void hide(const Pass& pass, const Masks& masks);
  float* encode(const Pass& pass, const float* x);
  void backward(const Pass& pass, const float* dOutput);
  void encodeBackward(const Pass& pass, float* dTokens);

  const NetworkConfig& config_;
  int width_, decoderWidth_, pointWidth_;  // d, d / 2, 2 J
  std::unique_ptr<SpatialEncoder> spatial_;
  TemporalEncoder temporal_;
  LayerNormParameters norm_;
  Parameter toDecoder_, table_, frameToken_, jointToken_;
  TransformerStack decoder_;
  PoseHead head_;

  // Of the last forward.
  int batch_ = 0, visible_ = 0;
  int* order_ = nullptr;          // (N) on the device: visible frames, then masked ones
  uint8_t* jointMask_ = nullptr;  // (N, J) on the device, or null
  const float* keypoints_ = nullptr;
  float* tokens_ = nullptr;
  float* normed_ = nullptr;
  float* mean_ = nullptr;
  float* std_ = nullptr;
};

}  // namespace pstmo
