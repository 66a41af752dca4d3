// The pretended devices: how many, which of them can be used, and which each thread has chosen.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda-host.h"

namespace pstmo::emulation {

// A whole number of the environment. A list, parted by commas, has one for each device; its last
// counts for those behind it.
uint64_t setting(const char* name, uint64_t otherwise, int device = 0);

// The device that this thread's calls go to: 0 before it chooses one, as in CUDA.
int currentDevice();
// How a call ends that needs a context on this thread's device: CUDA opens one where none was
// chosen, so that on a machine whose device 0 cannot be used a thread that chose none is refused.
cudaError_t enterDevice();

// Throws Error where one of `size` bytes of a kernel's parameters points to another device's
// memory: no device sees another's.
void checkParameters(const void* parameters, size_t size, int device);

// Whether a block of this kernel may take so much shared memory on this thread's device.
cudaError_t checkSharedBytes(const void* kernel, size_t bytes);

// True where PSTMO_EMULATION_SKIP is a part of a launch's signature.
bool skips(const char* signature);

}  // namespace pstmo::emulation
