#include "cuda-host.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "../core/error.h"
#include "record.h"

namespace {

// Every allocation begins and ends where it was asked to; before and behind it lie words that
// nobody may write. They read as signalling NaNs, each another, so that neither what is computed
// from one nor what is copied from another place leaves it as it was. AddressSanitizer keeps its
// own zone there instead.
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kGuard = 0;
#else
constexpr size_t kGuard = 256;
#endif
constexpr unsigned char kUnwritten = 0xFF;
constexpr size_t kAlignment = 256;

unsigned char guardByte(const unsigned char* at) {
  const auto address = reinterpret_cast<uintptr_t>(at);
  const uint32_t word = 0xFFA00000u | static_cast<uint32_t>(address / 4 % 0xFFFFFu);
  return static_cast<unsigned char>(word >> address % 4 * 8);
}

void fillGuard(unsigned char* guard) {
  for (size_t i = 0; i < kGuard; ++i) guard[i] = guardByte(guard + i);
}

// Where something was written, counted from the guard's begin; kGuard: nowhere.
size_t writtenAt(const unsigned char* guard) {
  size_t i = 0;
  while (i < kGuard && guard[i] == guardByte(guard + i)) ++i;
  return i;
}

std::mutex mutex;
std::map<void*, size_t> allocations;
size_t used = 0;

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

size_t memory() { return setting("PSTMO_EMULATION_MEMORY", uint64_t{1} << 33); }

cudaError_t devices(int* count) {
  *count = 0;
  const uint64_t driver = setting("PSTMO_EMULATION_DRIVER", 13000);
  if (driver == 0) return cudaErrorNoDevice;
  if (driver < 13000) return cudaErrorInsufficientDriver;
  if (pstmo::emulation::contextLost()) return cudaErrorIllegalAddress;
  *count = static_cast<int>(setting("PSTMO_EMULATION_DEVICES", 1));
  return *count > 0 ? cudaSuccess : cudaErrorNoDevice;
}

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) { return devices(count); }

cudaError_t cudaSetDevice(int device) {
  int count = 0;
  const cudaError_t error = devices(&count);
  if (error != cudaSuccess) return error;
  return device >= 0 && device < count ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = static_cast<int>(setting("PSTMO_EMULATION_DRIVER", 13000));
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  const int arch = static_cast<int>(setting("PSTMO_EMULATION_ARCH", 90));
  std::strcpy(properties->name, "emulated on the host");
  properties->major = arch / 10;
  properties->minor = arch % 10;
  properties->sharedMemPerBlockOptin = size_t{arch == 80 ? 163u : arch < 90 ? 99u : 227u} << 10;
  return cudaSuccess;
}

// As on a GPU for which the binary has no machine code and no PTX.
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, const void*) {
  return setting("PSTMO_EMULATION_ARCH", 90) < 80 ? cudaErrorNoKernelImageForDevice : cudaSuccess;
}

cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaMalloc(void** address, size_t bytes) {
  *address = nullptr;
  if (pstmo::emulation::contextLost()) return cudaErrorIllegalAddress;
  if (pstmo::emulation::recordingSteps()) return cudaErrorStreamCaptureUnsupported;
  const std::lock_guard<std::mutex> lock(mutex);
  if (bytes > memory() - std::min(memory(), used)) return cudaErrorMemoryAllocation;
  void* whole = nullptr;
  if (posix_memalign(&whole, kAlignment, kGuard + bytes + kGuard) != 0)
    return cudaErrorMemoryAllocation;
  auto* begin = static_cast<unsigned char*>(whole) + kGuard;
  if (!pstmo::emulation::runsDry()) {
    fillGuard(begin - kGuard);
    std::memset(begin, kUnwritten, bytes);
    fillGuard(begin + bytes);
  } else if (bytes <= pstmo::emulation::kDryBytes) {
    std::memset(begin, 0, bytes);
  }
  *address = begin;
  allocations[*address] = bytes;
  used += bytes;
  return cudaSuccess;
}

cudaError_t cudaFree(void* address) {
  (void)pstmo::emulation::finishAll();
  const std::lock_guard<std::mutex> lock(mutex);
  const auto at = allocations.find(address);
  if (at == allocations.end()) return address == nullptr ? cudaSuccess : cudaErrorInvalidValue;
  used -= at->second;
  allocations.erase(at);
  std::free(static_cast<unsigned char*>(address) - kGuard);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const std::lock_guard<std::mutex> lock(mutex);
  *total = memory();
  *free = *total - std::min(*total, used);
  return cudaSuccess;
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    default:
      return "an illegal memory access was encountered";
  }
}

namespace pstmo::emulation {

std::map<void*, size_t> allocationsNow() {
  const std::lock_guard<std::mutex> lock(mutex);
  return allocations;
}

void checkGuards() {
  const std::lock_guard<std::mutex> lock(mutex);
  for (const auto& [address, bytes] : allocations) {
    const auto* begin = static_cast<const unsigned char*>(address);
    const size_t before = writtenAt(begin - kGuard), behind = writtenAt(begin + bytes);
    if (before == kGuard && behind == kGuard) continue;
    const std::string where = before < kGuard
                                  ? std::to_string(kGuard - before) + " bytes before the begin"
                                  : std::to_string(behind) + " bytes beyond the end";
    throw Error("ERR_CUDA_DRIVER", "The emulated device stopped a kernel: it wrote " + where +
                                       " of an allocation of " + std::to_string(bytes) + " bytes.");
  }
}

}  // namespace pstmo::emulation
