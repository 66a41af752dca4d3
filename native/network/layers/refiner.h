// The refining module (spec section 6): blends the predicted x and y of a pose with those of the
// image points put back into space at the predicted depth, by a score a joint that a small
// perceptron gives.
#pragma once

#include "../pass.h"
#include "../weights/blueprint.h"

namespace pstmo::network {

class Refiner {
 public:
  explicit Refiner(Blueprint& blueprint);

  // predicted (rows, J, 3), points (rows, J, 2) normalised, roots (rows, 3), cameras (rows, 4) to
  // refined (rows, J, 3).
  void forward(const Pass& pass, const float* predicted, const float* points, const float* roots,
               const float* cameras, int rows, float* refined);
  // dPredicted (rows, J, 3) =.
  void backward(const Pass& pass, const float* dRefined, float* dPredicted) const;

 private:
  Dropout hiddenDropout(const Pass& pass) const;

  int joints_, rootJoint_;
  LinearParameters expand_, score_;
  uint32_t site_;
  int rows_ = 0;
  const float* predicted_ = nullptr;
  const float* points_ = nullptr;
  const float* cameras_ = nullptr;
  float* backProjected_ = nullptr;
  float* features_ = nullptr;
  float* hiddens_ = nullptr;
  float* logits_ = nullptr;
};

}  // namespace pstmo::network
