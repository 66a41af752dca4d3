// Strided convolution over time, kernel 3 and padding 1: a matmul whose left side is gathered as it
// is read. With element 3 c + t of a gathered row for channel c and tap t, the weight (out, in, 3)
// is a plain matrix (out, 3 in). The element-wise steps around it are deterministic: one thread
// writes each element, and adds in the order of the taps.
#include "../cuda-device.h"
#include "elementwise.h"
#include "matmul-launch.h"

namespace pstmo::cuda {
namespace {

int outTokensOf(int tokens, int stride) { return (tokens + stride - 1) / stride; }

// Element-wise steps take four channels of a row a thread, with forEach().
__host__ __device__ int quadsOf(int channels) { return (channels + 3) / 4; }

// The four channels from `channel` on of the row that begins at element `begin`; zeros behind the
// last one.
__device__ __forceinline__ void readQuad(const ConstActivations& from, int64_t begin, int channel,
                                         int channels, float (&values)[4]) {
  if (channels % 4 == 0) return readNeighbours(from, begin + channel, values);
#pragma unroll
  for (int e = 0; e < 4; ++e)
    values[e] = channel + e < channels ? read(from, begin + channel + e) : 0.0f;
}

// dX[b, t] = sum of the shares of the output rows that read token t, in the order of the taps,
// through the ReLU and dropout of the layer before.
struct TakeShares {
  StridedConvBackward op;
  ConstActivations spread;  // (B outTokens, 3 in)
  int outTokens;
  __device__ void operator()(int64_t item) const {
    const int quads = quadsOf(op.in), c = static_cast<int>(item % quads) * 4;
    const int64_t row = item / quads, window = row / op.tokens;
    const int token = static_cast<int>(row % op.tokens);
    float sums[4] = {};
#pragma unroll
    for (int tap = 0; tap < 3; ++tap) {
      const int at = token + 1 - tap;
      if (at < 0 || at % op.stride != 0 || at / op.stride >= outTokens) continue;
      const int64_t begin = (window * outTokens + at / op.stride) * 3 * op.in + 3 * c;
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        if (c + e < op.in) sums[e] += read(spread, begin + 3 * e + tap);
      }
    }
    const int64_t begin = row * op.in;
    if (op.reluOutput) {
      float outputs[4];
      readQuad(op.reluOutput, begin, c, op.in, outputs);
#pragma unroll
      for (int e = 0; e < 4; ++e) sums[e] = outputs[e] > 0.0f ? sums[e] * op.reluScale : 0.0f;
    }
    if (op.in % 4 == 0) return writeFour(op.dX, begin + c, sums);
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      if (c + e < op.in) write(op.dX, begin + c + e, sums[e]);
    }
  }
};

// dResidual's rows that the forward pass kept += dY.
struct AddToKept {
  StridedResidualBackward op;
  int outTokens;
  __device__ void operator()(int64_t row, int c, float) const {
    op.dResidual[(row / outTokens * op.tokens + row % outTokens * op.stride) * op.channels + c] +=
        op.dY[row * op.channels + c];
  }
};

// y (rows, 3 in) = the gathered rows, laid out in memory for cuBLASLt.
struct GatherRow {
  ConvolutionRows rows;
  Activations y;
  __device__ void operator()(int64_t item) const {
    const int quads = quadsOf(rows.in), c = static_cast<int>(item % quads) * 4;
    const int64_t row = item / quads, window = row / rows.outTokens;
    const int middle = static_cast<int>(row % rows.outTokens) * rows.stride;
    float values[12] = {};  // 3 e + tap
#pragma unroll
    for (int tap = 0; tap < 3; ++tap) {
      const int token = middle + tap - 1;
      if (token < 0 || token >= rows.tokens) continue;
      float found[4];
      readQuad(rows.x, (window * rows.tokens + token) * rows.in, c, rows.in, found);
#pragma unroll
      for (int e = 0; e < 4; ++e) values[3 * e + tap] = found[e];
    }
    const int64_t at = row * 3 * rows.in + 3 * c;
#pragma unroll
    for (int i = 0; i < 12; i += 4) {
      if (rows.in % 4 == 0) {
        writeFour(y, at + i, {values[i], values[i + 1], values[i + 2], values[i + 3]});
        continue;
      }
#pragma unroll
      for (int e = i; e < i + 4; ++e) {
        if (3 * c + e < 3 * rows.in) write(y, at + e, values[e]);
      }
    }
  }
};

}  // namespace

ConstActivations CudaBackend::gatherRows(const ConvolutionRows& a, int64_t rows) {
  const int length = 3 * a.in;
  const Activations y =
      gathered_.activations(static_cast<size_t>(rows) * static_cast<size_t>(length), a.x.storage);
  forEach(stream(), rows * quadsOf(a.in), GatherRow{a, y});
  return y;
}
LibraryOperand CudaBackend::operandOf(const ConvolutionRowMajor& a, int64_t rows) {
  return {gatherRows(a, rows), 3 * a.in, true};
}
LibraryOperand CudaBackend::operandOf(const ConvolutionInnerMajor& a, int64_t rows) {
  return {gatherRows(a, rows), 3 * a.in, false};
}

// One kernel, the strided residual with it.
void CudaBackend::run(const StridedConvForward& op) {
  const int outTokens = outTokensOf(op.tokens, op.stride);
  const Epilogue epilogue{.y = op.y,
                          .bias = op.bias,
                          .dropout = dropoutMaskOf(op.dropout),
                          .residual = op.residual,
                          .outTokens = outTokens,
                          .tokens = op.tokens,
                          .stride = op.stride};
  matmul(static_cast<int64_t>(op.batch) * outTokens, op.out, 3 * static_cast<int64_t>(op.in),
         ConvolutionRowMajor{{op.x, op.in, op.tokens, outTokens, op.stride}},
         RowMajor{op.weight, 3 * op.in}, epilogue);
}

// dX = by two kernels: a plain matmul gives each output row's shares for its three tokens, then
// each token sums its shares. dWeight +=, dBias +=.
void CudaBackend::run(const StridedConvBackward& op) {
  const int outTokens = outTokensOf(op.tokens, op.stride), length = 3 * op.in;
  const int64_t rows = static_cast<int64_t>(op.batch) * outTokens;
  if (op.dX) {
    const Activations spread = partials_.activations(
        static_cast<size_t>(rows) * static_cast<size_t>(length), op.dX.storage);
    matmul(rows, length, op.out, RowMajor{op.dZ, op.out}, InnerMajor{op.weight, length},
           Epilogue{.y = spread});
    forEach(stream(), static_cast<int64_t>(op.batch) * op.tokens * quadsOf(op.in),
            TakeShares{op, spread, outTokens});
  }
  weightGradient(rows, op.dZ, op.out, length,
                 ConvolutionInnerMajor{{op.x, op.in, op.tokens, outTokens, op.stride}}, op.dWeight,
                 op.dBias);
}

void CudaBackend::run(const StridedResidualBackward& op) {
  const int outTokens = outTokensOf(op.tokens, op.stride);
  elementwise(stream(), static_cast<int64_t>(op.batch) * outTokens, op.channels, {},
              AddToKept{op, outTokens});
}

}  // namespace pstmo::cuda
