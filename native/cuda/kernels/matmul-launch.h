// Matmuls on the backend's stream: by cuBLASLt or own kernels, in which arithmetic, on which grid.
#pragma once

#include <type_traits>

#include "../cuda-device.h"
#include "brain-float-matmul.h"
#include "elementwise.h"

namespace pstmo::cuda {

// Rows reduced by one block of a weight gradient: fixed, so that sums do not depend on the device.
constexpr int kGradientRows = 1024;
constexpr int64_t kDepthMultiple = 64;  // of every kernel's steps along the inner dimension
constexpr int64_t kSmallestBf16 = 64;

template <typename A, typename B>
void launchFloatMatmul(cudaStream_t stream, int64_t rows, int columns, int64_t inner, int64_t depth,
                       const A& a, const B& b, const Epilogue& epilogue) {
  const dim3 grid(static_cast<unsigned>((rows + kTile - 1) / kTile),
                  static_cast<unsigned>((columns + kTile - 1) / kTile),
                  static_cast<unsigned>((inner + depth - 1) / depth));
  // Only the forward matmul of the spatial block takes moments.
  if constexpr (std::is_same_v<A, RowMajor> && std::is_same_v<B, RowMajor>) {
    if (epilogue.moments) {
      launch(matmulKernel<A, B, true>, grid, dim3(kMatmulThreads), sizeof(MatmulSmem), stream, rows,
             columns, inner, depth, a, b, epilogue);
      return;
    }
  }
  launch(matmulKernel<A, B, false>, grid, dim3(kMatmulThreads), sizeof(MatmulSmem), stream, rows,
         columns, inner, depth, a, b, epilogue);
}

template <typename A, typename B>
void launchTensorMatmul(cudaStream_t stream, int64_t rows, int columns, int64_t inner,
                        int64_t depth, const A& a, const B& b, const Epilogue& epilogue) {
  const dim3 grid(static_cast<unsigned>((rows + kTensorTile - 1) / kTensorTile),
                  static_cast<unsigned>((columns + kTensorTile - 1) / kTensorTile),
                  static_cast<unsigned>((inner + depth - 1) / depth));
  launch(tensorMatmulKernel<A, B>, grid, dim3(kTensorThreads), 4 * kTensorStage * sizeof(uint32_t),
         stream, rows, columns, inner, depth, a, isAligned(a), b, isAligned(b), epilogue);
}

// to (rows, stride) as bf16 = from (rows, columns), or its transposed, and zeros behind each row.
// For forEach().
struct RoundRow {
  ConstActivations from;
  int64_t fromStride;
  bool transposed;
  int columns, stride;
  Activations to;
  __device__ void operator()(int64_t i) const {
    const int64_t row = i / stride, column = i % stride;
    write(to, i,
          column < columns
              ? read(from, transposed ? column * fromStride + row : row * fromStride + column)
              : 0.0f);
  }
};

inline BrainOperand CudaBackend::rounded(const ConstActivations& from, int fromStride,
                                         bool transposed, int64_t rows, int columns,
                                         Scratch& scratch) {
  const bool lies = !transposed && from.storage == Storage::bfloat16 && fromStride % 8 == 0 &&
                    columns % 8 == 0 && reinterpret_cast<uintptr_t>(from.data) % 16 == 0;
  if (lies) return {static_cast<const uint32_t*>(from.data), fromStride / 2};
  const int stride = (columns + 7) / 8 * 8;
  const int64_t count = rows * stride;
  const Activations to = scratch.activations(static_cast<size_t>(count), Storage::bfloat16);
  forEach(stream(), count, RoundRow{from, fromStride, transposed, columns, stride, to});
  return {static_cast<const uint32_t*>(to.data), stride / 2};
}

// Where the right side alone lies the other way, as weights do on the way back, its copy is
// transposed.
template <typename A, typename B>
void CudaBackend::launchBrainFloatMatmul(int64_t rows, int columns, int64_t inner, int64_t depth,
                                         const A& a, const B& b, const Epilogue& epilogue) {
  constexpr bool kInnerFirst = A::kInnerFirst;
  static_assert(kInnerFirst || !B::kInnerFirst, "a weight's gradient takes both the other way");
  const auto operand = [&](const auto& from, bool transposed, int64_t count, Scratch& scratch) {
    return kInnerFirst
               ? rounded(from.data, from.stride, transposed, count, static_cast<int>(inner),
                         scratch)
               : rounded(from.data, from.stride, false, inner, static_cast<int>(count), scratch);
  };
  const BrainOperand left = operand(a, false, rows, rounded_[0]),
                     right = operand(b, !B::kInnerFirst, columns, rounded_[1]);
  const dim3 grid(static_cast<unsigned>((rows + kTensorTile - 1) / kTensorTile),
                  static_cast<unsigned>((columns + kTensorTile - 1) / kTensorTile),
                  static_cast<unsigned>((inner + depth - 1) / depth));
  launch(brainFloatMatmulKernel<kInnerFirst>, grid, dim3(kTensorThreads),
         4 * kBrainStage<kInnerFirst> * sizeof(uint32_t), stream(), rows, columns, inner, depth,
         left, right, epilogue);
}

// A convolution's gathered rows are laid out in memory for the tensor cores.
template <typename A, typename B>
void CudaBackend::launchMatmul(Precision precision, int64_t rows, int columns, int64_t inner,
                               int64_t depth, const A& a, const B& b, const Epilogue& epilogue) {
  if (precision == Precision::fp32) {
    launchFloatMatmul(stream(), rows, columns, inner, depth, a, b, epilogue);
  } else if constexpr (std::is_base_of_v<ConvolutionRows, A>) {
    launchMatmul(precision, rows, columns, inner, depth, RowMajor{gatherRows(a, rows), 3 * a.in}, b,
                 epilogue);
  } else if constexpr (std::is_base_of_v<ConvolutionRows, B>) {
    launchMatmul(precision, rows, columns, inner, depth, a,
                 InnerMajor{gatherRows(b, inner), 3 * b.in}, epilogue);
  } else if (precision == Precision::tf32) {
    launchTensorMatmul(stream(), rows, columns, inner, depth, a, b, epilogue);
  } else {
    launchBrainFloatMatmul(rows, columns, inner, depth, a, b, epilogue);
  }
}

// 34 -> 512 takes coordinates and 256 -> 51 gives them: near 1, bf16 would cost them up to 0.002.
// They stay in fp32, as on the CPU.
inline Precision CudaBackend::precisionOf(int64_t inner, int64_t columns) const {
  return precision_ == Precision::bf16 && (inner < kSmallestBf16 || columns < kSmallestBf16)
             ? Precision::fp32
             : precision_;
}

// The rest of the epilogue on a result that lies in y with its bias, after cuBLASLt. For
// elementwise().
struct FinishMatmul {
  Epilogue op;
  int columns;
  __device__ void operator()(int64_t row, int column, float factor) const {
    const int64_t at = row * columns + column;
    write(op.y, at, finished(op, read(op.y, at), row, column, columns, factor));
  }
};

// cuBLASLt's epilogues do bias, ReLU and, without ReLU, one matrix added. Batch norm, dropout, the
// mask of an earlier ReLU and residuals beside them are a kernel after it, which reads y. A sum or
// residual that lay in y before would then be lost. Its ReLU with a mask kept (RELU_AUX) and the
// way back through it with the bias's gradient (DRELU_BGRAD) are not asked for: the mask is that of
// ReLU alone, and a dropout follows every ReLU here. Its sums would be taken before the dropout's
// mask, and where a bit of its mask lies is not documented, so that no other mask can be put in its
// place. The output itself says more: it is 0 where either of the two cut. The bias's gradient
// comes with the weight's (BGRADB) for every layer, with ReLU or without.
template <typename A, typename B>
bool CudaBackend::matmulByLibrary(int64_t rows, int columns, int64_t inner, const A& a, const B& b,
                                  const Epilogue& epilogue) {
  const bool inPlace = epilogue.accumulate || epilogue.residual.data == epilogue.y.data,
             strided = epilogue.outTokens != epilogue.tokens;
  const bool finish = epilogue.mean || epilogue.dropout.active || epilogue.reluOutput ||
                      (epilogue.residual && (epilogue.relu || strided));
  if (epilogue.moments || (finish && inPlace) ||
      (epilogue.accumulate && (epilogue.relu || epilogue.residual)))
    return false;
  LibraryMatmul product{rows,      columns, inner, operandOf(a, rows), operandOf(b, columns),
                        epilogue.y};
  product.bias = epilogue.bias;
  product.relu = epilogue.relu && !epilogue.mean;
  if (!finish)
    product.added = epilogue.accumulate ? ConstActivations(epilogue.y) : epilogue.residual;
  if (!runByLibrary(precisionOf(inner, columns), product)) return false;
  if (finish)
    elementwise(stream_, rows, columns, epilogue.dropout, FinishMatmul{epilogue, columns});
  return true;
}

template <typename A, typename B>
void CudaBackend::matmul(int64_t rows, int columns, int64_t inner, const A& a, const B& b,
                         const Epilogue& epilogue) {
  if (library_ && matmulByLibrary(rows, columns, inner, a, b, epilogue)) return;
  const int64_t depth = (inner + kDepthMultiple - 1) / kDepthMultiple * kDepthMultiple;
  launchMatmul(precisionOf(inner, columns), rows, columns, inner, depth, a, b, epilogue);
}

// sum += the parts of a weight gradient (count, size), added in order. For forEach().
struct AddSplits {
  const float* parts;
  int64_t count, size;
  float* sum;
  __device__ void operator()(int64_t i) const {
    float total = 0;
    for (int64_t part = 0; part < count; ++part) total += parts[part * size + i];
    sum[i] += total;
  }
};

// total += sums. For forEach().
struct AddSums {
  const float* sums;
  float* total;
  __device__ void operator()(int64_t i) const { total[i] += sums[i]; }
};

// The bias's gradient comes with the weight's, by an epilogue, where the library has one for this
// shape.
template <typename B>
bool CudaBackend::weightGradientByLibrary(int64_t rows, const ConstActivations& dZ, int out,
                                          int length, const B& b, float* dWeight, float* dBias) {
  LibraryMatmul product{out, length, rows, {dZ, out, false}, operandOf(b, rows), dWeight};
  product.added = dWeight;
  const Precision precision = precisionOf(out, length);
  if (dBias) {
    product.leftSums = sums_.floats(static_cast<size_t>(out));
    if (runByLibrary(precision, product)) {
      forEach(stream_, out, AddSums{product.leftSums, dBias});
      return true;
    }
    product.leftSums = nullptr;
  }
  if (!runByLibrary(precision, product)) return false;
  if (dBias) addColumnSums(rows, out, dZ, dBias);
  return true;
}

template <typename B>
void CudaBackend::weightGradient(int64_t rows, const ConstActivations& dZ, int out, int length,
                                 const B& b, float* dWeight, float* dBias) {
  if (dWeight && library_ && weightGradientByLibrary(rows, dZ, out, length, b, dWeight, dBias))
    return;
  if (dWeight) {
    const int64_t splits = (rows + kGradientRows - 1) / kGradientRows,
                  size = static_cast<int64_t>(out) * length;
    float* parts = splits == 1 ? dWeight : partials_.floats(static_cast<size_t>(splits * size));
    const Epilogue epilogue{.y = parts, .accumulate = splits == 1};
    launchMatmul(precisionOf(out, length), out, length, rows, kGradientRows, InnerMajor{dZ, out}, b,
                 epilogue);
    if (splits > 1) forEach(stream_, size, AddSplits{parts, splits, size, dWeight});
  }
  if (dBias) addColumnSums(rows, out, dZ, dBias);
}

}  // namespace pstmo::cuda
