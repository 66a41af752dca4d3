// Norms over rows of channels, and dropout by itself.
#pragma once

#include "fields.h"

namespace pstmo {

// Batch norm alone (in front of the heads): y = gamma (x - mean) inverseStd + beta, statistics as
// in SpatialBlockForward.
struct BatchNormForward {
  int rows, channels;
  const float* x;
  const float* gamma;
  const float* beta;
  float* runningMean;      // moved when training
  float* runningVariance;  // moved when training
  float* mean;             // kept for backward
  float* inverseStd;       // kept for backward
  float* y;
  bool training;
};

template <typename Visitor>
void fields(Visitor& v, BatchNormForward& op) {
  v.sizes("rows", op.rows, "channels", op.channels);
  v.shape(op.rows, "x", op.channels);
  v.flag("training", op.training);
  // In training once for the statistics and once for y.
  v.in("x", op.x, {op.rows, op.channels}, {.times = op.training ? 2 : 1});
  v.in("gamma", op.gamma, {op.channels});
  v.in("beta", op.beta, {op.channels});
  v.out("runningMean", op.runningMean, {op.channels}, {.times = op.training ? 2 : 1});
  v.out("runningVariance", op.runningVariance, {op.channels}, {.times = op.training ? 2 : 1});
  v.out("mean", op.mean, {op.channels}, {.times = op.training ? 1 : 0});
  v.out("inverseStd", op.inverseStd, {op.channels}, {.times = op.training ? 1 : 0});
  v.out("y", op.y, {op.rows, op.channels});
}

struct BatchNormBackward {
  int rows, channels;
  ConstActivations dY;
  ConstActivations x;
  const float* gamma;
  const float* mean;
  const float* inverseStd;
  Activations dX;  // =, or += if accumulate
  float* dGamma;
  float* dBeta;
  bool accumulate = false;
};

template <typename Visitor>
void fields(Visitor& v, BatchNormBackward& op) {
  v.sizes("rows", op.rows, "channels", op.channels);
  v.shape(op.rows, "x", op.channels);
  v.flag("accumulate", op.accumulate);
  // Once for the sums and once more for dX.
  v.in("dY", op.dY, {op.rows, op.channels}, {.times = 2});
  v.in("x", op.x, {op.rows, op.channels}, {.times = 2});
  v.in("gamma", op.gamma, {op.channels});
  v.in("mean", op.mean, {op.channels});
  v.in("inverseStd", op.inverseStd, {op.channels});
  v.out("dX", op.dX, {op.rows, op.channels}, {.times = op.accumulate ? 2 : 1});
  v.add("dGamma", op.dGamma, {op.channels});
  v.add("dBeta", op.dBeta, {op.channels});
}

// y = a (x - mean) / (std + 1e-6) + b, std unbiased (channels - 1).
struct LayerNormForward {
  int rows, channels;
  const float* x;
  const float* a;
  const float* b;
  Activations y;
  float* mean;  // kept for backward
  float* std;   // kept for backward
};

template <typename Visitor>
void fields(Visitor& v, LayerNormForward& op) {
  v.sizes("rows", op.rows);
  v.whole("channels", op.channels, 2, v.kMostSize);
  v.shape(op.rows, "x", op.channels);
  v.in("x", op.x, {op.rows, op.channels});
  v.in("a", op.a, {op.channels});
  v.in("b", op.b, {op.channels});
  v.out("y", op.y, {op.rows, op.channels});
  v.out("mean", op.mean, {op.rows});
  v.out("std", op.std, {op.rows});
}

struct LayerNormBackward {
  int rows, channels;
  ConstActivations dY;
  const float* x;
  const float* a;
  const float* mean;
  const float* std;
  float* dX;  // =, or += if accumulate
  float* dA;
  float* dB;
  bool accumulate = false;
};

template <typename Visitor>
void fields(Visitor& v, LayerNormBackward& op) {
  v.sizes("rows", op.rows);
  v.whole("channels", op.channels, 2, v.kMostSize);
  v.shape(op.rows, "x", op.channels);
  v.flag("accumulate", op.accumulate);
  v.in("dY", op.dY, {op.rows, op.channels});
  v.in("x", op.x, {op.rows, op.channels});
  v.in("a", op.a, {op.channels});
  v.in("mean", op.mean, {op.rows});
  v.in("std", op.std, {op.rows});
  v.out("dX", op.dX, {op.rows, op.channels}, {.times = op.accumulate ? 2 : 1});
  v.add("dA", op.dA, {op.channels});
  v.add("dB", op.dB, {op.channels});
}

// Dropout's own way back: dX = dY * mask / (1 - rate).
struct DropoutBackward {
  int rows, channels;
  const float* dY;
  Activations dX;  // may be dY
  Dropout dropout = {};
};

template <typename Visitor>
void fields(Visitor& v, DropoutBackward& op) {
  v.sizes("rows", op.rows, "channels", op.channels);
  v.shape(op.rows, "x", op.channels);
  v.in("dY", op.dY, {op.rows, op.channels});
  v.out("dX", op.dX, {op.rows, op.channels});
  v.dropout(op.dropout);
}

#define PSTMO_NORMALIZATION_OPS(X) \
  X(BatchNormForward)              \
  X(BatchNormBackward)             \
  X(LayerNormForward)              \
  X(LayerNormBackward)             \
  X(DropoutBackward)

}  // namespace pstmo
