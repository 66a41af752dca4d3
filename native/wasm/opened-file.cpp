// A file whose bytes JavaScript holds.
#include "../network/weights/opened-file.h"

#include "../core/error.h"
#include "host.h"

namespace pstmo::network {

OpenedFile::OpenedFile(const std::string& path, int descriptor)
    : path_(path), descriptor_(wasm::hostOpen(descriptor)) {
  if (descriptor_ < 0)
    throw Error("ERR_FILE", path_ + ": cannot be read: its bytes were not handed over.");
}

OpenedFile::~OpenedFile() { wasm::hostClose(descriptor_); }

// The bytes were read when the file was opened: nobody writes to them.
OpenedFile::Version OpenedFile::version() const {
  return {static_cast<int64_t>(wasm::hostSize(descriptor_)), 0, 0};
}

void OpenedFile::read(void* to, size_t bytes, uint64_t offset) const {
  if (!wasm::hostRead(descriptor_, to, bytes, static_cast<double>(offset)))
    throw Error("ERR_FILE",
                path_ + ": it was cut short while a model of it was open; load the model again.");
}

}  // namespace pstmo::network
