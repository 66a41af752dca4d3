#include "refiner.h"

namespace pstmo::network {

namespace {
constexpr int kHidden = 1024;
constexpr float kDropout = 0.5f;
}  // namespace

Refiner::Refiner(Blueprint& blueprint)
    : joints_(blueprint.config.outputJoints),
      rootJoint_(blueprint.config.rootJoint),
      expand_(blueprint.parameters.addLinear(tensor_names::kRefineExpand, kHidden, 6 * joints_)),
      score_(blueprint.parameters.addLinear(tensor_names::kRefineScore, 2 * joints_, kHidden)),
      site_(blueprint.nextSite()) {}

// A network without dropout has none here either.
Dropout Refiner::hiddenDropout(const Pass& pass) const {
  return pass.dropout(site_, pass.dropoutRate > 0 ? kDropout : 0);
}

void Refiner::forward(const Pass& pass, const float* predicted, const float* points,
                      const float* roots, const float* cameras, int rows, float* refined) {
  const EvaluationScope scratch(pass);
  rows_ = rows;
  predicted_ = predicted;
  points_ = points;
  cameras_ = cameras;
  backProjected_ = pass.take(rows, 3 * joints_);
  features_ = pass.take(rows, 6 * joints_);
  hiddens_ = pass.take(rows, kHidden);
  logits_ = pass.take(rows, 2 * joints_);
  pass.run(BackProjectForward{rows, joints_, rootJoint_, points, predicted, roots, cameras,
                              backProjected_});
  pass.run(ConcatForward{rows * joints_, 3, 3, predicted, backProjected_, features_});
  pass.run(LinearForward{rows, 6 * joints_, kHidden, features_, expand_.weight.value(),
                         expand_.bias.value(), hiddens_, nullptr, true, hiddenDropout(pass)});
  pass.run(LinearForward{rows, kHidden, 2 * joints_, hiddens_, score_.weight.value(),
                         score_.bias.value(), logits_});
  pass.run(RefineBlendForward{rows, joints_, logits_, predicted, backProjected_, refined});
}

void Refiner::backward(const Pass& pass, const float* dRefined, float* dPredicted) const {
  const ArenaScope scratch(pass.arena);
  float* dLogits = pass.take(rows_, 2 * joints_);
  float* dBackProjected = pass.take(rows_, 3 * joints_);
  float* dHidden = pass.take(rows_, kHidden);
  float* dFeatures = pass.take(rows_, 6 * joints_);
  pass.run(RefineBlendBackward{rows_, joints_, dRefined, logits_, predicted_, backProjected_,
                               dLogits, dPredicted, dBackProjected});
  pass.run(LinearBackward{rows_, kHidden, 2 * joints_, dLogits, hiddens_, score_.weight.value(),
                          dHidden, score_.weight.gradient(), score_.bias.gradient(), false,
                          hiddens_, hiddenDropout(pass).scale()});
  pass.run(LinearBackward{rows_, 6 * joints_, kHidden, dHidden, features_, expand_.weight.value(),
                          dFeatures, expand_.weight.gradient(), expand_.bias.gradient()});
  pass.run(ConcatBackward{rows_ * joints_, 3, 3, dFeatures, dPredicted, dBackProjected});
  pass.run(BackProjectBackward{rows_, joints_, rootJoint_, dBackProjected, points_, cameras_,
                               dPredicted});
}

}  // namespace pstmo::network
