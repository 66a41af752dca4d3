// CUDA's runtime as the CUDA sources use it: launches, the block's shared memory, and status turned
// into errors. Headers of this folder hold CUDA and PTX alone; the emulated device has a twin of
// each, of the same name and with the same declarations (native/emulation/device). Sources include
// them as <device/...>: the include path chooses.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <utility>

#include "../../core/error.h"

namespace pstmo::cuda {

// Throws Error with the code of the failure `status`; `doing` ends the sentence
// "... while ...".
void check(cudaError_t status, const std::string& doing);

// The block's dynamic shared memory as the kernel's one Smem.
template <typename Smem>
__device__ __forceinline__ Smem& sharedMemory() {
  extern __shared__ __align__(16) unsigned char bytes[];
  return *reinterpret_cast<Smem*>(bytes);
}

// Lets blocks of this kernel take so much shared memory on this thread's device. The limit is the
// kernel's and the device's, not the launch's: it is raised and never lowered, so that a smaller
// model's launch takes nothing from a larger one's on another thread.
void allowSharedBytes(const void* kernel, size_t bytes);

// kernel<<<grid, threads, sharedBytes, stream>>>(arguments...), checked. A grid of no blocks does
// nothing.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 threads, size_t sharedBytes,
            cudaStream_t stream, Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  allowSharedBytes(reinterpret_cast<const void*>(kernel), sharedBytes);
  kernel<<<grid, threads, sharedBytes, stream>>>(std::forward<Arguments>(arguments)...);
  check(cudaGetLastError(), "starting a kernel");
}

}  // namespace pstmo::cuda
