// Named ranges that NVIDIA's profilers show, where the toolkit has its header for them.
#pragma once

#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>

namespace pstmo::cuda {

inline void pushRange(const char* name) { nvtxRangePushA(name); }
inline void popRange() { nvtxRangePop(); }

}  // namespace pstmo::cuda

#else

namespace pstmo::cuda {

inline void pushRange(const char*) {}
inline void popRange() {}

}  // namespace pstmo::cuda

#endif
