// Tensors' values in a file, little endian, read when they are needed: the compiled lifter takes
// them straight into its weights, on several threads, and the network has no copy of them unless it
// runs itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "opened-file.h"

namespace pstmo::network {

enum class StoredType { float32, float16, bfloat16 };

struct StoredTensor {
  std::string name;
  StoredType type;
  uint64_t offset;  // first byte in the file
  size_t count;     // numbers
};

class ValuesFile {
 public:
  // Opens the file behind `descriptor` once more, so that the caller may close it; `path` names it
  // in messages. Throws Error: ERR_FILE where it cannot be read, ERR_FORMAT where it ends before a
  // tensor does.
  ValuesFile(const std::string& path, int descriptor, const std::vector<StoredTensor>& tensors);

  bool has(const std::string& name) const { return tensors_.contains(name); }
  // The tensor as float32, from any thread. Throws Error ERR_FILE where the file is not what it was
  // when it was opened, ERR_MODEL for values that no trained network has.
  void read(const std::string& name, float* values) const;
  // Reads the tensors that nobody has read yet, for their errors.
  void checkRest() const;

 private:
  const std::string path_;
  const OpenedFile file_;
  const OpenedFile::Version opened_;
  struct Entry {
    explicit Entry(const StoredTensor& from) : stored(from) {}
    const StoredTensor stored;
    mutable std::atomic<bool> checked = false;
  };
  std::unordered_map<std::string, Entry> tensors_;
};

}  // namespace pstmo::network
