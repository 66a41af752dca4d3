// Twin of native/cuda/device/runtime.h: a launch runs the kernel on the emulated device, when its
// stream comes to it.
#pragma once

#include <cstddef>
#include <string>
#include <tuple>
#include <utility>

#include "../../core/error.h"
#include "../cuda-host.h"
#include "../devices.h"
#include "../record.h"

namespace pstmo::cuda {

void check(cudaError_t status, const std::string& doing);

template <typename Smem>
Smem& sharedMemory() {
  return *reinterpret_cast<Smem*>(emulation::Block::current().shared());
}

void allowSharedBytes(const void* kernel, size_t bytes);

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 threads, size_t sharedBytes,
            cudaStream_t stream, Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  const auto* function = reinterpret_cast<const void*>(kernel);
  allowSharedBytes(function, sharedBytes);
  check(emulation::checkSharedBytes(function, sharedBytes), "starting a kernel");
  if (emulation::skips(__PRETTY_FUNCTION__)) return;
  const auto run = [=, device = emulation::currentDevice(),
                    held = std::tuple<Parameters...>(std::forward<Arguments>(arguments)...)] {
    std::apply(
        [&](const auto&... each) {
          (emulation::checkParameters(&each, sizeof(each), device), ...);
        },
        held);
    emulation::recorded(function, grid, threads, sharedBytes, held, [&] {
      emulation::runGrid(grid, threads, sharedBytes, [&] { std::apply(kernel, held); });
      emulation::checkGuards();
      if (emulation::afterKernel) emulation::afterKernel();
    });
  };
  check(emulation::submitKernel(stream, run), "starting a kernel");
}

}  // namespace pstmo::cuda
