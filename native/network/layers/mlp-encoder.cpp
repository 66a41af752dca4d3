#include "mlp-encoder.h"

namespace pstmo::network {

MlpEncoder::MlpEncoder(Blueprint& blueprint)
    : inner_(2 * blueprint.config.width),
      out_(blueprint.config.width),
      projects_(blueprint.config.temporal) {
  for (int i = 0; i < 1 + 2 * blueprint.config.mlpBlocks; ++i)
    add(blueprint, tensor_names::mlpBlock(static_cast<size_t>(i)),
        i == 0 ? 2 * blueprint.config.joints : inner_);
  if (projects_) {
    projection_ = blueprint.parameters.addLinear(tensor_names::kMlpProjection, out_, inner_, 1);
  }
}

void MlpEncoder::add(Blueprint& blueprint, const tensor_names::Block& names, int in) {
  Block block;
  block.in = in;
  block.linear = blueprint.parameters.addLinear(names.linear, inner_, in, 1);
  block.norm = blueprint.parameters.addBatchNorm(names.batchNorm, inner_);
  block.site = blueprint.nextSite();
  blocks_.push_back(block);
}

float* MlpEncoder::forward(const Pass& pass, const float* x, int frames) {
  frames_ = frames;
  float* y = pass.take(frames, width());
  const EvaluationScope scratch(pass);
  Activations h = pass.takeNarrow(frames, inner_);
  run(pass, blocks_[0], x, {}, h);
  for (size_t i = 1; i + 1 < blocks_.size(); i += 2) {
    const bool last = i + 2 == blocks_.size();
    const Activations inside = pass.takeNarrow(frames, inner_);
    const Activations after = last && !projects_ ? Activations(y) : pass.takeNarrow(frames, inner_);
    run(pass, blocks_[i], h, {}, inside);
    run(pass, blocks_[i + 1], inside, h, after);
    h = after;
  }
  if (projects_) {
    projected_ = h;
    pass.run(LinearForward{frames, inner_, out_, h, projection_.weight.value(),
                           projection_.bias.value(), y});
  }
  return y;
}

void MlpEncoder::run(const Pass& pass, Block& block, const ConstActivations& x,
                     const ConstActivations& residual, const Activations& y) const {
  block.x = x;
  block.z = pass.training ? pass.takeNarrow(frames_, inner_) : y;
  block.mean = pass.take(inner_, 1);
  block.inverseStd = pass.take(inner_, 1);
  SpatialBlockForward op{};
  op.rows = frames_;
  op.in = block.in;
  op.out = inner_;
  op.x = x;
  op.weight = block.linear.weight.value();
  op.bias = block.linear.bias.value();
  op.gamma = block.norm.gamma.value();
  op.beta = block.norm.beta.value();
  op.runningMean = block.norm.runningMean.value();
  op.runningVariance = block.norm.runningVariance.value();
  op.residual = residual;
  op.z = block.z;
  op.mean = block.mean;
  op.inverseStd = block.inverseStd;
  op.y = y;
  op.training = pass.training;
  op.dropout = pass.dropout(block.site);
  pass.run(op);
}

void MlpEncoder::backward(const Pass& pass, float* dY, float* dX) {
  const ArenaScope scratch(pass.arena);
  Activations dH = dY;
  if (projects_) {
    dH = pass.takeNarrow(frames_, inner_);
    pass.run(LinearBackward{frames_, inner_, out_, dY, projected_, projection_.weight.value(), dH,
                            projection_.weight.gradient(), projection_.bias.gradient()});
  }
  const Activations dInside = pass.takeNarrow(frames_, inner_);
  for (size_t i = blocks_.size() - 1; i >= 2; i -= 2) {
    runBackward(pass, blocks_[i], dH, dInside, false);
    runBackward(pass, blocks_[i - 1], dInside, dH,
                true);  // beside the residual's gradient, which is dH itself
  }
  runBackward(pass, blocks_[0], dH, dX, false);
}

void MlpEncoder::runBackward(const Pass& pass, const Block& block, const ConstActivations& dY,
                             const Activations& dX, bool accumulate) const {
  const ArenaScope scratch(pass.arena);
  SpatialBlockBackward op{};
  op.rows = frames_;
  op.in = block.in;
  op.out = inner_;
  op.dY = dY;
  op.x = block.x;
  op.weight = block.linear.weight.value();
  op.gamma = block.norm.gamma.value();
  op.beta = block.norm.beta.value();
  op.z = block.z;
  op.mean = block.mean;
  op.inverseStd = block.inverseStd;
  op.dZ = pass.takeNarrow(frames_, inner_);
  op.dX = dX;
  op.dWeight = block.linear.weight.gradient();
  op.dBias = block.linear.bias.gradient();
  op.dGamma = block.norm.gamma.gradient();
  op.dBeta = block.norm.beta.gradient();
  op.accumulate = accumulate;
  op.dropout = pass.dropout(block.site);
  pass.run(op);
}

}  // namespace pstmo::network
