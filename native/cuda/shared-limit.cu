// The limit of a kernel's dynamic shared memory, by kernel and device, for all models of the
// process.
#include <device/runtime.h>

#include <map>
#include <mutex>
#include <utility>

namespace pstmo::cuda {

void allowSharedBytes(const void* kernel, size_t bytes) {
  constexpr size_t kWithoutAsking = 48 << 10;
  if (bytes <= kWithoutAsking) return;
  static std::mutex mutex;
  static std::map<std::pair<const void*, int>, size_t> limits;
  int device = 0;
  check(cudaGetDevice(&device), "asking for this thread's device");
  const std::lock_guard<std::mutex> lock(mutex);
  size_t& limit = limits[{kernel, device}];
  if (bytes <= limit) return;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(bytes)),
        "asking for " + std::to_string(bytes) + " bytes of shared memory a block");
  limit = bytes;
}

}  // namespace pstmo::cuda
