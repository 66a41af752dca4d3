#include "lifter.h"

namespace pstmo::network {

Lifter::Lifter(Blueprint& blueprint, Backend& backend)
    : config_(blueprint.config),
      poseWidth_(3 * config_.outputJoints),
      spatial_(SpatialEncoder::make(blueprint)),
      temporal_(config_.temporal ? std::make_optional<TemporalEncoder>(blueprint) : std::nullopt),
      aggregator_(config_.temporal && config_.aggregate
                      ? std::make_optional<FrameAggregator>(blueprint)
                      : std::nullopt),
      singleHead_(blueprint, tensor_names::kSingleHead, spatial_->width(), poseWidth_) {
  if (config_.temporal)
    multipleHead_.emplace(blueprint, tensor_names::kMultipleHead, config_.width, poseWidth_);
  if (config_.refine) refiner_.emplace(blueprint);
  const int middle = config_.frames / 2;
  middle_ = DeviceArray<int>(backend, &middle, 1);
}

Lifter::Poses Lifter::takePoses(const Pass& pass, const WindowBatch& batch, bool everyFrame) const {
  Poses poses;
  poses.single = pass.take(batch.size, poseWidth_);
  if (everyFrame || pass.training)
    poses.multiple = pass.take(batch.size * config_.frames, poseWidth_);
  if (refines() && batch.roots != nullptr) poses.refined = pass.take(batch.size, poseWidth_);
  return poses;
}

void Lifter::forward(const Pass& pass, const WindowBatch& batch, const Poses& poses) {
  const int rows = batch.size * config_.frames;
  const EvaluationScope scratch(pass);
  float* tokens = spatial_->forward(pass, batch.keypoints, rows);
  if (!temporal_) {
    float* every = poses.multiple != nullptr ? poses.multiple : pass.take(rows, poseWidth_);
    singleHead_.forward(pass, tokens, rows, every);
    pass.run(PositionsForward{batch.size, config_.frames, 1, poseWidth_, every, nullptr,
                              middle_.data(), nullptr, poses.single});
  } else {
    tokens = temporal_->forward(pass, tokens, batch.size, config_.frames, nullptr);
    const float* last;
    if (aggregator_) {
      last = aggregator_->forward(pass, tokens, batch.size);
    } else {
      float* gathered = pass.take(batch.size, config_.width);
      pass.run(PositionsForward{batch.size, config_.frames, 1, config_.width, tokens, nullptr,
                                middle_.data(), nullptr, gathered});
      last = gathered;
    }
    singleHead_.forward(pass, last, batch.size, poses.single);
    if (poses.multiple != nullptr) multipleHead_->forward(pass, tokens, rows, poses.multiple);
  }
}

void Lifter::refine(const Pass& pass, const WindowBatch& batch, const Poses& poses) {
  if (poses.refined == nullptr) return;
  refiner_->forward(pass, poses.single, batch.centre, batch.roots, batch.cameras, batch.size,
                    poses.refined);
}

void Lifter::learn(const Pass& pass, const WindowBatch& batch, const Poses& poses,
                   const LossCells& cells) {
  const int rows = batch.size * config_.frames, joints = config_.outputJoints;
  const bool refined = poses.refined != nullptr,
             everyFrame = learnsEveryFrame(pass.training, refined);
  float* target = pass.take(batch.size, poseWidth_);
  float* dSingle = pass.training ? pass.take(batch.size, poseWidth_) : nullptr;
  float* dMultiple = everyFrame ? pass.take(rows, poseWidth_) : nullptr;
  pass.run(PositionsForward{batch.size, config_.frames, 1, poseWidth_, batch.targets, nullptr,
                            middle_.data(), nullptr, target});
  pass.run(PoseLoss{batch.size, joints, 3, poses.single, target, 1, cells.single,
                    refined ? nullptr : dSingle});
  pass.run(PoseLoss{rows, joints, 3, poses.multiple, batch.targets,
                    everyFrame ? config_.lossWeight : 1, cells.multiple, dMultiple});
  if (refined) {
    float* dRefined = pass.training ? pass.take(batch.size, poseWidth_) : nullptr;
    pass.run(PoseLoss{batch.size, joints, 3, poses.refined, target, 1, cells.refined, dRefined});
    if (pass.training) refiner_->backward(pass, dRefined, dSingle);
  }
  if (pass.training) backward(pass, batch.size, dSingle, dMultiple);
}

Losses Lifter::lossesOf(const double* cells, bool training, bool refined) const {
  const double weight = static_cast<double>(config_.lossWeight);
  Losses losses;
  losses.single = cells[0];
  losses.multiple = learnsEveryFrame(training, refined) ? cells[1] / weight : cells[1];
  losses.total = refined ? cells[2] : losses.single + weight * losses.multiple;
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
    pass.run(PositionsBackward{batch, config_.frames, 1, poseWidth_, dSingle, middle_.data(),
                               nullptr, dEvery, nullptr});
    if (dMultiple != nullptr)
      pass.run(AddForward{static_cast<size_t>(rows) * static_cast<size_t>(poseWidth_), dMultiple,
                          dEvery});
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
  pass.run(PositionsBackward{batch, config_.frames, 1, config_.width, dLast, middle_.data(),
                             nullptr, dTokens, nullptr});
  return dTokens;
}

const TransformerLayer* Lifter::attentionLayer(const std::string& module, int layer) const {
  const std::vector<TransformerLayer>* layers = nullptr;
  if (module == "tem" && temporal_) layers = &temporal_->layers();
  if (module == "mofa" && aggregator_) layers = &aggregator_->layers();
  if (module == "joints") layers = spatial_->attentionLayers();
  if (layers == nullptr || layer < 0 || static_cast<size_t>(layer) >= layers->size())
    return nullptr;
  return &(*layers)[static_cast<size_t>(layer)];
}

}  // namespace pstmo::network
