// The optimizer's step: all parameters in one launch, a thread each.
#include <cmath>

#include "../cuda-device.h"
#include "elementwise.h"

namespace pstmo::cuda {
namespace {

// Adam with AMSGrad, in PyTorch's order. With g the gradient:
//   mean += (1 - beta1) (g - mean),   variance = beta2 variance + (1 - beta2) g^2,
//   maximum = max(maximum, variance),
//   value -= lr / (1 - beta1^t) mean / (sqrt(maximum) / sqrt(1 - beta2^t) + eps)
struct Adam {
  float* value;
  const float* gradient;
  float* mean;
  float* variance;
  float* maximum;
  AdamRates rates;
  const StepState* now;                      // holds the rates of the step, where it is not null
  float toMean, beta2, toVariance, epsilon;  // toMean, toVariance: 1 - beta1, 1 - beta2

  __device__ void operator()(int64_t i) const {
    const float g = gradient[i], newMean = mean[i] + toMean * (g - mean[i]),
                newVariance = variance[i] * beta2 + toVariance * g * g;
    const float highest = maximum[i] > newVariance ? maximum[i] : newVariance;

    mean[i] = newMean;
    variance[i] = newVariance;
    maximum[i] = highest;

    const float stepSize = now ? now->stepSize : rates.stepSize,
                rootCorrection = now ? now->rootCorrection : rates.rootCorrection;
    value[i] -= stepSize * newMean / (sqrtf(highest) / rootCorrection + epsilon);
  }
};

}  // namespace

AdamRates adamRates(const AdamStep& op) {
  const double correction1 = 1.0 - std::pow(op.beta1, static_cast<double>(op.step)),
               correction2 = 1.0 - std::pow(op.beta2, static_cast<double>(op.step));
  return {static_cast<float>(op.learningRate / correction1),
          static_cast<float>(std::sqrt(correction2))};
}

void CudaBackend::run(const AdamStep& op) {
  const Adam adam{op.value,
                  op.gradient,
                  op.mean,
                  op.variance,
                  op.maximum,
                  adamRates(op),
                  stateOf(op),
                  static_cast<float>(1.0 - op.beta1),
                  static_cast<float>(op.beta2),
                  static_cast<float>(1.0 - op.beta2),
                  static_cast<float>(op.epsilon)};
  forEach(stream(), static_cast<int64_t>(op.count), adam);
}

}  // namespace pstmo::cuda
