// Linear layers (1x1 convolutions) and the spatial MLP block: matmuls (matmul.cpp), their weight
// gradients (weight-gradient.cpp) and batch norm (normalization.cpp), which say how work is shared
// out and why the bits are the same for every number of threads.
#include "../core/constants.h"
#include "cpu-device.h"

namespace pstmo::cpu {

void CpuBackend::run(const LinearForward& op) {
  matmul(op.rows, {.x = op.x.floats(), .width = op.in}, packed(op.weight, op.out, op.in, 1, true),
         {.y = op.y.floats(),
          .width = op.out,
          .bias = op.bias,
          .relu = op.relu,
          .dropout = op.dropout,
          .residual = op.residual});
}

void CpuBackend::run(const LinearBackward& op) {
  if (op.dX) {
    matmul(op.rows, {.x = op.dZ.floats(), .width = op.out},
           packed(op.weight, op.out, op.in, 1, false),
           {.y = op.dX.floats(),
            .width = op.in,
            .reluOutput = op.reluOutput.floats(),
            .reluScale = op.reluScale,
            .accumulate = op.accumulate});
  }
  if (op.dWeight) {
    weightGradient(op.rows, op.dZ.floats(), op.out, {.x = op.x.floats(), .width = op.in},
                   op.dWeight);
  }
  if (op.dBias) addColumnSums(op.rows, op.out, op.dZ.floats(), op.dBias);
}

void CpuBackend::run(const SpatialBlockForward& op) {
  run(LinearForward{.rows = op.rows,
                    .in = op.in,
                    .out = op.out,
                    .x = op.x,
                    .weight = op.weight,
                    .bias = op.bias,
                    .y = op.z});
  BatchNormForward norm{op.rows,       op.out,         op.z.floats(),      op.gamma,
                        op.beta,       op.runningMean, op.runningVariance, op.mean,
                        op.inverseStd, op.y.floats(),  op.training};
  normalizeForward(norm, kLeakySlope, op.residual.floats(), op.dropout);
}

void CpuBackend::run(const SpatialBlockBackward& op) {
  batchNormBackward(op.rows,
                    {.channels = op.out,
                     .dY = op.dY.floats(),
                     .x = op.z.floats(),
                     .mean = op.mean,
                     .inverseStd = op.inverseStd,
                     .gamma = op.gamma,
                     .beta = op.beta,
                     .slope = kLeakySlope,
                     .dropout = op.dropout,
                     .dU = op.dZ.floats(),
                     .sums = nullptr,
                     .dX = op.dZ.floats()},
                    op.dGamma, op.dBeta);
  run(LinearBackward{.rows = op.rows,
                     .in = op.in,
                     .out = op.out,
                     .dZ = op.dZ,
                     .x = op.x,
                     .weight = op.weight,
                     .dX = op.dX,
                     .dWeight = op.dWeight,
                     .dBias = op.dBias,
                     .accumulate = op.accumulate});
}

}  // namespace pstmo::cpu
