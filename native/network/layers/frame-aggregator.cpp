#include "frame-aggregator.h"

namespace pstmo::network {

FrameAggregator::FrameAggregator(Blueprint& blueprint)
    : frames_(blueprint.config.frames), width_(blueprint.config.width) {
  for (size_t i = 0; i < tables_.size(); ++i) {
    tables_[i] = blueprint.parameters.add({tensor_names::aggregatorPositions(i)},
                                          {1, frames_, width_}, Parameters::Initial::normal);
  }
  for (const int stride : aggregatorStrides(frames_)) {
    layers_.emplace_back(blueprint,
                         tensor_names::layer(tensor_names::kAggregatorStack, layers_.size()),
                         width_, blueprint.config.hidden, stride);
  }
  blueprint.parameters.addUnusedLayerNorm(tensor_names::unusedNorm(tensor_names::kAggregatorStack),
                                          width_);
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
