// Host memory aligned to cache lines.
#pragma once

#include <cstddef>

namespace pstmo {

// Null where the system has none. Large blocks ask for large pages: a training step walks through
// hundreds of megabytes, more than the processor can find its way in by small ones.
void* allocateAligned(size_t bytes);
void releaseAligned(void* memory);

}  // namespace pstmo
