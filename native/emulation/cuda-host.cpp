#include "cuda-host.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <string>

#include "../core/error.h"
#include "devices.h"
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

struct Allocation {
  size_t bytes;
  int device;
};

std::mutex mutex;
std::map<const void*, Allocation> allocations;
std::map<int, size_t> used;  // by device

size_t memory(int device) {
  return pstmo::emulation::setting("PSTMO_EMULATION_MEMORY", uint64_t{1} << 33, device);
}

size_t freeBytes(int device) { return memory(device) - std::min(memory(device), used[device]); }

}  // namespace

cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaMalloc(void** address, size_t bytes) {
  *address = nullptr;
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered != cudaSuccess) return entered;
  if (pstmo::emulation::recordingSteps()) return cudaErrorStreamCaptureUnsupported;
  const int device = pstmo::emulation::currentDevice();
  const std::lock_guard<std::mutex> lock(mutex);
  if (bytes > std::min<size_t>(freeBytes(device),
                               pstmo::emulation::setting("PSTMO_EMULATION_LARGEST", ~uint64_t{0})))
    return cudaErrorMemoryAllocation;
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
  allocations[*address] = {bytes, device};
  used[device] += bytes;
  return cudaSuccess;
}

cudaError_t cudaFree(void* address) {
  if (address == nullptr) return cudaSuccess;
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered == cudaErrorDevicesUnavailable) return entered;
  (void)pstmo::emulation::finishAll();
  const std::lock_guard<std::mutex> lock(mutex);
  const auto at = allocations.find(address);
  if (at == allocations.end()) return cudaErrorInvalidValue;
  used[at->second.device] -= at->second.bytes;
  allocations.erase(at);
  std::free(static_cast<unsigned char*>(address) - kGuard);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered != cudaSuccess) return entered;
  const std::lock_guard<std::mutex> lock(mutex);
  *total = memory(pstmo::emulation::currentDevice());
  *free = freeBytes(pstmo::emulation::currentDevice());
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
    case cudaErrorDevicesUnavailable:
      return "CUDA-capable device(s) is/are busy or unavailable";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    default:
      return "an illegal memory access was encountered";
  }
}

namespace pstmo::emulation {

std::map<void*, size_t> allocationsNow() {
  const std::lock_guard<std::mutex> lock(mutex);
  std::map<void*, size_t> now;
  for (const auto& [address, allocation] : allocations)
    now[const_cast<void*>(address)] = allocation.bytes;
  return now;
}

int ownerOf(const void* address) {
  const std::lock_guard<std::mutex> lock(mutex);
  const auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return -1;
  const auto& [begin, allocation] = *std::prev(after);
  return static_cast<const char*>(address) < static_cast<const char*>(begin) + allocation.bytes
             ? allocation.device
             : -1;
}

void checkGuards() {
  const std::lock_guard<std::mutex> lock(mutex);
  for (const auto& [address, allocation] : allocations) {
    const size_t bytes = allocation.bytes;
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
