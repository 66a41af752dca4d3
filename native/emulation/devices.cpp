#include "devices.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "../core/error.h"

namespace {

constexpr size_t kWithoutAsking = 48 << 10;  // bytes of shared memory that every kernel may take

thread_local int current = 0;

std::mutex mutex;
std::map<std::pair<const void*, int>, size_t> sharedLimits;  // by kernel and device

bool usable(int device) {
  const char* list = std::getenv("PSTMO_EMULATION_UNUSABLE");
  while (list && *list) {
    char* end = nullptr;
    if (std::strtol(list, &end, 10) == device && end != list) return false;
    list = *end == ',' ? end + 1 : nullptr;
  }
  return true;
}

cudaError_t devices(int* count) {
  using pstmo::emulation::setting;
  *count = 0;
  const uint64_t driver = setting("PSTMO_EMULATION_DRIVER", 13000);
  if (driver == 0) return cudaErrorNoDevice;
  if (driver < 13000) return cudaErrorInsufficientDriver;
  if (pstmo::emulation::contextLost()) return cudaErrorIllegalAddress;
  *count = static_cast<int>(setting("PSTMO_EMULATION_DEVICES", 2));
  return *count > 0 ? cudaSuccess : cudaErrorNoDevice;
}

int archOf(int device) {
  return static_cast<int>(pstmo::emulation::setting("PSTMO_EMULATION_ARCH", 90, device));
}

size_t sharedBytesOf(int device) {
  const int arch = archOf(device);
  return size_t{arch == 80 ? 163u : arch < 90 ? 99u : 227u} << 10;
}

}  // namespace

namespace pstmo::emulation {

uint64_t setting(const char* name, uint64_t otherwise, int device) {
  const char* text = std::getenv(name);
  if (!text || !*text) return otherwise;
  for (const char* next = text; device > 0 && (next = std::strchr(next, ',')); --device)
    text = ++next;
  return std::strtoull(text, nullptr, 10);
}

int currentDevice() { return current; }

cudaError_t enterDevice() {
  if (contextLost()) return cudaErrorIllegalAddress;
  if (usable(current)) return cudaSuccess;
  note("refused on %d\n", current);
  return cudaErrorDevicesUnavailable;
}

void checkParameters(const void* parameters, size_t size, int device) {
  const auto* bytes = static_cast<const char*>(parameters);
  for (size_t at = 0; at + sizeof(void*) <= size; at += sizeof(void*)) {
    const void* pointer = nullptr;
    std::memcpy(&pointer, bytes + at, sizeof pointer);
    const int owner = ownerOf(pointer);
    if (owner >= 0 && owner != device)
      throw Error("ERR_CUDA_DRIVER", "The emulated device stopped a kernel: it runs on device " +
                                         std::to_string(device) +
                                         " and was given memory of device " +
                                         std::to_string(owner) + ".");
  }
}

bool skips(const char* signature) {
  const char* text = std::getenv("PSTMO_EMULATION_SKIP");
  return text && *text && std::strstr(signature, text) != nullptr;
}

cudaError_t checkSharedBytes(const void* kernel, size_t bytes) {
  if (bytes <= kWithoutAsking) return cudaSuccess;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto limit = sharedLimits.find({kernel, current});
  return limit != sharedLimits.end() && bytes <= limit->second ? cudaSuccess
                                                               : cudaErrorInvalidValue;
}

}  // namespace pstmo::emulation

cudaError_t cudaGetDeviceCount(int* count) { return devices(count); }

cudaError_t cudaGetDevice(int* device) {
  *device = current;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  int count = 0;
  const cudaError_t error = devices(&count);
  if (error != cudaSuccess) return error;
  if (device < 0 || device >= count) return cudaErrorInvalidDevice;
  if (!usable(device)) return cudaErrorDevicesUnavailable;
  current = device;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = static_cast<int>(pstmo::emulation::setting("PSTMO_EMULATION_DRIVER", 13000));
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  int count = 0;
  const cudaError_t error = devices(&count);
  if (error != cudaSuccess) return error;
  if (device < 0 || device >= count) return cudaErrorInvalidDevice;
  const int arch = archOf(device);
  std::strcpy(properties->name, "emulated on the host");
  properties->major = arch / 10;
  properties->minor = arch % 10;
  properties->sharedMemPerBlockOptin = sharedBytesOf(device);
  return cudaSuccess;
}

// As on a GPU for which the binary has no machine code and no PTX.
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, const void*) {
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered != cudaSuccess) return entered;
  return archOf(current) < 80 ? cudaErrorNoKernelImageForDevice : cudaSuccess;
}

// The attribute is the kernel's on this thread's device, not the launch's: whoever sets it last
// counts. Each call takes a while, in which other threads set it too.
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) {
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered != cudaSuccess) return entered;
  if (value < 0 || static_cast<size_t>(value) > sharedBytesOf(current))
    return cudaErrorInvalidValue;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    sharedLimits[{kernel, current}] = static_cast<size_t>(value);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return cudaSuccess;
}
