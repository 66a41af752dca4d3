// Batch norm's arithmetic on the way forward and back.
#pragma once

#include "../../core/constants.h"
#include "activation-io.h"

namespace pstmo::cuda {

__device__ __forceinline__ float inverseStdOf(float variance) {
  return 1.0f / sqrtf(variance + kBatchNormEpsilonFloat);
}
__device__ __forceinline__ float leakyRelu(float value, float slope) {
  return value > 0.0f ? value : value * slope;
}

// y = residual + dropout(leakyRelu(gamma (x - mean) inverseStd + beta)); slope 1 is plain batch
// norm. For elementwise().
struct Normalize {
  ConstActivations x;  // (rows, channels)
  const float* mean;
  const float* inverseStd;
  const float* gamma;
  const float* beta;
  ConstActivations residual;  // or null
  Activations y;
  int channels;
  float slope;
  __device__ void operator()(int64_t row, int c, float factor) const {
    const int64_t at = row * channels + c;
    const float value =
        leakyRelu((read(x, at) - mean[c]) * inverseStd[c] * gamma[c] + beta[c], slope) * factor;
    write(y, at, residual ? read(residual, at) + value : value);
  }
};

// The way back through Normalize's dropout and leaky ReLU: dU = dY * factor * (u > 0 ? 1 : slope).
struct ThroughActivation {
  ConstActivations dY;
  ConstActivations x;
  const float* mean;
  const float* inverseStd;
  const float* gamma;
  const float* beta;
  Activations dU;
  int channels;
  float slope;
  __device__ void operator()(int64_t row, int c, float factor) const {
    const int64_t at = row * channels + c;
    const float u = (read(x, at) - mean[c]) * inverseStd[c] * gamma[c] + beta[c];
    write(dU, at, read(dY, at) * factor * (u > 0.0f ? 1.0f : slope));
  }
};

}  // namespace pstmo::cuda
