#include "masked-pose-model.h"

#include <algorithm>
#include <vector>

#include "../core/error.h"

namespace pstmo::network {

MaskedPoseModel::MaskedPoseModel(Blueprint& blueprint)
    : config_(blueprint.config),
      width_(config_.width),
      decoderWidth_(config_.width / 2),
      pointWidth_(2 * config_.joints),
      spatial_(SpatialEncoder::make(blueprint)),
      temporal_(blueprint),
      norm_(blueprint.parameters.addLayerNorm(tensor_names::kDecoderNorm, width_)),
      toDecoder_(blueprint.parameters.add({tensor_names::weight(tensor_names::kDecoderProjection)},
                                          {decoderWidth_, width_}, Parameters::Initial::uniform,
                                          width_)),
      table_(blueprint.parameters.add({tensor_names::kDecoderPositions},
                                      {1, config_.frames, decoderWidth_},
                                      Parameters::Initial::normal)),
      frameToken_(blueprint.parameters.add({tensor_names::kFrameToken}, {1, 1, decoderWidth_},
                                           Parameters::Initial::normal)),
      jointToken_(blueprint.parameters.add({tensor_names::kJointToken}, {1, 1, 2},
                                           Parameters::Initial::normal)),
      decoder_(blueprint, tensor_names::kDecoderStack, config_.decoderLayers, decoderWidth_,
               config_.hidden / 2),
      head_(blueprint, tensor_names::kReconstructionHead, decoderWidth_, pointWidth_) {}

void MaskedPoseModel::forward(const Pass& pass, const float* keypoints, float* output) {
  keypoints_ = keypoints;
  const int batch = batch_, frames = config_.frames, seen = batch * visible_;
  const EvaluationScope scratch(pass);
  const float* x = keypoints;
  if (jointMask_ != nullptr) {
    float* hidden = pass.take(batch * frames, pointWidth_);
    pass.run(JointMaskForward{batch, frames, config_.joints, keypoints, jointMask_,
                              jointToken_.value(), hidden});
    x = hidden;
  }
  tokens_ = encode(pass, x);
  normed_ = pass.takeNarrow(seen, width_);
  mean_ = pass.take(seen, 1);
  std_ = pass.take(seen, 1);
  float* narrow = pass.take(seen, decoderWidth_);
  float* decoded = pass.take(batch * frames, decoderWidth_);
  pass.run(LayerNormForward{seen, width_, tokens_, norm_.a.value(), norm_.b.value(), normed_, mean_,
                            std_});
  pass.run(
      LinearForward{seen, width_, decoderWidth_, normed_, toDecoder_.value(), nullptr, narrow});
  pass.run(DecoderInputForward{batch, visible_, frames, decoderWidth_, narrow, frameToken_.value(),
                               table_.value(), order_, decoded});
  decoded = decoder_.forward(pass, decoded, batch, frames);
  head_.forward(pass, decoded, batch * frames, output);
}

float* MaskedPoseModel::prepare(const Pass& pass, int batch, const Masks& masks) {
  batch_ = batch;
  const size_t frames = static_cast<size_t>(config_.frames),
               points = frames * static_cast<size_t>(config_.joints);
  std::vector<int> order;
  for (const bool hidden : {false, true}) {
    for (size_t i = 0; i < frames; ++i) {
      if ((masks.frames != nullptr && masks.frames[i] != 0) == hidden)
        order.push_back(static_cast<int>(i));
    }
    if (!hidden) visible_ = static_cast<int>(order.size());
  }
  if (visible_ == 0)
    throw Error("ERR_ARGUMENT", "masked: at least one visible frame expected, got none.");
  order_ = pass.arena.take<int>(frames);
  pass.copyIn(order_, order.data(), frames);
  jointMask_ = nullptr;
  if (masks.joints != nullptr && std::any_of(masks.joints, masks.joints + points,
                                             [](uint8_t hidden) { return hidden != 0; })) {
    jointMask_ = pass.arena.take<uint8_t>(points);
    pass.copyIn(jointMask_, masks.joints, points);
  }
  return pass.take(batch * config_.frames, pointWidth_);
}

// To the visible frames' tokens (B, visible, d). SEM sees the visible frames alone, or all as in
// the authors' program.
float* MaskedPoseModel::encode(const Pass& pass, const float* x) {
  const int frames = config_.frames;
  if (config_.semVisibleOnly) {
    float* shown = pass.take(batch_ * visible_, pointWidth_);
    pass.run(PositionsForward{batch_, frames, visible_, pointWidth_, x, nullptr, order_, nullptr,
                              shown});
    return temporal_.forward(pass, spatial_->forward(pass, shown, batch_ * visible_), batch_,
                             visible_, order_);
  }
  const float* every = spatial_->forward(pass, x, batch_ * frames);
  float* tokens = pass.take(batch_ * visible_, width_);
  pass.run(
      PositionsForward{batch_, frames, visible_, width_, every, nullptr, order_, nullptr, tokens});
  return temporal_.forward(pass, tokens, batch_, visible_, order_);
}

void MaskedPoseModel::learn(const Pass& pass, const float* reconstruction, const LossCells& cells) {
  const int rows = batch_ * config_.frames;
  float* target = pass.take(rows, pointWidth_);
  float* dOutput = pass.training ? pass.take(rows, pointWidth_) : nullptr;
  pass.run(PositionsForward{batch_, config_.frames, config_.frames, pointWidth_, keypoints_,
                            nullptr, order_, nullptr, target});
  pass.run(PoseLoss{rows, config_.joints, 2, reconstruction, target, 1, cells.single, dOutput});
  if (pass.training) backward(pass, dOutput);
}

void MaskedPoseModel::backward(const Pass& pass, const float* dOutput) {
  const int frames = config_.frames, seen = batch_ * visible_;
  float* dDecoded = pass.take(batch_ * frames, decoderWidth_);
  float* dNarrow = pass.take(seen, decoderWidth_);
  const Activations dNormed = pass.takeNarrow(seen, width_);
  float* dTokens = pass.take(seen, width_);
  head_.backward(pass, dOutput, dDecoded, false);
  dDecoded = decoder_.backward(pass, dDecoded);
  pass.run(DecoderInputBackward{batch_, visible_, frames, decoderWidth_, dDecoded, order_, dNarrow,
                                frameToken_.gradient(), table_.gradient()});
  pass.run(LinearBackward{seen, width_, decoderWidth_, dNarrow, normed_, toDecoder_.value(),
                          dNormed, toDecoder_.gradient(), nullptr});
  pass.run(LayerNormBackward{seen, width_, dNormed, tokens_, norm_.a.value(), mean_, std_, dTokens,
                             norm_.a.gradient(), norm_.b.gradient()});
  encodeBackward(pass, temporal_.backward(pass, dTokens));
}

void MaskedPoseModel::encodeBackward(const Pass& pass, float* dTokens) {
  const int frames = config_.frames;
  float* dX = jointMask_ != nullptr ? pass.take(batch_ * frames, pointWidth_) : nullptr;
  if (config_.semVisibleOnly) {
    float* dShown = dX != nullptr ? pass.take(batch_ * visible_, pointWidth_) : nullptr;
    spatial_->backward(pass, dTokens, dShown);
    if (dX != nullptr)
      pass.run(PositionsBackward{batch_, frames, visible_, pointWidth_, dShown, order_, nullptr, dX,
                                 nullptr});
  } else {
    float* dEvery = pass.take(batch_ * frames, width_);
    pass.run(PositionsBackward{batch_, frames, visible_, width_, dTokens, order_, nullptr, dEvery,
                               nullptr});
    spatial_->backward(pass, dEvery, dX);
  }
  if (dX != nullptr)
    pass.run(
        JointMaskBackward{batch_, frames, config_.joints, dX, jointMask_, jointToken_.gradient()});
}

const TransformerLayer* MaskedPoseModel::attentionLayer(const std::string& module,
                                                        int layer) const {
  const std::vector<TransformerLayer>* layers = nullptr;
  if (module == "tem") layers = &temporal_.layers();
  if (module == "decoder") layers = &decoder_.layers();
  if (module == "joints") layers = spatial_->attentionLayers();
  if (layers == nullptr || layer < 0 || static_cast<size_t>(layer) >= layers->size())
    return nullptr;
  return &(*layers)[static_cast<size_t>(layer)];
}

}  // namespace pstmo::network
