// Convolution over time, kernel 3, padding 1, with its strided residual.
#pragma once

#include "fields.h"

namespace pstmo {

constexpr int stridedTokens(int tokens, int stride) { return (tokens - 1) / stride + 1; }

// y[b, i] = residual[b, s i] + dropout(sum over taps t of weight[:, :, t] x[b, s i + t - 1] +
// bias), i < ceil(tokens / s).
struct StridedConvForward {
  int batch, tokens, stride, in, out;
  ConstActivations x;
  const float* weight;
  const float* bias;
  const float* residual;
  float* y;
  Dropout dropout = {};
};

template <typename Visitor>
void fields(Visitor& v, StridedConvForward& op) {
  v.sizes("batch", op.batch, "tokens", op.tokens, "stride", op.stride, "in", op.in, "out", op.out);
  const int kept = stridedTokens(op.tokens, op.stride);
  const double written = double(op.batch) * kept * op.out;
  v.shape(op.batch, "x", op.tokens, "x", op.in, "->", op.out, "/", op.stride);
  v.flops(2 * written * 3 * op.in);
  v.in("x", op.x, {op.batch, op.tokens, op.in});
  v.in("weight", op.weight, {op.out, op.in, 3});
  v.in("bias", op.bias, {op.out});
  v.in("residual", op.residual, {op.batch, op.tokens, op.out}, {.elements = written});
  v.out("y", op.y, {op.batch, kept, op.out});
  v.dropout(op.dropout);
}

struct StridedConvBackward {
  int batch, tokens, stride, in, out;
  ConstActivations dZ;  // dY through the dropout
  ConstActivations x;
  const float* weight;
  Activations dX;  // zero where no tap reads
  float* dWeight;
  float* dBias;
  ConstActivations reluOutput = {};  // as in LinearBackward
  float reluScale = 1;
};

template <typename Visitor>
void fields(Visitor& v, StridedConvBackward& op) {
  v.sizes("batch", op.batch, "tokens", op.tokens, "stride", op.stride, "in", op.in, "out", op.out);
  const int kept = stridedTokens(op.tokens, op.stride);
  v.shape(op.batch, "x", op.tokens, "x", op.in, "->", op.out, "/", op.stride);
  v.flops(2 * 2.0 * op.batch * kept * 3 * op.in * op.out);  // dX and dWeight
  v.in("dZ", op.dZ, {op.batch, kept, op.out});
  v.in("x", op.x, {op.batch, op.tokens, op.in});
  v.in("weight", op.weight, {op.out, op.in, 3});
  v.out("dX", op.dX, {op.batch, op.tokens, op.in});
  v.add("dWeight", op.dWeight, {op.out, op.in, 3});
  v.add("dBias", op.dBias, {op.out});
  v.in("reluOutput", op.reluOutput, {op.batch, op.tokens, op.in}, {.optional = true});
  v.optionalNumber("reluScale", op.reluScale);
}

// dResidual[b, s i] += dY[b, i].
struct StridedResidualBackward {
  int batch, tokens, stride, channels;
  const float* dY;
  float* dResidual;
};

template <typename Visitor>
void fields(Visitor& v, StridedResidualBackward& op) {
  v.sizes("batch", op.batch, "tokens", op.tokens, "stride", op.stride, "channels", op.channels);
  const int kept = stridedTokens(op.tokens, op.stride);
  v.shape(op.batch, "x", op.tokens, "x", op.channels);
  v.in("dY", op.dY, {op.batch, kept, op.channels});
  v.add("dResidual", op.dResidual, {op.batch, op.tokens, op.channels},
        {.elements = double(op.batch) * kept * op.channels});
}

#define PSTMO_STRIDED_CONV_OPS(X) \
  X(StridedConvForward)           \
  X(StridedConvBackward)          \
  X(StridedResidualBackward)

}  // namespace pstmo
