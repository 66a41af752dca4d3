// The one place where the CUDA sources meet CUDA, or its emulation on the host
// (PSTMO_CUDA_EMULATED): launches, the block's shared memory, and status turned into errors.
#pragma once

#if defined(PSTMO_CUDA_EMULATED)
#include "../../emulation/cuda-host.h"
#else
#include <cuda_runtime.h>
#endif

#include <cstddef>
#include <string>
#include <tuple>
#include <utility>

#include "../../core/error.h"

namespace pstmo::cuda {

// Throws Error with the code that says what kind of failure `status` is; `doing` ends the sentence
// "... while ...".
void check(cudaError_t status, const std::string& doing);

// The block's dynamic shared memory as the kernel's one Smem.
template <typename Smem>
__device__ __forceinline__ Smem& sharedMemory() {
#if defined(PSTMO_CUDA_EMULATED)
  return *reinterpret_cast<Smem*>(emulation::Block::current().shared());
#else
  extern __shared__ __align__(16) unsigned char bytes[];
  return *reinterpret_cast<Smem*>(bytes);
#endif
}

// kernel<<<grid, threads, sharedBytes, stream>>>(arguments...), checked. A grid of no blocks does
// nothing.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 threads, size_t sharedBytes,
            cudaStream_t stream, Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
#if defined(PSTMO_CUDA_EMULATED)
  emulation::submitKernel(
      stream, [=, held = std::tuple<Parameters...>(std::forward<Arguments>(arguments)...)] {
        emulation::runGrid(grid, threads, sharedBytes, [&] { std::apply(kernel, held); });
        emulation::checkGuards();
      });
#else
  constexpr size_t kWithoutAsking = 48 << 10;
  if (sharedBytes > kWithoutAsking) {
    check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                               cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(sharedBytes)),
          "asking for " + std::to_string(sharedBytes) + " bytes of shared memory a block");
  }
  kernel<<<grid, threads, sharedBytes, stream>>>(std::forward<Arguments>(arguments)...);
  check(cudaGetLastError(), "starting a kernel");
#endif
}

}  // namespace pstmo::cuda
