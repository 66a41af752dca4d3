// Strided convolution over time as a product of the three neighbouring rows, laid side by side,
// with the weight (out, (tap, in)).
#include <algorithm>
#include <cstring>

#include "cpu-device.h"

namespace pstmo::cpu {

void CpuBackend::run(const StridedConvForward& op) {
  const int outTokens = (op.tokens + op.stride - 1) / op.stride;
  const RowSource source{.x = op.x.floats(),
                         .width = op.in,
                         .taps = 3,
                         .outTokens = outTokens,
                         .tokens = op.tokens,
                         .stride = op.stride};
  const TileStore store{.y = op.y,
                        .width = op.out,
                        .bias = op.bias,
                        .dropout = op.dropout,
                        .residual = op.residual,
                        .outTokens = outTokens,
                        .tokens = op.tokens,
                        .stride = op.stride};
  product(op.batch * outTokens, source, packed(op.weight, op.out, op.in, 3, true), store);
}

void CpuBackend::run(const StridedConvBackward& op) {
  const int outTokens = (op.tokens + op.stride - 1) / op.stride, rows = op.batch * outTokens,
            length = 3 * op.in;
  if (op.dX && op.stride >= 3 && op.in % kernels_.panelColumns == 0) {
    // No token is read twice: the product goes where it belongs, and what no output row reads is
    // zero.
    product(rows, {.x = op.dZ.floats(), .width = op.out},
            packed(op.weight, op.out, op.in, 3, false),
            {.y = op.dX.floats(),
             .width = op.in,
             .reluOutput = op.reluOutput.floats(),
             .reluScale = op.reluScale,
             .outTokens = outTokens,
             .tokens = op.tokens,
             .stride = op.stride,
             .taps = 3});
    for (int window = 0; window < op.batch; ++window) {
      for (int token = 0; token < op.tokens; ++token) {
        const int past =
            (token + 1) % op.stride;  // tokens past the first that its output row reads
        if (past < 3 && (token + 1) / op.stride < outTokens) continue;
        std::memset(op.dX.floats() + (static_cast<size_t>(window) * op.tokens + token) * op.in, 0,
                    static_cast<size_t>(op.in) * sizeof(float));
      }
    }
  } else if (op.dX) {
    // What each output row gives to its three neighbours, then each input row takes its share.
    float* spread = conv_.floats(static_cast<size_t>(rows) * length);
    product(rows, {.x = op.dZ.floats(), .width = op.out},
            packed(op.weight, op.out, op.in, 3, false), {.y = spread, .width = length});
    pool_.run(op.batch, [&](int window, int) {
      float* dX = op.dX.floats() + static_cast<size_t>(window) * op.tokens * op.in;
      std::memset(dX, 0, static_cast<size_t>(op.tokens) * op.in * sizeof(float));
      for (int i = 0; i < outTokens; ++i) {
        for (int tap = 0; tap < 3; ++tap) {
          const int token = i * op.stride + tap - 1;
          if (token < 0 || token >= op.tokens) continue;
          const float* from =
              spread + (static_cast<size_t>(window) * outTokens + i) * length + tap * op.in;
          float* to = dX + static_cast<size_t>(token) * op.in;
          for (int c = 0; c < op.in; ++c) to[c] += from[c];
        }
      }
      if (op.reluOutput) {
        const float* output =
            op.reluOutput.floats() + static_cast<size_t>(window) * op.tokens * op.in;
        for (size_t k = 0; k < static_cast<size_t>(op.tokens) * op.in; ++k)
          dX[k] = output[k] > 0.0f ? dX[k] * op.reluScale : 0.0f;
      }
    });
  }
  const RowSource source{.x = op.x.floats(),
                         .width = op.in,
                         .taps = 3,
                         .outTokens = outTokens,
                         .tokens = op.tokens,
                         .stride = op.stride};
  if (op.dWeight) weightGradient(rows, op.dZ.floats(), op.out, source, op.dWeight);
  if (op.dBias) addColumnSums(rows, op.out, op.dZ.floats(), op.dBias);
}

void CpuBackend::run(const StridedResidualBackward& op) {
  const int outTokens = (op.tokens + op.stride - 1) / op.stride;
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
