// Products on the backend's stream: which arithmetic, which grid.
#pragma once

#include <type_traits>

#include "cuda-device.h"
#include "elementwise.h"

namespace pstmo::cuda {

// Rows reduced by one block of a weight gradient: fixed, so that sums do not depend on the device.
constexpr int kGradientRows = 1024;
constexpr int64_t kSmallestBf16 = 64;

template <typename Multiply, typename A, typename B>
void launchProduct(cudaStream_t stream, int64_t rows, int columns, int64_t inner, int64_t depth, const A& a, const B& b, const Epilogue& epilogue) {
  const dim3 grid(static_cast<unsigned>((rows + kTile - 1) / kTile), static_cast<unsigned>((columns + kTile - 1) / kTile), static_cast<unsigned>((inner + depth - 1) / depth));
  // Only the forward product of the spatial block takes moments.
  if constexpr (std::is_same_v<A, RowMajor> && std::is_same_v<B, RowMajor>) {
    if (epilogue.moments) {
      launch(productKernel<Multiply, A, B, true>, grid, dim3(kProductThreads), sizeof(ProductSmem), stream, rows, columns, inner, depth, a, b, epilogue);
      return;
    }
  }
  launch(productKernel<Multiply, A, B, false>, grid, dim3(kProductThreads), sizeof(ProductSmem), stream, rows, columns, inner, depth, a, b, epilogue);
}

template <typename A, typename B>
void launchProduct(Precision precision, cudaStream_t stream, int64_t rows, int columns, int64_t inner, int64_t depth, const A& a, const B& b, const Epilogue& epilogue) {
  switch (precision) {
    case Precision::fp32: return launchProduct<FloatMultiply>(stream, rows, columns, inner, depth, a, b, epilogue);
    case Precision::tf32: return launchProduct<TensorMultiply<TensorFloat>>(stream, rows, columns, inner, depth, a, b, epilogue);
    case Precision::bf16: return launchProduct<TensorMultiply<BrainFloat>>(stream, rows, columns, inner, depth, a, b, epilogue);
  }
}

// 34 -> 512 takes coordinates and 256 -> 51 gives them: near 1, bf16 would cost them up to 0.002. They stay in fp32, as on the CPU.
inline Precision CudaBackend::precisionOf(int64_t inner, int64_t columns) const {
  return precision_ == Precision::bf16 && (inner < kSmallestBf16 || columns < kSmallestBf16) ? Precision::fp32 : precision_;
}

template <typename A, typename B>
void CudaBackend::product(int64_t rows, int columns, int64_t inner, const A& a, const B& b, const Epilogue& epilogue) {
  const int64_t depth = (inner + kDepth - 1) / kDepth * kDepth;
  launchProduct(precisionOf(inner, columns), stream(), rows, columns, inner, depth, a, b, epilogue);
}

// Parts of a sum over the rows, added in order.
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

template <typename B>
void CudaBackend::weightGradient(int64_t rows, const float* dZ, int out, int length, const B& b, float* dWeight) {
  const int64_t splits = (rows + kGradientRows - 1) / kGradientRows, size = static_cast<int64_t>(out) * length;
  const Epilogue epilogue{.y = splits == 1 ? dWeight : partials_.floats(static_cast<size_t>(splits * size)), .accumulate = splits == 1};
  launchProduct(precisionOf(out, length), stream(), out, length, rows, kGradientRows, InnerMajor{dZ, out}, b, epilogue);
  if (splits > 1) forEach(stream_, size, AddSplits{epilogue.y, splits, size, dWeight});
}

}  // namespace pstmo::cuda
