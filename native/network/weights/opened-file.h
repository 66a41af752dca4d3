// A file that is read at any place, for as long as this lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pstmo::network {

class OpenedFile {
 public:
  // Opens the file behind `descriptor` once more, so that the caller may close it; `path` names it
  // in messages. Throws Error ERR_FILE where that fails.
  OpenedFile(const std::string& path, int descriptor);
  ~OpenedFile();
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;

  // Shows whether somebody wrote to the file.
  struct Version {
    int64_t size, seconds, nanoseconds;
    bool operator==(const Version&) const = default;
  };
  Version version() const;
  // From any thread. Throws Error ERR_FILE where the file ends before or cannot be read.
  void read(void* to, size_t bytes, uint64_t offset) const;

 private:
  const std::string path_;
  int descriptor_;
};

}  // namespace pstmo::network
