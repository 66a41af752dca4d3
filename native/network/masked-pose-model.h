// Stage I (masked pose modelling): frames and joints of 2D sequences are hidden, the network gives
// the whole sequence back.
#pragma once

#include <memory>
#include <string>

#include "layers/pose-head.h"
#include "layers/spatial-encoder.h"
#include "layers/temporal-encoder.h"
#include "layers/transformer-layer.h"
#include "lifter.h"
#include "pass.h"
#include "weights/blueprint.h"

namespace pstmo::network {

class MaskedPoseModel {
 public:
  // Host memory; null: nothing hidden.
  struct Masks {
    const uint8_t* frames = nullptr;  // (N)
    const uint8_t* joints = nullptr;  // (N, J)
  };

  explicit MaskedPoseModel(Blueprint& blueprint);

  // Sets the masks of the next forward, and takes memory for its output.
  float* prepare(const Pass& pass, int batch, const Masks& masks);
  // Number of visible frames, and whether joints are hidden: they give the shape of a pass.
  int visible() const { return visible_; }
  bool hidesJoints() const { return jointMask_ != nullptr; }
  // keypoints (B, N, J, 2) to `output` (B, N, J, 2): visible frames first, then the masked ones.
  void forward(const Pass& pass, const float* keypoints, float* output);
  // The loss of a reconstruction against the keypoints of the forward before it, += to a cell; in
  // training also the gradients of the parameters.
  void learn(const Pass& pass, const float* reconstruction, const LossCells& cells);

  const TransformerLayer* attentionLayer(const std::string& module, int layer) const;

 private:
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
  Activations normed_ = {};
  float* mean_ = nullptr;
  float* std_ = nullptr;
};

}  // namespace pstmo::network
