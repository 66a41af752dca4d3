// Rates that decide how the kernels should be built, one line of JSON each: how fast L2 and memory
// are read, with and without cluster multicast; how fast exp2 is; how fast Hopper's own matmul
// instruction is at 32 and at 128 columns. For real devices alone.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

void check(cudaError_t status, const char* doing) {
  if (status == cudaSuccess) return;
  std::fprintf(stderr, "CUDA said \"%s\" while %s.\n", cudaGetErrorString(status), doing);
  std::exit(1);
}

int multiprocessors = 0;

// Seconds of the fastest of ten runs, the first left out.
template <typename Run>
double fastest(const Run& run) {
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin), "making an event");
  check(cudaEventCreate(&end), "making an event");
  float best = 0;
  for (int i = 0; i <= 10; ++i) {
    check(cudaEventRecord(begin), "noting the time");
    run();
    check(cudaGetLastError(), "starting a kernel");
    check(cudaEventRecord(end), "noting the time");
    check(cudaEventSynchronize(end), "running a kernel");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end), "reading the time");
    if (i > 0) best = best == 0 ? milliseconds : std::min(best, milliseconds);
  }
  check(cudaEventDestroy(begin), "freeing an event");
  check(cudaEventDestroy(end), "freeing an event");
  return best / 1e3;
}

void say(const char* name, double value, const char* unit) {
  std::printf("{\"probe\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", name, value, unit);
  std::fflush(stdout);
}

class Memory {
 public:
  explicit Memory(size_t bytes) { check(cudaMalloc(&data_, bytes), "asking for memory"); }
  ~Memory() { (void)cudaFree(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

// All blocks read all of it `rounds` times, each from another place on, past the first-level cache.
__global__ void __launch_bounds__(512)
    readAll(const float4* x, int64_t count, int rounds, float* sums) {
  float total = 0;
  const int64_t threads = int64_t{gridDim.x} * blockDim.x,
                own = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (int round = 0; round < rounds; ++round) {
    for (int64_t i = own; i < count; i += 4 * threads) {
      float4 v[4];
#pragma unroll
      for (int j = 0; j < 4; ++j)
        v[j] = i + j * threads < count ? __ldcg(x + i + j * threads) : float4{};
#pragma unroll
      for (int j = 0; j < 4; ++j) total += v[j].x + v[j].y + v[j].z + v[j].w;
    }
  }
  if (total == 12345.0f) sums[0] = total;
}

void readRate(const char* name, size_t bytes, int rounds) {
  const Memory x(bytes), sums(sizeof(float));
  check(cudaMemset(x.data(), 0, bytes), "clearing memory");
  const auto count = static_cast<int64_t>(bytes / sizeof(float4));
  const double seconds = fastest([&] {
    readAll<<<2 * multiprocessors, 512>>>(static_cast<const float4*>(x.data()), count, rounds,
                                          static_cast<float*>(sums.data()));
  });
  say(name, static_cast<double>(bytes) * rounds / seconds / 1e9, "GB/s");
}

constexpr int kExponentials = 4096;
__global__ void __launch_bounds__(256) exponentials(float* sums) {
  float value[8];
#pragma unroll
  for (int i = 0; i < 8; ++i) value[i] = -0.001f * static_cast<float>(threadIdx.x + i);
  for (int step = 0; step < kExponentials; ++step) {
#pragma unroll
    for (int i = 0; i < 8; ++i) asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(value[i]));
  }
  float total = 0;
#pragma unroll
  for (int i = 0; i < 8; ++i) total += value[i];
  sums[blockIdx.x * blockDim.x + threadIdx.x] = total;
}

constexpr int kTileBytes = 32768;  // of weights, as a block would load a stage of them
constexpr int kMatmuls = 2048;     // along the inner dimension, 16 each

#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)

__device__ uint32_t sharedAddress(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

// Blocks load the same tiles one after another, as blocks that share weights do. Shared: a cluster
// of two, where each loads half of a tile into both. A stage has arrived when its barrier has
// counted its bytes.
template <bool kShared>
__global__ void __launch_bounds__(128) loadTiles(const unsigned char* tiles, int count) {
  extern __shared__ __align__(128) unsigned char stage[];  // two stages
  __shared__ __align__(8) uint64_t arrived[2];
  uint32_t rank = 0;
  if (kShared) asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  const auto meet = [] {
    if (kShared) {
      asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
    } else {
      __syncthreads();
    }
  };
  if (threadIdx.x == 0) {
    for (int s = 0; s < 2; ++s)
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(sharedAddress(arrived + s))
                   : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  meet();
  const auto load = [&](int tile) {
    const int s = tile % 2;
    const uint32_t barrier = sharedAddress(arrived + s);
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier),
                 "r"(kTileBytes)
                 : "memory");
    constexpr int bytes = kShared ? kTileBytes / 2 : kTileBytes;
    const uint32_t to = sharedAddress(stage + s * kTileBytes) + rank * bytes;
    const unsigned char* from = tiles + static_cast<size_t>(tile) * kTileBytes + rank * bytes;
    if (kShared) {
      asm volatile(
          "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
          "[%0], [%1], %2, [%3], %4;" ::"r"(to),
          "l"(from), "r"(bytes), "r"(barrier), "h"(static_cast<uint16_t>(3))
          : "memory");
    } else {
      asm volatile(
          "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, "
          "[%3];" ::"r"(to),
          "l"(from), "r"(bytes), "r"(barrier)
          : "memory");
    }
  };
  if (threadIdx.x == 0) load(0);
  for (int tile = 0; tile < count; ++tile) {
    // Both blocks have left a stage before either fills it again.
    meet();
    if (threadIdx.x == 0 && tile + 1 < count) load(tile + 1);
    const uint32_t barrier = sharedAddress(arrived + tile % 2), phase = tile / 2 % 2;
    uint32_t done = 0;
    while (done == 0) {
      asm volatile(
          "{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, "
          "1, 0, p;\n}"
          : "=r"(done)
          : "r"(barrier), "r"(phase)
          : "memory");
    }
  }
  meet();
}

// 128 bytes a row of 64 elements, rows in groups of eight, in the hardware's 128-byte pattern.
__device__ uint64_t operand(const void* shared) {
  return (sharedAddress(shared) & 0x3FFFFu) >> 4 | uint64_t{1} << 16 | uint64_t{1024 >> 4} << 32 |
         uint64_t{1} << 62;
}

template <int kColumns>
__device__ void multiply(float (&c)[kColumns / 2], uint64_t a, uint64_t b);

template <>
__device__ void multiply<32>(float (&c)[16], uint64_t a, uint64_t b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, %16, %17, 1, 1, 1, 0, 0;"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]),
        "+f"(c[7]), "+f"(c[8]), "+f"(c[9]), "+f"(c[10]), "+f"(c[11]), "+f"(c[12]), "+f"(c[13]),
        "+f"(c[14]), "+f"(c[15])
      : "l"(a), "l"(b));
}

template <>
__device__ void multiply<128>(float (&c)[64], uint64_t a, uint64_t b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%"
      "25,%26,%27,%28,"
      "%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,"
      "%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}, %64, %65, 1, 1, 1, 0, 0;"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]),
        "+f"(c[7]), "+f"(c[8]), "+f"(c[9]), "+f"(c[10]), "+f"(c[11]), "+f"(c[12]), "+f"(c[13]),
        "+f"(c[14]), "+f"(c[15]), "+f"(c[16]), "+f"(c[17]), "+f"(c[18]), "+f"(c[19]), "+f"(c[20]),
        "+f"(c[21]), "+f"(c[22]), "+f"(c[23]), "+f"(c[24]), "+f"(c[25]), "+f"(c[26]), "+f"(c[27]),
        "+f"(c[28]), "+f"(c[29]), "+f"(c[30]), "+f"(c[31]), "+f"(c[32]), "+f"(c[33]), "+f"(c[34]),
        "+f"(c[35]), "+f"(c[36]), "+f"(c[37]), "+f"(c[38]), "+f"(c[39]), "+f"(c[40]), "+f"(c[41]),
        "+f"(c[42]), "+f"(c[43]), "+f"(c[44]), "+f"(c[45]), "+f"(c[46]), "+f"(c[47]), "+f"(c[48]),
        "+f"(c[49]), "+f"(c[50]), "+f"(c[51]), "+f"(c[52]), "+f"(c[53]), "+f"(c[54]), "+f"(c[55]),
        "+f"(c[56]), "+f"(c[57]), "+f"(c[58]), "+f"(c[59]), "+f"(c[60]), "+f"(c[61]), "+f"(c[62]),
        "+f"(c[63])
      : "l"(a), "l"(b));
}

// Three warpgroups a block, each 64 x kColumns, four steps of 16 along the inner dimension between
// waits; random bf16 in shared memory.
template <int kColumns>
__global__ void __launch_bounds__(384, 1) matmul(float* sums) {
  extern __shared__ __align__(
      1024) unsigned char operands[];  // A (three of 64 rows), B (kColumns rows), 128 bytes a row
  for (int i = static_cast<int>(threadIdx.x); i < (192 + kColumns) * 64; i += 384) {
    const auto bits = static_cast<uint32_t>(i) * 2654435761u;
    reinterpret_cast<uint16_t*>(operands)[i] =
        static_cast<uint16_t>(0x3C00u | (bits >> 16 & 0x83FFu));
  }
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
  const uint64_t a = operand(operands + threadIdx.x / 128 * 8192), b = operand(operands + 3 * 8192);
  float c[kColumns / 2] = {};
  for (int step = 0; step < kMatmuls; step += 4) {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int k = 0; k < 4; ++k) multiply<kColumns>(c, a + 2 * k, b + 2 * k);
    asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
  }
  float total = 0;
#pragma unroll
  for (int i = 0; i < kColumns / 2; ++i) total += c[i];
  sums[blockIdx.x * blockDim.x + threadIdx.x] = total;
}

#else  // other devices than Hopper: the kernels exist, and are not started

template <bool kShared>
__global__ void loadTiles(const unsigned char*, int) {}
template <int kColumns>
__global__ void matmul(float*) {}

#endif

template <bool kShared>
void tileRate(const char* name) {
  constexpr int kTiles = 192;  // 6.3 MB, as a model's weights in bf16
  const Memory tiles(size_t{kTiles} * kTileBytes);
  check(cudaMemset(tiles.data(), 0, size_t{kTiles} * kTileBytes), "clearing memory");
  check(cudaFuncSetAttribute(loadTiles<kShared>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             2 * kTileBytes),
        "asking for shared memory");
  const int blocks = multiprocessors / 2 * 2;
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {kShared ? 2u : 1u, 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(128);
  config.dynamicSmemBytes = 2 * kTileBytes;
  config.attrs = &cluster;
  config.numAttrs = 1;
  const double seconds = fastest([&] {
    check(cudaLaunchKernelEx(&config, loadTiles<kShared>,
                             static_cast<const unsigned char*>(tiles.data()), kTiles),
          "starting a kernel");
  });
  say(name, double(blocks) * kTiles * kTileBytes / seconds / 1e9, "GB/s into shared memory");
}

template <int kColumns>
void productRate(const char* name) {
  const Memory sums(sizeof(float) * 384 * static_cast<size_t>(multiprocessors));
  constexpr int kBytes = (192 + kColumns) * 128;
  check(cudaFuncSetAttribute(matmul<kColumns>, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes),
        "asking for shared memory");
  const double seconds = fastest([&] {
    matmul<kColumns><<<multiprocessors, 384, kBytes>>>(static_cast<float*>(sums.data()));
  });
  say(name, 2.0 * 64 * kColumns * 16 * kMatmuls * 3 * multiprocessors / seconds / 1e12, "TFLOP/s");
}

}  // namespace

int main() {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "asking for the device");
  multiprocessors = properties.multiProcessorCount;
  std::printf(
      "{\"probe\": \"device\", \"value\": \"%s\", \"multiprocessors\": %d, \"l2Bytes\": %d}\n",
      properties.name, multiprocessors, properties.l2CacheSize);
  readRate("L2 read", size_t{16} << 20, 64);
  readRate("memory read", size_t{4} << 30, 1);
  const Memory sums(sizeof(float) * 256 * 8 * static_cast<size_t>(multiprocessors));
  const double seconds = fastest(
      [&] { exponentials<<<8 * multiprocessors, 256>>>(static_cast<float*>(sums.data())); });
  say("exp2", 8.0 * multiprocessors * 256 * 8 * kExponentials / seconds / 1e9, "G a second");
  if (properties.major == 9) {
    productRate<32>("wgmma, 32 columns, bf16");
    productRate<128>("wgmma, 128 columns, bf16");
    tileRate<false>("tiles from L2, each block its own");
    tileRate<true>("tiles from L2, two blocks share by multicast");
  }
  return 0;
}
