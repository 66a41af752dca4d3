// Measures the peaks of a device, which profiles are held against: arithmetic out of registers, a
// large matmul, and copies within its memory.
#include <device/peak-sizes.h>

#include <algorithm>

#include "cuda-device.h"
#include "kernels/fragments.h"

namespace pstmo {

namespace cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kChains = 8;  // independent sums a thread: enough for any latency

// kPeakSteps x kChains dependent multiply-adds a thread; the sums are written so that the compiler
// keeps them.
__global__ void __launch_bounds__(kThreads) multiplyAdds(float* sums) {
  float sum[kChains];
  const float factor = 0.999f - static_cast<float>(threadIdx.x) * 1e-6f;
#pragma unroll
  for (int i = 0; i < kChains; ++i) sum[i] = static_cast<float>(i);
  for (int step = 0; step < kPeakSteps; ++step) {
#pragma unroll
    for (int i = 0; i < kChains; ++i) sum[i] = sum[i] * factor + 0.5f;
  }
  float total = 0;
#pragma unroll
  for (int i = 0; i < kChains; ++i) total += sum[i];
  sums[blockIdx.x * blockDim.x + threadIdx.x] = total;
}

// The same by tensor cores: kPeakSteps x kChains products of fragments a warp. Fragment:
// TensorFloat or BrainFloat of fragments.h.
template <typename Fragment>
__global__ void __launch_bounds__(kThreads) multiplyTiles(float* sums) {
  const auto value = [](int i, int j) {
    return static_cast<float>((i * 37 + j * 11) % 64 - 31) / 64.0f;
  };
  const typename Fragment::Left left = Fragment::left(value);
  const typename Fragment::Right right = Fragment::right(value);
  float sum[kChains][4] = {};
  for (int step = 0; step < kPeakSteps; ++step) {
#pragma unroll
    for (int i = 0; i < kChains; ++i) Fragment::multiplyAdd(sum[i], left, right);
  }
  float total = 0;
#pragma unroll
  for (int i = 0; i < kChains; ++i) total += sum[i][0] + sum[i][1] + sum[i][2] + sum[i][3];
  sums[blockIdx.x * blockDim.x + threadIdx.x] = total;
}

// x (count) = small numbers that differ. A thread takes every (threads of the grid)-th element.
__global__ void fillSmall(float* x, int64_t count) {
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = first; i < count; i += stride)
    x[i] = static_cast<float>(i * 2654435761 % 1021 - 510) / 1024.0f;
}

class Memory {
 public:
  Memory(Backend& backend, size_t bytes) : backend_(backend), data_(backend.allocate(bytes)) {}
  ~Memory() { backend_.release(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  float* floats() const { return static_cast<float*>(data_); }

 private:
  Backend& backend_;
  void* data_;
};

// Seconds of the fastest run. The first run warms up; disturbances only slow a run down.
template <typename Run>
double fastest(Backend& backend, double seconds, const Run& run) {
  const std::unique_ptr<Timeline> timeline = backend.timeline();
  run();
  double best = 0, total = 0;
  do {
    timeline->begin("peak");
    run();
    timeline->end();
    const double time = timeline->read().front().seconds;
    best = best == 0 ? time : std::min(best, time);
    total += std::max(time, 1e-6);
  } while (total < seconds);
  return best;
}

}  // namespace

double CudaBackend::peak(double seconds) {
  const Memory sums(*this, sizeof(float) * kPeakBlocks * kThreads);
  const auto kernel = precision_ == Precision::fp32   ? multiplyAdds
                      : precision_ == Precision::tf32 ? multiplyTiles<TensorFloat>
                                                      : multiplyTiles<BrainFloat>;
  const double fragment =
      2.0 * 16 * 8 * (precision_ == Precision::tf32 ? TensorFloat::kInner : BrainFloat::kInner) /
      kWarp;
  const double flops = double(kPeakBlocks) * kThreads * kPeakSteps * kChains *
                       (precision_ == Precision::fp32 ? 2 : fragment);
  const double registers =
      flops / fastest(*this, seconds / 2, [&] {
        launch(kernel, dim3(kPeakBlocks), dim3(kThreads), 0, stream(), sums.floats());
      });

  constexpr int64_t kCount = int64_t{kPeakSide} * kPeakSide;
  const Memory x(*this, sizeof(float) * kCount), weight(*this, sizeof(float) * kCount),
      y(*this, sizeof(float) * kCount);
  for (const Memory* operand : {&x, &weight})
    launch(fillSmall, dim3(kPeakBlocks), dim3(kThreads), 0, stream(), operand->floats(), kCount);
  const LinearForward product{kPeakSide,       kPeakSide, kPeakSide, x.floats(),
                              weight.floats(), nullptr,   y.floats()};
  return std::max(registers,
                  2.0 * kCount * kPeakSide / fastest(*this, seconds / 2, [&] { run(product); })) /
         1e9;
}

double CudaBackend::copyRate(double seconds) {
  const Memory from(*this, kPeakCopyBytes), to(*this, kPeakCopyBytes);
  zero(from.floats(), kPeakCopyBytes);
  const double time = fastest(*this, seconds, [&] {
    check(cudaMemcpyAsync(to.floats(), from.floats(), kPeakCopyBytes, cudaMemcpyDeviceToDevice,
                          stream()),
          "copying on the GPU");
  });
  return 2.0 * kPeakCopyBytes / time / 1e9;
}

}  // namespace cuda

namespace {

cuda::CudaBackend usableBackend(int device, Precision precision) {
  const CudaState state = cudaState(device);
  if (!state.usable) throw Error(state.code, state.reason);
  return cuda::CudaBackend(device, precision, "auto");
}

}  // namespace

double measureCudaPeak(int device, Precision precision, double seconds) {
  return usableBackend(device, precision).peak(seconds);
}
double measureCudaCopy(int device, double seconds) {
  return usableBackend(device, Precision::fp32).copyRate(seconds);
}

}  // namespace pstmo
