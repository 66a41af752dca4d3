// The CPU backend itself: which instruction set, memory, and how rows are shared out.
#include "cpu-backend.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>

#include "../core/error.h"
#include "../core/memory.h"
#include "cpu-device.h"

namespace pstmo {

namespace cpu {
namespace {

// Rows of a partial sum: fixed, so that sums do not depend on the number of threads.
constexpr int kReduceRows = 64;

const Kernels& chooseKernels(const std::string& isa, Precision precision) {
  const std::string wanted = chooseCpuIsa(isa, precision);
#if defined(__x86_64__)
  if (wanted == "avx512")
    return precision == Precision::bf16 ? avx512bf16Kernels() : avx512Kernels();
  if (wanted == "avx2") return avx2Kernels();
#endif
  return portableKernels();
}

}  // namespace
}  // namespace cpu

std::string chooseCpuIsa(const std::string& isa, Precision precision) {
  std::string wanted = isa;
  if (const char* forced = std::getenv("PSTMO_CPU_ISA"); forced && *forced && wanted == "auto")
    wanted = forced;
  const auto have = cpuIsas();
  if (wanted == "auto") wanted = have.front();
  if (std::find(have.begin(), have.end(), wanted) == have.end()) {
    std::string list;
    for (const auto& name : have) list += (list.empty() ? "" : ", ") + name;
    throw Error("ERR_UNSUPPORTED", "The CPU instruction set '" + wanted +
                                       "' was asked for, but this machine has: " + list + ".");
  }
  if (precision == Precision::tf32)
    throw Error("ERR_UNSUPPORTED",
                "precision 'tf32' exists on CUDA devices alone; the CPU takes 'fp32' or 'bf16'.");
  if (precision == Precision::bf16 && (wanted != "avx512" || !cpuHasBf16())) {
    throw Error("ERR_UNSUPPORTED",
                "precision 'bf16' on the CPU needs the AVX-512 BF16 instructions, which this "
                "machine or the chosen instruction set ('" +
                    wanted + "') lacks; use 'fp32'.");
  }
  return wanted;
}

std::vector<std::string> cpuIsas() {
  std::vector<std::string> names;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("fma")) {
    names.push_back("avx512");
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) names.push_back("avx2");
#endif
  names.push_back("portable");
  return names;
}

bool cpuHasBf16() {
#if defined(__x86_64__)
  return cpuIsas().front() == "avx512" && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

std::unique_ptr<Backend> makeCpuBackend(int threads, Precision precision, const std::string& isa) {
  return std::make_unique<cpu::CpuBackend>(threads, precision, isa);
}

double measureCpuPeak(int threads, Precision precision, const std::string& isa, double seconds) {
  const cpu::Kernels& kernels = cpu::chooseKernels(isa, precision);
  ThreadPool pool(threads);
  const auto multiplyAdds =
      precision == Precision::bf16 ? kernels.multiplyAddsBf16 : kernels.multiplyAdds;
  const auto start = std::chrono::steady_clock::now();
  std::vector<double> done(pool.threads());
  pool.run(pool.threads(), [&](int item, int) {
    do done[item] += multiplyAdds(100000);
    while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() <
           seconds);
  });
  double total = 0;
  for (const double operations : done) total += operations;
  return total / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
         1e9;
}

double measureCpuCopy(int threads, double seconds) {
  constexpr size_t kBytes = size_t{32} << 20;
  ThreadPool pool(threads);
  std::vector<std::vector<char>> blocks(2 * pool.threads(), std::vector<char>(kBytes, 1));
  const auto start = std::chrono::steady_clock::now();
  std::vector<double> copied(pool.threads());
  pool.run(pool.threads(), [&](int item, int) {
    do {
      std::memcpy(blocks[2 * item].data(), blocks[2 * item + 1].data(), kBytes);
      copied[item] += 2.0 * kBytes;
    } while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() <
             seconds);
  });
  double total = 0;
  for (const double bytes : copied) total += bytes;
  return total / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
         1e9;
}

namespace cpu {

GrowingBuffer::~GrowingBuffer() { releaseAligned(data_); }

float* GrowingBuffer::floats(size_t count) {
  if (count > capacity_) {
    releaseAligned(data_);
    capacity_ = 0;
    data_ = static_cast<float*>(allocateAligned(count * sizeof(float)));
    if (data_ == nullptr) throw std::bad_alloc();
    capacity_ = count;
  }
  return data_;
}

CpuBackend::CpuBackend(int threads, Precision precision, const std::string& isa)
    : pool_(threads),
      kernels_(chooseKernels(isa, precision)),
      precision_(precision),
      workerScratch_(pool_.threads()) {}

std::string CpuBackend::describe() const {
  return std::string("CPU, ") + kernels_.name + ", " + std::to_string(pool_.threads()) +
         (pool_.threads() == 1 ? " thread" : " threads");
}

void* CpuBackend::allocate(size_t bytes) {
  void* memory = allocateAligned(bytes);
  if (!memory)
    throw Error("ERR_MEMORY", "The CPU could not give " + std::to_string(bytes) +
                                  " bytes; a smaller batch needs less.");
  return memory;
}
void CpuBackend::release(void* memory) { releaseAligned(memory); }
void CpuBackend::copyIn(void* device, const void* host, size_t bytes) {
  std::memcpy(device, host, bytes);
}
void CpuBackend::copyOut(void* host, const void* device, size_t bytes) {
  std::memcpy(host, device, bytes);
}
void CpuBackend::zero(void* device, size_t bytes) { std::memset(device, 0, bytes); }

void CpuBackend::forRows(int rows, int chunk, const Range& body) {
  const int chunks = (rows + chunk - 1) / chunk;
  const auto run = [&](int item, int worker) {
    body(item * chunk, std::min(rows, (item + 1) * chunk), worker);
  };
  if (chunks <= 2) {  // less work than waking a thread
    for (int item = 0; item < chunks; ++item) run(item, 0);
  } else {
    pool_.run(chunks, run);
  }
}

float* CpuBackend::reduceRows(int rows, int width,
                              const std::function<void(int, int, float*)>& kernel) {
  const int chunks = (rows + kReduceRows - 1) / kReduceRows;
  float* partials = partials_.floats(static_cast<size_t>(chunks + 1) * width);
  float* total = partials + static_cast<size_t>(chunks) * width;
  forRows(rows, kReduceRows, [&](int begin, int end, int) {
    kernel(begin, end, partials + static_cast<size_t>(begin / kReduceRows) * width);
  });

  // In order of the chunks, in double precision.
  std::vector<double> sums(width, 0.0);
  for (int chunk = 0; chunk < chunks; ++chunk) {
    for (int c = 0; c < width; ++c) sums[c] += partials[static_cast<size_t>(chunk) * width + c];
  }
  for (int c = 0; c < width; ++c) total[c] = static_cast<float>(sums[c]);
  return total;
}

}  // namespace cpu

}  // namespace pstmo
