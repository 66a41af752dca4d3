// The constants of P-STMO's layers, as the published weights were trained with them.
#pragma once

namespace pstmo {

constexpr float kLeakySlope = 0.2f;  // of the spatial encoder's leaky ReLU

// Batch norm: 1 / sqrt(variance + epsilon), running += momentum (batch - running).
constexpr double kBatchNormEpsilon = 1e-5;
constexpr float kBatchNormEpsilonFloat = static_cast<float>(kBatchNormEpsilon);  // of the devices
constexpr float kBatchNormMomentum = 0.1f;

constexpr float kLayerNormEpsilon = 1e-6f;  // 1 / (std + epsilon)

}  // namespace pstmo
