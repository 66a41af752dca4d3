// Tensors as they lie in a file, little endian: read by several threads into host memory, as float32.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../core/aligned-array.h"
#include "../core/thread-pool.h"

namespace pstmo {

enum class StoredType { float32, float16, bfloat16 };

struct StoredTensor {
  std::string name;
  StoredType type;
  uint64_t offset;  // first byte in the file
  size_t count;     // numbers
};

// The tensors end to end, each from a cache line on; places: where in `values` each begins.
struct StoredValues {
  AlignedArray<float> values;
  std::vector<size_t> places;
};

// Throws Error: ERR_FILE where the file cannot be read, ERR_FORMAT where it ends too soon.
StoredValues readStoredValues(ThreadPool& pool, const std::string& path, const std::vector<StoredTensor>& tensors);

}  // namespace pstmo
