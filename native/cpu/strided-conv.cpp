// Strided convolution over time, kernel 3, padding 1, as a matmul: the three neighbouring rows that
// an output row reads are one row of the left operand, (3 in) long, and the weight's columns are
// (tap, in).
//
//   y[b, i] = residual[b, s i] + dropout(sum over t of weight[:, :, t] x[b, s i + t - 1] + bias)
//   dX[b, k] = sum over i and t with s i + t - 1 = k of weight[:, :, t]^T dZ[b, i],
//              through an earlier ReLU and dropout; 0 where there is no such i
//   dWeight[:, :, t] += sum over b and i of dZ[b, i] x[b, s i + t - 1]^T
//   dBias += sum over b and i of dZ[b, i]
//   dResidual[b, s i] += dY[b, i]
//
// Shapes: x, dX (B, n, in); y, dY, dZ (B, outTokens, out), outTokens = ceil(n / s); residual,
// dResidual (B, n, out); weight (out, in, 3); bias (out).
//
// Loop: matmul.cpp and weight-gradient.cpp share out rows and panels. gatherTaps() and the
// residual's gradient take a window an item. zeroUnreadTokens() stays with the caller's thread.
//
// Workspace: intermediate_ (B outTokens, 3 in), where taps are gathered after the matmul.
//
// Deterministic: an element of dX adds its output rows in order, in one thread.
#include <algorithm>
#include <cstring>

#include "../core/rounding.h"
#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

// x as the left operand of both ways: StridedConvForward or StridedConvBackward.
template <typename Op>
RowSource neighbours(const Op& op) {
  return {.x = op.x.floats(),
          .width = op.in,
          .taps = 3,
          .outTokens = ceilDiv(op.tokens, op.stride),
          .tokens = op.tokens,
          .stride = op.stride};
}

// Zeros the rows of dX that no output row reads, for strides from 3 on. Output row i reads the
// tokens s i - 1, s i and s i + 1.
void zeroUnreadTokens(const StridedConvBackward& op, int outTokens) {
  for (int window = 0; window < op.batch; ++window) {
    for (int token = 0; token < op.tokens; ++token) {
      const int past = (token + 1) % op.stride;  // tokens past the first that its output row reads
      if (past < 3 && (token + 1) / op.stride < outTokens) continue;
      std::memset(op.dX.floats() + (static_cast<size_t>(window) * op.tokens + token) * op.in, 0,
                  static_cast<size_t>(op.in) * sizeof(float));
    }
  }
}

// dX of one window: output row i adds its three parts of `spread` (outTokens, 3 in) to the tokens
// that it reads. Then each token goes back through ReLU and dropout.
void gatherTaps(const StridedConvBackward& op, int outTokens, int window, const float* spread) {
  const size_t first = static_cast<size_t>(window) * op.tokens * op.in,
               count = static_cast<size_t>(op.tokens) * op.in;
  float* dX = op.dX.floats() + first;
  std::memset(dX, 0, count * sizeof(float));
  for (int i = 0; i < outTokens; ++i) {
    for (int tap = 0; tap < 3; ++tap) {
      const int token = i * op.stride + tap - 1;
      if (token < 0 || token >= op.tokens) continue;
      const float* from = spread + (static_cast<size_t>(i) * 3 + tap) * op.in;
      float* to = dX + static_cast<size_t>(token) * op.in;
      for (int c = 0; c < op.in; ++c) to[c] += from[c];
    }
  }

  // ReLU and dropout of the layer before.
  if (!op.reluOutput) return;
  const float* output = op.reluOutput.floats() + first;
  for (size_t k = 0; k < count; ++k) dX[k] = output[k] > 0.0f ? dX[k] * op.reluScale : 0.0f;
}

}  // namespace

void CpuBackend::run(const StridedConvForward& op) {
  const RowSource source = neighbours(op);
  matmul(op.batch * source.outTokens, source, packed(op.weight, op.out, op.in, 3, true),
         {.y = op.y,
          .width = op.out,
          .bias = op.bias,
          .dropout = op.dropout,
          .residual = op.residual,
          .outTokens = source.outTokens,
          .tokens = op.tokens,
          .stride = op.stride});
}

void CpuBackend::run(const StridedConvBackward& op) {
  const RowSource source = neighbours(op);
  const int outTokens = source.outTokens, rows = op.batch * outTokens;
  if (op.dX) convInputGradient(op, outTokens);
  if (op.dWeight) weightGradient(rows, op.dZ.floats(), op.out, source, op.dWeight);
  if (op.dBias) addColumnSums(rows, op.out, op.dZ.floats(), op.dBias);
}

void CpuBackend::convInputGradient(const StridedConvBackward& op, int outTokens) {
  const int rows = op.batch * outTokens, length = 3 * op.in;
  const RowSource dZ{.x = op.dZ.floats(), .width = op.out};
  const Panels& weight = packed(op.weight, op.out, op.in, 3, false);

  // No token is read twice and no panel crosses taps: the epilogue writes each tap to its token.
  if (op.stride >= 3 && op.in % kernels_.panelColumns == 0) {
    matmul(rows, dZ, weight,
           {.y = op.dX.floats(),
            .width = op.in,
            .reluOutput = op.reluOutput.floats(),
            .reluScale = op.reluScale,
            .outTokens = outTokens,
            .tokens = op.tokens,
            .stride = op.stride,
            .taps = 3});
    zeroUnreadTokens(op, outTokens);
    return;
  }

  // Otherwise first what each output row gives to its three neighbours, then each token its sum.
  float* spread = intermediate_.floats(static_cast<size_t>(rows) * length);  // (B, outTokens, 3 in)
  matmul(rows, dZ, weight, {.y = spread, .width = length});
  pool_.run(op.batch, [&](int window, int) {
    gatherTaps(op, outTokens, window, spread + static_cast<size_t>(window) * outTokens * length);
  });
}

// dResidual[b, s i] += dY[b, i].
void CpuBackend::run(const StridedResidualBackward& op) {
  const int outTokens = ceilDiv(op.tokens, op.stride);
  pool_.run(op.batch, [&](int window, int) {
    for (int i = 0; i < outTokens; ++i) {
      const float* from = op.dY + (static_cast<size_t>(window) * outTokens + i) * op.channels;
      float* to = op.dResidual +
                  (static_cast<size_t>(window) * op.tokens + static_cast<size_t>(i) * op.stride) *
                      op.channels;
      for (int c = 0; c < op.channels; ++c) to[c] += from[c];
    }
  });
}

}  // namespace pstmo::cpu
