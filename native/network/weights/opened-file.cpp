#include "opened-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "../../core/error.h"

namespace pstmo::network {

OpenedFile::OpenedFile(const std::string& path, int descriptor)
    : path_(path), descriptor_(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) {
  if (descriptor_ < 0)
    throw Error("ERR_FILE", path_ + ": cannot be read: " + std::strerror(errno) + ".");
}

OpenedFile::~OpenedFile() { close(descriptor_); }

OpenedFile::Version OpenedFile::version() const {
  struct stat status{};
  if (fstat(descriptor_, &status) != 0) return {-1, 0, 0};
  return {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

void OpenedFile::read(void* to, size_t bytes, uint64_t offset) const {
  for (size_t done = 0; done < bytes;) {
    const ssize_t count = pread(descriptor_, static_cast<char*>(to) + done, bytes - done,
                                static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw Error("ERR_FILE", path_ + ": cannot be read: " + std::strerror(errno) + ".");
    if (count == 0)
      throw Error("ERR_FILE",
                  path_ + ": it was cut short while a model of it was open; load the model again.");
    done += static_cast<size_t>(count);
  }
}

}  // namespace pstmo::network
