#include "joint-encoder.h"

namespace pstmo::network {

namespace {
constexpr int kLayers = 3;
}

JointEncoder::JointEncoder(Blueprint& blueprint)
    : joints_(blueprint.config.joints),
      jointWidth_(blueprint.config.width / joints_),
      embedding_(blueprint.parameters.addLinear(tensor_names::kJointEmbedding, jointWidth_, 2)),
      table_(blueprint.parameters.add({tensor_names::kJointPositions}, {1, joints_, jointWidth_},
                                      Parameters::Initial::normal)),
      stack_(blueprint, tensor_names::kJointStack, kLayers, jointWidth_, 2 * jointWidth_) {}

float* JointEncoder::forward(const Pass& pass, const float* x, int frames) {
  frames_ = frames;
  input_ = x;
  const int rows = frames * joints_;
  float* h = pass.take(rows, jointWidth_);
  pass.run(LinearForward{rows, 2, jointWidth_, x, embedding_.weight.value(),
                         embedding_.bias.value(), h});
  pass.run(PositionsForward{frames, joints_, joints_, jointWidth_, h, table_.value(), nullptr,
                            nullptr, h});
  return stack_.forward(pass, h, frames, joints_);
}

void JointEncoder::backward(const Pass& pass, float* dY, float* dX) {
  const ArenaScope scratch(pass.arena);
  const int rows = frames_ * joints_;
  const float* dH = stack_.backward(pass, dY);
  pass.run(PositionsBackward{frames_, joints_, joints_, jointWidth_, dH, nullptr, nullptr, nullptr,
                             table_.gradient()});
  pass.run(LinearBackward{rows, 2, jointWidth_, dH, input_, embedding_.weight.value(), dX,
                          embedding_.weight.gradient(), embedding_.bias.gradient()});
}

}  // namespace pstmo::network
