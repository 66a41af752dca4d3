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

// dX[b, t] = sum of the shares of the output rows that read token t, in the order of the taps,
// through the ReLU and dropout of the layer before. For elementwise().
struct TakeShares {
  StridedConvBackward op;
  ConstActivations spread;  // (B outTokens, 3 in)
  int outTokens;
  __device__ void operator()(int64_t row, int c, float) const {
    const int64_t window = row / op.tokens;
    const int token = static_cast<int>(row % op.tokens);
    float sum = 0;
#pragma unroll
    for (int tap = 0; tap < 3; ++tap) {
      const int at = token + 1 - tap;
      if (at >= 0 && at % op.stride == 0 && at / op.stride < outTokens)
        sum += read(spread, (window * outTokens + at / op.stride) * 3 * op.in + 3 * c + tap);
    }
    if (op.reluOutput)
      sum = read(op.reluOutput, row * op.in + c) > 0.0f ? sum * op.reluScale : 0.0f;
    write(op.dX, row * op.in + c, sum);
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

// y (rows, length) = the gathered rows, laid out in memory for cuBLASLt.
struct GatherRow {
  ConvolutionRows rows;
  int length;
  Activations y;
  __device__ void operator()(int64_t row, int j, float) const {
    write(y, row * length + j, rows.element(row, j));
  }
};

}  // namespace

ConstActivations CudaBackend::gatherRows(const ConvolutionRows& a, int64_t rows) {
  const int length = 3 * a.in;
  const Activations y =
      gathered_.activations(static_cast<size_t>(rows) * static_cast<size_t>(length), a.x.storage);
  elementwise(stream(), rows, length, {}, GatherRow{a, length, y});
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
    elementwise(stream(), static_cast<int64_t>(op.batch) * op.tokens, op.in, {},
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
