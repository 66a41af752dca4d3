#include "frame-aggregator.h"

#include <string>

namespace pstmo::network {

std::vector<int> FrameAggregator::strides(int frames) {
  switch (frames) {
    case 9:
      return {1, 3, 3};
    case 27:
      return {3, 3, 3};
    case 81:
      return {3, 3, 3, 3};
    case 243:
      return {3, 3, 3, 3, 3};
    case 351:
      return {3, 9, 13};
    default:
      return {};
  }
}

FrameAggregator::FrameAggregator(Blueprint& blueprint)
    : frames_(blueprint.config.frames), width_(blueprint.config.width) {
  const std::string name = "Transformer_reduce.model";
  for (size_t i = 0; i < tables_.size(); ++i) {
    tables_[i] = blueprint.parameters.add({name + ".pos_embedding_" + std::to_string(i + 1)},
                                          {1, frames_, width_}, Parameters::Initial::normal);
  }
  for (const int stride : strides(frames_)) {
    layers_.emplace_back(blueprint, name + ".layers." + std::to_string(layers_.size()), width_,
                         blueprint.config.hidden, stride);
  }
  blueprint.parameters.addUnusedLayerNorm(name + ".norm", width_);
}

float* FrameAggregator::forward(const Pass& pass, const float* x, int batch) {
  batch_ = batch;
  int tokens = frames_;
  float* h = pass.take(batch * tokens, width_);
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (i < tables_.size()) {
      const float* from = i == 0 ? x : h;
      pass.run(PositionsForward{batch, tokens, tokens, width_, from, tables_[i].value(), nullptr,
                                nullptr, h});
    }
    h = layers_[i].forward(pass, h, batch, tokens);
    tokens = layers_[i].tokensAfter(tokens);
  }
  return h;
}

float* FrameAggregator::backward(const Pass& pass, float* dY) {
  std::vector<int> tokens = {frames_};
  for (const TransformerLayer& layer : layers_) tokens.push_back(layer.tokensAfter(tokens.back()));
  for (size_t i = layers_.size(); i-- > 0;) {
    dY = layers_[i].backward(pass, dY);
    if (i < tables_.size()) {
      pass.run(PositionsBackward{batch_, tokens[i], tokens[i], width_, dY, nullptr, nullptr,
                                 nullptr, tables_[i].gradient()});
    }
  }
  return dY;
}

}  // namespace pstmo::network
