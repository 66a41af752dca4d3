// Twin of native/cuda/device/ranges.h: no profiler looks at the emulated device.
#pragma once

namespace pstmo::cuda {

inline void pushRange(const char*) {}
inline void popRange() {}

}  // namespace pstmo::cuda
