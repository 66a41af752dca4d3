// Linear layers, alone and with the batch norm of the spatial encoder.
#pragma once

#include "fields.h"

namespace pstmo {

// y = residual + dropout(activation(x weight^T + bias)).
struct LinearForward {
  int rows, in, out;
  ConstActivations x;
  const float* weight;
  const float* bias;
  Activations y;
  const float* residual = nullptr;  // may be y itself
  bool relu = false;
  Dropout dropout = {};
};

template <typename Visitor>
void fields(Visitor& v, LinearForward& op) {
  v.sizes("rows", op.rows, "in", op.in, "out", op.out);
  v.shape(op.rows, "x", op.in, "->", op.out);
  v.flops(2.0 * op.rows * op.in * op.out);
  v.in("x", op.x, {op.rows, op.in});
  v.in("weight", op.weight, {op.out, op.in});
  v.in("bias", op.bias, {op.out}, {.optional = true});
  v.out("y", op.y, {op.rows, op.out});
  v.in("residual", op.residual, {op.rows, op.out}, {.optional = true});
  v.flag("relu", op.relu);
  v.dropout(op.dropout);
}

// Of z = x weight^T + bias, given dZ. The way back through ReLU and dropout of the layer before is
// an epilogue of dX.
struct LinearBackward {
  int rows, in, out;
  ConstActivations dZ;
  ConstActivations x;
  const float* weight;
  Activations dX;  // =, or += if accumulate
  float* dWeight;
  float* dBias;
  bool accumulate = false;
  // Output of relu + dropout that made x: dX *= reluOutput > 0 ? reluScale : 0.
  ConstActivations reluOutput = {};
  float reluScale = 1;
};

template <typename Visitor>
void fields(Visitor& v, LinearBackward& op) {
  v.sizes("rows", op.rows, "in", op.in, "out", op.out);
  v.shape(op.rows, "x", op.in, "->", op.out);
  v.in("dZ", op.dZ, {op.rows, op.out});
  v.in("x", op.x, {op.rows, op.in}, {.times = op.dWeight ? 1 : 0});
  v.in("weight", op.weight, {op.out, op.in}, {.times = op.dX ? 1 : 0});
  v.flag("accumulate", op.accumulate);
  v.out("dX", op.dX, {op.rows, op.in}, {.optional = true, .times = op.accumulate ? 2 : 1});
  v.add("dWeight", op.dWeight, {op.out, op.in}, {.optional = true});
  v.add("dBias", op.dBias, {op.out}, {.optional = true});
  v.in("reluOutput", op.reluOutput, {op.rows, op.in}, {.optional = true});
  v.optionalNumber("reluScale", op.reluScale);
  v.flops(((op.dX ? 2.0 : 0.0) + (op.dWeight ? 2.0 : 0.0)) * op.rows * op.in * op.out);
}

// The spatial MLP block of SEM: z = x weight^T + bias; y = residual +
// dropout(leakyRelu(batchNorm(z), 0.2)). Training: mean and variance over the rows (biased
// variance; eps 1e-5), running statistics moved by momentum 0.1 (running variance takes the
// unbiased one). Evaluation: running statistics.
struct SpatialBlockForward {
  int rows, in, out;
  ConstActivations x;
  const float* weight;
  const float* bias;
  const float* gamma;
  const float* beta;
  float* runningMean;      // moved when training
  float* runningVariance;  // moved when training
  ConstActivations residual;
  Activations z;      // kept for backward; may equal y in evaluation
  float* mean;        // kept for backward; unused in evaluation
  float* inverseStd;  // kept for backward; unused in evaluation
  Activations y;
  bool training;
  Dropout dropout = {};
};

template <typename Visitor>
void fields(Visitor& v, SpatialBlockForward& op) {
  v.sizes("rows", op.rows, "in", op.in, "out", op.out);
  v.shape(op.rows, "x", op.in, "->", op.out);
  v.flops(2.0 * op.rows * op.in * op.out);
  v.flag("training", op.training);
  v.in("x", op.x, {op.rows, op.in});
  v.in("weight", op.weight, {op.out, op.in});
  v.in("bias", op.bias, {op.out});
  v.in("gamma", op.gamma, {op.out});
  v.in("beta", op.beta, {op.out});
  v.out("runningMean", op.runningMean, {op.out}, {.times = op.training ? 2 : 1});
  v.out("runningVariance", op.runningVariance, {op.out}, {.times = op.training ? 2 : 1});
  v.in("residual", op.residual, {op.rows, op.out}, {.optional = true});
  // In training z is written, then read again for its statistics.
  v.out("z", op.z, {op.rows, op.out}, {.times = op.training ? 2 : 0});
  v.out("mean", op.mean, {op.out}, {.times = op.training ? 1 : 0});
  v.out("inverseStd", op.inverseStd, {op.out}, {.times = op.training ? 1 : 0});
  v.out("y", op.y, {op.rows, op.out});
  v.dropout(op.dropout);
}

// Batch statistics, training only. dY is left as it is; the residual's gradient is dY itself.
struct SpatialBlockBackward {
  int rows, in, out;
  ConstActivations dY;
  ConstActivations x;
  const float* weight;
  const float* gamma;
  const float* beta;
  ConstActivations z;
  const float* mean;
  const float* inverseStd;
  Activations dZ;  // scratch
  Activations dX;  // =, or += if accumulate
  float* dWeight;
  float* dBias;  // zero in theory: batch norm follows
  float* dGamma;
  float* dBeta;
  bool accumulate = false;
  Dropout dropout = {};
};

template <typename Visitor>
void fields(Visitor& v, SpatialBlockBackward& op) {
  v.sizes("rows", op.rows, "in", op.in, "out", op.out);
  v.shape(op.rows, "x", op.in, "->", op.out);
  v.flag("accumulate", op.accumulate);
  v.in("dY", op.dY, {op.rows, op.out});
  v.in("x", op.x, {op.rows, op.in});
  v.in("weight", op.weight, {op.out, op.in});
  v.in("gamma", op.gamma, {op.out});
  v.in("beta", op.beta, {op.out});
  v.in("z", op.z, {op.rows, op.out});
  v.in("mean", op.mean, {op.out});
  v.in("inverseStd", op.inverseStd, {op.out});
  v.out("dZ", op.dZ, {op.rows, op.out}, {.times = 2});
  v.out("dX", op.dX, {op.rows, op.in}, {.optional = true, .times = op.accumulate ? 2 : 1});
  v.add("dWeight", op.dWeight, {op.out, op.in});
  v.add("dBias", op.dBias, {op.out});
  v.add("dGamma", op.dGamma, {op.out});
  v.add("dBeta", op.dBeta, {op.out});
  v.dropout(op.dropout);
  v.flops((op.dX ? 4.0 : 2.0) * op.rows * op.in * op.out);
}

#define PSTMO_LINEAR_OPS(X) \
  X(LinearForward)          \
  X(LinearBackward)         \
  X(SpatialBlockForward)    \
  X(SpatialBlockBackward)

}  // namespace pstmo
