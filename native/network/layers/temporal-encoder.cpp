#include "temporal-encoder.h"

namespace pstmo::network {

TemporalEncoder::TemporalEncoder(Blueprint& blueprint)
    : width_(blueprint.config.width),
      table_(blueprint.parameters.add({tensor_names::kTemporalPositions},
                                      {1, blueprint.config.frames, width_},
                                      Parameters::Initial::normal)),
      stack_(blueprint, tensor_names::kTemporalStack, blueprint.config.layers, width_,
             blueprint.config.hidden) {}

float* TemporalEncoder::forward(const Pass& pass, float* x, int batch, int tokens,
                                const int* positions) {
  batch_ = batch;
  tokens_ = tokens;
  positions_ = positions;
  pass.run(
      PositionsForward{batch, tokens, tokens, width_, x, table_.value(), nullptr, positions, x});
  return stack_.forward(pass, x, batch, tokens);
}

float* TemporalEncoder::backward(const Pass& pass, float* dY) {
  float* dX = stack_.backward(pass, dY);
  pass.run(PositionsBackward{batch_, tokens_, tokens_, width_, dX, nullptr, positions_, nullptr,
                             table_.gradient()});
  return dX;
}

}  // namespace pstmo::network
