// Linear layers (1x1 convolutions) and the spatial MLP block.
//
//   linear         y = residual + dropout(relu(x weight^T + bias))
//   its backward   dX = dZ weight, through an earlier ReLU and dropout; dWeight += dZ^T x;
//                  dBias += column sums of dZ
//   spatial block  z = x weight^T + bias, y = residual + dropout(leaky(batchNorm(z)))
//   its backward   dZ = dY through dropout, leaky ReLU and batch norm, then as a linear's
//
// Shapes: x, dX (rows, in); y, z, dY, dZ, residual (rows, out); weight (out, in); bias (out).
//
// Loop: none here. Matmuls (matmul.cpp), weight gradients (weight-gradient.cpp), column sums and
// batch norm (normalization.cpp) say how work is shared out, and why the bits are the same for
// every number of threads. ReLU, dropout and residual are the matmul's epilogue.
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

// dZ is the workspace of both passes of the batch norm: first dU, then dZ over it.
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
