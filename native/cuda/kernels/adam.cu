// The optimizer's step: Adam with amsgrad, all parameters in one launch. With g the gradient and t
// the number of the step, 1 for the first, in PyTorch's order:
//   mean += (1 - beta1) (g - mean),   variance = beta2 variance + (1 - beta2) g^2,
//   maximum = max(maximum, variance),
//   value -= lr / (1 - beta1^t) mean / (sqrt(maximum) / sqrt(1 - beta2^t) + epsilon)
//
// Shapes. value, gradient, mean, variance and maximum: floats (count).
//
// Grid. forEach() of elementwise.h: a thread takes one parameter. No shared memory.
//
// Determinism. A parameter depends on no other, nothing is summed: the same bits each time.
#include <cmath>

#include "../cuda-device.h"
#include "elementwise.h"

namespace pstmo::cuda {
namespace {

// The step of one parameter. For forEach().
struct Adam {
  float* value;
  const float* gradient;
  float* mean;
  float* variance;
  float* maximum;
  AdamRates rates;
  // The rates in device memory, so that a recorded step can be replayed; null: `rates` holds them.
  const StepState* now;
  float toMean, beta2, toVariance, epsilon;  // toMean, toVariance: 1 - beta1, 1 - beta2

  __device__ void operator()(int64_t i) const {
    // Moments.
    const float g = gradient[i], newMean = mean[i] + toMean * (g - mean[i]),
                newVariance = variance[i] * beta2 + toVariance * g * g;
    const float highest = maximum[i] > newVariance ? maximum[i] : newVariance;

    mean[i] = newMean;
    variance[i] = newVariance;
    maximum[i] = highest;

    // Value.
    const float stepSize = now ? now->stepSize : rates.stepSize,
                rootCorrection = now ? now->rootCorrection : rates.rootCorrection;
    value[i] -= stepSize * newMean / (sqrtf(highest) / rootCorrection + epsilon);
  }
};

}  // namespace

// stepSize = lr / (1 - beta1^t), rootCorrection = sqrt(1 - beta2^t), each rounded once at the end.
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
