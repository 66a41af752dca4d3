#include "stored-values.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "../core/error.h"

namespace pstmo {
namespace {

constexpr size_t kCacheLine = 16;     // floats
constexpr size_t kPiece = 32 * 1024;  // numbers of two bytes that are widened at a time

class File {
 public:
  explicit File(const std::string& path) : path_(path), descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw Error("ERR_FILE", path_ + ": cannot be read: " + std::strerror(errno) + ".");
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void read(void* to, size_t bytes, uint64_t offset) const {
    for (size_t done = 0; done < bytes;) {
      const ssize_t count = pread(descriptor_, static_cast<char*>(to) + done, bytes - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw Error("ERR_FILE", path_ + ": cannot be read: " + std::strerror(errno) + ".");
      if (count == 0) throw Error("ERR_FORMAT", path_ + ": expected " + std::to_string(bytes - done) + " more bytes at byte " + std::to_string(offset + done) + ", got the end of the file.");
      done += static_cast<size_t>(count);
    }
  }

 private:
  const std::string& path_;
  int descriptor_;
};

float widenHalf(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16, rest = uint32_t{bits & 0x7fffu} << 13;
  if ((bits & 0x7c00u) == 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | rest);
  return std::bit_cast<float>(sign | rest) * 0x1p112f;  // the same digits under float32's exponent, which counts from 112 less
}

float widenBfloat16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

void readTensor(const File& file, const StoredTensor& tensor, float* to) {
  if (tensor.type == StoredType::float32) return file.read(to, tensor.count * sizeof(float), tensor.offset);
  std::vector<uint16_t> piece(std::min(kPiece, tensor.count));
  for (size_t done = 0; done < tensor.count; done += piece.size()) {
    const size_t count = std::min(piece.size(), tensor.count - done);
    file.read(piece.data(), count * sizeof(uint16_t), tensor.offset + done * sizeof(uint16_t));
    const auto widen = tensor.type == StoredType::float16 ? widenHalf : widenBfloat16;
    for (size_t i = 0; i < count; ++i) to[done + i] = widen(piece[i]);
  }
}

}  // namespace

StoredValues readStoredValues(ThreadPool& pool, const std::string& path, const std::vector<StoredTensor>& tensors) {
  static_assert(std::endian::native == std::endian::little);
  const File file(path);
  StoredValues stored;
  size_t end = 0;
  for (const StoredTensor& tensor : tensors) {
    stored.places.push_back(end);
    end += (tensor.count + kCacheLine - 1) / kCacheLine * kCacheLine;
  }
  stored.values.reserve(end);
  pool.run(static_cast<int>(tensors.size()), [&](int item, int) {
    const size_t i = static_cast<size_t>(item);
    readTensor(file, tensors[i], stored.values.data() + stored.places[i]);
  });
  return stored;
}

}  // namespace pstmo
