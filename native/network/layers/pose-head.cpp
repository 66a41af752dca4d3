#include "pose-head.h"

namespace pstmo::network {

PoseHead::PoseHead(Blueprint& blueprint, const std::string& name, int in, int out)
    : in_(in),
      out_(out),
      norm_(blueprint.parameters.addBatchNorm(tensor_names::head(name).batchNorm, in)),
      linear_(blueprint.parameters.addLinear(tensor_names::head(name).linear, out, in, 1)) {}

void PoseHead::forward(const Pass& pass, const float* x, int rows, float* y) {
  const EvaluationScope scratch(pass);
  rows_ = rows;
  input_ = x;
  normed_ = pass.take(rows, in_);
  mean_ = pass.take(in_, 1);
  inverseStd_ = pass.take(in_, 1);
  pass.run(BatchNormForward{rows, in_, x, norm_.gamma.value(), norm_.beta.value(),
                            norm_.runningMean.value(), norm_.runningVariance.value(), mean_,
                            inverseStd_, normed_, pass.training});
  pass.run(
      LinearForward{rows, in_, out_, normed_, linear_.weight.value(), linear_.bias.value(), y});
}

void PoseHead::backward(const Pass& pass, const float* dY, float* dX, bool accumulate) const {
  const ArenaScope scratch(pass.arena);
  float* dNormed = pass.take(rows_, in_);
  pass.run(LinearBackward{rows_, in_, out_, dY, normed_, linear_.weight.value(), dNormed,
                          linear_.weight.gradient(), linear_.bias.gradient()});
  pass.run(BatchNormBackward{rows_, in_, dNormed, input_, norm_.gamma.value(), mean_, inverseStd_,
                             dX, norm_.gamma.gradient(), norm_.beta.gradient(), accumulate});
}

}  // namespace pstmo::network
