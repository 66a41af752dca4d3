#include "lifter.h"

namespace pstmo {

namespace {

// Mean joint distance; dPredicted = weight times its gradient, or null.
double poseLoss(const Pass& pass, int rows, int joints, const float* predicted, const float* target, float weight, float* dPredicted) {
  double loss = 0;
  const float applied = dPredicted != nullptr ? weight : 1.0f;
  pass.run(PoseLoss{rows, joints, 3, predicted, target, applied, &loss, dPredicted});
  return loss / static_cast<double>(applied);
}

}  // namespace

Lifter::Lifter(Blueprint& blueprint, Backend& backend)
    : config_(blueprint.config),
      poseWidth_(3 * config_.outputJoints),
      spatial_(SpatialEncoder::make(blueprint)),
      temporal_(config_.temporal ? std::make_optional<TemporalEncoder>(blueprint) : std::nullopt),
      aggregator_(config_.temporal && config_.aggregate ? std::make_optional<FrameAggregator>(blueprint) : std::nullopt),
      singleHead_(blueprint, "fcn", spatial_->width(), poseWidth_) {
  if (config_.temporal) multipleHead_.emplace(blueprint, "fcn_1", config_.width, poseWidth_);
  if (config_.refine) refiner_.emplace(blueprint);
  const int middle = config_.frames / 2;
  middle_ = DeviceArray<int>(backend, &middle, 1);
}

Lifter::Poses Lifter::forward(const Pass& pass, const WindowBatch& batch, bool everyFrame) {
  const int rows = batch.size * config_.frames;
  Poses poses;
  poses.single = pass.take(batch.size, poseWidth_);
  if (everyFrame || pass.training) poses.multiple = pass.take(rows, poseWidth_);
  if (refines() && batch.roots != nullptr) poses.refined = pass.take(batch.size, poseWidth_);

  const EvaluationScratch scratch(pass);
  float* tokens = spatial_->forward(pass, batch.keypoints, rows);
  if (!temporal_) {
    float* every = poses.multiple != nullptr ? poses.multiple : pass.take(rows, poseWidth_);
    singleHead_.forward(pass, tokens, rows, every);
    pass.run(PositionsForward{batch.size, config_.frames, 1, poseWidth_, every, nullptr, middle_.data(), nullptr, poses.single});
  } else {
    tokens = temporal_->forward(pass, tokens, batch.size, config_.frames, nullptr);
    const float* last;
    if (aggregator_) {
      last = aggregator_->forward(pass, tokens, batch.size);
    } else {
      float* gathered = pass.take(batch.size, config_.width);
      pass.run(PositionsForward{batch.size, config_.frames, 1, config_.width, tokens, nullptr, middle_.data(), nullptr, gathered});
      last = gathered;
    }
    singleHead_.forward(pass, last, batch.size, poses.single);
    if (poses.multiple != nullptr) multipleHead_->forward(pass, tokens, rows, poses.multiple);
  }
  if (poses.refined != nullptr) {
    refiner_->forward(pass, poses.single, batch.centre, batch.roots, batch.cameras, batch.size, poses.refined);
  }
  return poses;
}

Losses Lifter::learn(const Pass& pass, const WindowBatch& batch, const Poses& poses) {
  const int rows = batch.size * config_.frames, joints = config_.outputJoints;
  const bool refined = poses.refined != nullptr;
  const bool everyFrame = pass.training && !refined && config_.lossWeight > 0;
  float* target = pass.take(batch.size, poseWidth_);
  float* dSingle = pass.training ? pass.take(batch.size, poseWidth_) : nullptr;
  float* dMultiple = everyFrame ? pass.take(rows, poseWidth_) : nullptr;
  pass.run(PositionsForward{batch.size, config_.frames, 1, poseWidth_, batch.targets, nullptr, middle_.data(), nullptr, target});

  Losses losses;
  losses.single = poseLoss(pass, batch.size, joints, poses.single, target, 1, refined ? nullptr : dSingle);
  losses.multiple = poseLoss(pass, rows, joints, poses.multiple, batch.targets, config_.lossWeight, dMultiple);
  losses.total = losses.single + static_cast<double>(config_.lossWeight) * losses.multiple;
  if (refined) {
    float* dRefined = pass.training ? pass.take(batch.size, poseWidth_) : nullptr;
    losses.total = poseLoss(pass, batch.size, joints, poses.refined, target, 1, dRefined);
    if (pass.training) refiner_->backward(pass, dRefined, dSingle);
  }
  if (pass.training) backward(pass, batch.size, dSingle, dMultiple);
  return losses;
}

void Lifter::backward(const Pass& pass, int batch, const float* dSingle, const float* dMultiple) {
  const int rows = batch * config_.frames;
  float* dTokens;
  if (temporal_) {
    dTokens = encodeBackward(pass, batch, dSingle);
    if (dMultiple != nullptr) multipleHead_->backward(pass, dMultiple, dTokens, true);
    dTokens = temporal_->backward(pass, dTokens);
  } else {
    float* dEvery = pass.take(rows, poseWidth_);
    pass.run(PositionsBackward{batch, config_.frames, 1, poseWidth_, dSingle, middle_.data(), nullptr, dEvery, nullptr});
    if (dMultiple != nullptr) pass.run(AddForward{static_cast<size_t>(rows) * static_cast<size_t>(poseWidth_), dMultiple, dEvery});
    dTokens = pass.take(rows, spatial_->width());
    singleHead_.backward(pass, dEvery, dTokens, false);
  }
  spatial_->backward(pass, dTokens, nullptr);
}

// From the middle frame's pose back to TEM's output (B, N, d).
float* Lifter::encodeBackward(const Pass& pass, int batch, const float* dSingle) {
  float* dLast = pass.take(batch, config_.width);
  singleHead_.backward(pass, dSingle, dLast, false);
  if (aggregator_) return aggregator_->backward(pass, dLast);
  float* dTokens = pass.take(batch * config_.frames, config_.width);
  pass.run(PositionsBackward{batch, config_.frames, 1, config_.width, dLast, middle_.data(), nullptr, dTokens, nullptr});
  return dTokens;
}

const TransformerLayer* Lifter::attentionLayer(const std::string& module, int layer) const {
  const std::vector<TransformerLayer>* layers = nullptr;
  if (module == "tem" && temporal_) layers = &temporal_->layers();
  if (module == "mofa" && aggregator_) layers = &aggregator_->layers();
  if (module == "joints") layers = spatial_->attentionLayers();
  if (layers == nullptr || layer < 0 || static_cast<size_t>(layer) >= layers->size()) return nullptr;
  return &(*layers)[static_cast<size_t>(layer)];
}

}  // namespace pstmo
