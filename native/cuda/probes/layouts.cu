// Prints how each function of ptx.h, warp.h and the headers built on them treats the lanes of a
// warp: the emulated device's answer is kept in test/fixtures/cuda-layouts.txt, and a GPU must give
// the same. Where it does not, the emulation believes something wrong of the hardware.
//
// Products are asked without trusting the fragments' own idea of a fragment: one element of A's
// registers is 1 and the others 0, B's registers hold their own numbers, so each element of C that
// is not 0 says which element of B it met. One line each:
//   <format> A lane.register.half -> C lane.element = B's number, ...
#include <device/ptx.h>

#include <cstdio>
#include <string>
#include <vector>

#include "../kernels/fragments.h"
#include "../kernels/lanes.h"

namespace pstmo::cuda {

void check(cudaError_t status, const std::string& doing) {
  if (status != cudaSuccess)
    throw Error("ERR_CUDA_DRIVER", std::string(cudaGetErrorString(status)) + " while " + doing);
}

void allowSharedBytes(const void*, size_t) {}  // no kernel here takes more than any may

namespace {

constexpr int kElements = 4;  // of an accumulator, a lane

// Elements in a register: one tf32, or two bf16.
template <typename Fragment>
constexpr int kHalves = Fragment::kInner / 8;

template <typename Fragment>
__device__ uint32_t registerOf(float low, [[maybe_unused]] float high) {
  if constexpr (kHalves<Fragment> == 1) {
    return toTensorFloat(low);
  } else {
    return brainFloatPair(low, high);
  }
}

// Block p: element p of A is 1. c (blocks, 32, 4).
template <typename Fragment>
__global__ void askMatmul(float* c) {
  constexpr int halves = kHalves<Fragment>;
  const int lane = laneOfWarp(), asked = static_cast<int>(blockIdx.x);
  LeftRegisters a{};
  RightRegisters b{};
  for (int r = 0; r < 4; ++r) {
    const int first = (lane * 4 + r) * halves;
    a.r[r] = registerOf<Fragment>(first == asked ? 1.0f : 0.0f, first + 1 == asked ? 1.0f : 0.0f);
  }
  // Numbers from 1 to 128: bf16 holds each exactly.
  for (int r = 0; r < 2; ++r) {
    const int first = (lane * 2 + r) * halves + 1;
    b.r[r] = registerOf<Fragment>(static_cast<float>(first), static_cast<float>(first + 1));
  }
  float sum[kElements] = {};
  Fragment::multiplyAdd(sum, a, b);
  for (int e = 0; e < kElements; ++e) c[(asked * kWarp + lane) * kElements + e] = sum[e];
}

// bits (count, 2): of each value as tf32, and of the pair (value, -value / 3) as bf16.
__global__ void askRounding(const float* values, int count, uint32_t* bits) {
  const int lane = laneOfWarp();
  if (lane >= count) return;
  bits[2 * lane] = toTensorFloat(values[lane]);
  bits[2 * lane + 1] = brainFloatPair(values[lane], -values[lane] / 3.0f);
}

// y (kShuffles, 32) of lane numbers: exchanged, in float and double, summed and maximal over groups
// of 8 and over all.
constexpr int kShuffles = 10;
__global__ void askShuffles(float* y) {
  const int lane = laneOfWarp();
  const float value = static_cast<float>(lane * lane % 37);
  const auto put = [&](int row, float result) { y[row * kWarp + lane] = result; };
  put(0, shuffleXor(value, 1));
  put(1, shuffleXor(value, 2));
  put(2, shuffleXor(value, 4));
  put(3, shuffleXor(value, 16));
  put(4, static_cast<float>(shuffleXor(static_cast<double>(value), 8)));
  put(5, sumOfLanes(value));
  put(6, sumOfLanes<8>(value));
  put(7, maximumOfLanes(value));
  put(8, maximumOfLanes<8>(value));
  put(9, shuffleFrom(value, (lane * 5 + 3) % kWarp));
}

// Sixteen rows of sixteen numbers of 16 bits go to shared memory by asynchronous copies, row 3 as
// zeros, and from there to registers (32, {transposed, plain}, 4).
constexpr int kCopied = 16, kCopiedWords = 8;
struct CopySmem {
  uint32_t words[SharedWords::size(kCopied, kCopiedWords)];
};
__global__ void askCopies(const uint32_t* from, uint32_t* registers) {
  auto& smem = sharedMemory<CopySmem>();
  const SharedWords rows{smem.words, kCopied, kCopiedWords};
  const int lane = laneOfWarp(), row = lane / 2, word = lane % 2 * 4;
  AsyncCopies copies;
  copies.copy4(rows, row, word, from + row * kCopiedWords + word, row != 3);
  copies.land();
  syncWarp();
  const MatrixRow<kCopiedWords> given(rows, lane % 16, lane / 16 * 4);
  uint32_t plain[4], transposed[4];
  given.load<0, 0>(plain);
  given.loadTransposed<0, 0>(transposed);
  for (int r = 0; r < 4; ++r) {
    registers[lane * 8 + r] = transposed[r];
    registers[lane * 8 + 4 + r] = plain[r];
  }
}

template <typename T>
class DeviceValues {
 public:
  explicit DeviceValues(size_t count) : count_(count) {
    void* memory = nullptr;
    check(cudaMalloc(&memory, count * sizeof(T)), "asking for memory");
    data_ = static_cast<T*>(memory);
  }
  ~DeviceValues() { (void)cudaFree(data_); }
  DeviceValues(const DeviceValues&) = delete;
  DeviceValues& operator=(const DeviceValues&) = delete;
  T* data() const { return data_; }
  std::vector<T> read() const {
    std::vector<T> host(count_);
    check(cudaMemcpyAsync(host.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost, nullptr),
          "copying from the GPU");
    check(cudaStreamSynchronize(nullptr), "waiting for the GPU");
    return host;
  }

 private:
  size_t count_;
  T* data_ = nullptr;
};

template <typename Fragment>
void sayMatmul(const char* name) {
  constexpr int halves = kHalves<Fragment>, asked = kWarp * 4 * halves;
  const DeviceValues<float> c(size_t{asked} * kWarp * kElements);
  launch(askMatmul<Fragment>, dim3(asked), dim3(kWarp), 0, nullptr, c.data());
  const std::vector<float> values = c.read();
  for (int p = 0; p < asked; ++p) {
    std::printf("%s A %d.%d.%d ->", name, p / halves / 4, p / halves % 4, p % halves);
    for (int i = 0; i < kWarp * kElements; ++i) {
      const float met = values[static_cast<size_t>(p * kWarp * kElements + i)];
      if (met != 0)
        std::printf(" %d.%d=%g", i / kElements, i % kElements, static_cast<double>(met));
    }
    std::printf("\n");
  }
}

void sayRounding() {
  // Halves between two neighbours of both formats, on both sides of zero; the largest and the
  // smallest normal number; infinity.
  const std::vector<float> values = {0.0f,
                                     1.0f,
                                     -1.0f,
                                     0.1f,
                                     1.00048828125f,
                                     1.00146484375f,
                                     -1.00048828125f,
                                     1.00390625f,
                                     1.01171875f,
                                     -1.00390625f,
                                     3.0f,
                                     1e30f,
                                     -1e-30f,
                                     3.4028234e38f,
                                     1.1754944e-38f,
                                     1.0f / 0.0f};
  const DeviceValues<float> input(values.size());
  const DeviceValues<uint32_t> bits(2 * values.size());
  check(cudaMemcpyAsync(input.data(), values.data(), values.size() * sizeof(float),
                        cudaMemcpyHostToDevice, nullptr),
        "copying to the GPU");
  launch(askRounding, dim3(1), dim3(kWarp), 0, nullptr, static_cast<const float*>(input.data()),
         static_cast<int>(values.size()), bits.data());
  const std::vector<uint32_t> answer = bits.read();
  // The lowest 13 bits of a tf32 are not read by the tensor cores, and what they hold is not
  // promised.
  for (size_t i = 0; i < values.size(); ++i) {
    std::printf("round %.9g tf32 %08x bf16x2 %08x\n", static_cast<double>(values[i]),
                answer[2 * i] & 0xFFFFE000u, answer[2 * i + 1]);
  }
}

void sayShuffles() {
  const char* names[kShuffles] = {
      "xor 1", "xor 2",    "xor 4",   "xor 16",       "xor 8 of doubles",
      "sum",   "sum of 8", "maximum", "maximum of 8", "from lane 5 l + 3"};
  const DeviceValues<float> y(kShuffles * kWarp);
  launch(askShuffles, dim3(1), dim3(kWarp), 0, nullptr, y.data());
  const std::vector<float> values = y.read();
  for (int row = 0; row < kShuffles; ++row) {
    std::printf("%s", names[row]);
    for (int lane = 0; lane < kWarp; ++lane)
      std::printf(" %g", static_cast<double>(values[static_cast<size_t>(row * kWarp + lane)]));
    std::printf("\n");
  }
}

void sayCopies() {
  std::vector<uint32_t> numbers(kCopied * kCopiedWords);
  for (uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = (2 * i + 1) << 16 | 2 * i;
  const DeviceValues<uint32_t> from(numbers.size()), registers(kWarp * 8);
  check(cudaMemcpyAsync(from.data(), numbers.data(), numbers.size() * sizeof(uint32_t),
                        cudaMemcpyHostToDevice, nullptr),
        "copying to the GPU");
  launch(askCopies, dim3(1), dim3(kWarp), sizeof(CopySmem), nullptr,
         static_cast<const uint32_t*>(from.data()), registers.data());
  const std::vector<uint32_t> answer = registers.read();
  const auto say = [&](const char* how, size_t first) {
    for (size_t lane = 0; lane < kWarp; ++lane) {
      std::printf("copied and %s %zu:", how, lane);
      for (size_t r = first; r < first + 4; ++r)
        std::printf(" %u %u", answer[lane * 8 + r] & 0xFFFFu, answer[lane * 8 + r] >> 16);
      std::printf("\n");
    }
  };
  say("transposed", 0);
  say("loaded", 4);
}

}  // namespace
}  // namespace pstmo::cuda

int main() {
  using namespace pstmo::cuda;
  try {
    sayMatmul<TensorFloat>("tf32");
    sayMatmul<BrainFloat>("bf16");
    sayRounding();
    sayShuffles();
    sayCopies();
  } catch (const pstmo::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
