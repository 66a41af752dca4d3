// The optimizer's step.
#pragma once

#include <cstddef>
#include <limits>

#include "fields.h"

namespace pstmo {

// Adam with amsgrad, PyTorch's order of operations; one call for all parameters.
struct AdamStep {
  size_t count;
  float* value;
  const float* gradient;
  float* mean;
  float* variance;
  float* maximum;
  double learningRate;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  int64_t step;  // 1 for the first
};

template <typename Visitor>
void fields(Visitor& v, AdamStep& op) {
  v.sizes("count", op.count);
  v.shape(op.count);
  v.add("value", op.value, {int64_t(op.count)});
  v.in("gradient", op.gradient, {int64_t(op.count)});
  v.add("mean", op.mean, {int64_t(op.count)});
  v.add("variance", op.variance, {int64_t(op.count)});
  v.add("maximum", op.maximum, {int64_t(op.count)});
  v.number("learningRate", op.learningRate);
  v.whole("step", op.step, 1, std::numeric_limits<int32_t>::max());
}

#define PSTMO_ADAM_OPS(X) X(AdamStep)

}  // namespace pstmo
