#include "values-file.h"

#include <algorithm>
#include <bit>

#include "../../core/bits.h"
#include "../../core/error.h"
#include "check-values.h"

namespace pstmo::network {
namespace {

constexpr size_t kPiece = 32 * 1024;  // numbers of two bytes that are widened at a time
static_assert(std::endian::native == std::endian::little);

float widenHalf(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16, rest = uint32_t{bits & 0x7fffu} << 13;
  if ((bits & 0x7c00u) == 0x7c00u) return bitCast<float>(sign | 0x7f800000u | rest);
  return bitCast<float>(sign | rest) *
         0x1p112f;  // the same digits under float32's exponent, which counts from 112 less
}

float widenBfloat16(uint16_t bits) { return bitCast<float>(uint32_t{bits} << 16); }

}  // namespace

ValuesFile::ValuesFile(const std::string& path, int descriptor,
                       const std::vector<StoredTensor>& tensors)
    : path_(path), file_(path, descriptor), opened_(file_.version()) {
  for (const StoredTensor& tensor : tensors) {
    const uint64_t end =
        tensor.offset +
        tensor.count * (tensor.type == StoredType::float32 ? sizeof(float) : sizeof(uint16_t));
    if (end > static_cast<uint64_t>(opened_.size))
      throw Error("ERR_FORMAT", path_ + ": expected " + tensor.name + " up to byte " +
                                    std::to_string(end) + ", got the end of the file at byte " +
                                    std::to_string(opened_.size) + ".");
    tensors_.emplace(tensor.name, tensor);
  }
}

void ValuesFile::read(const std::string& name, float* values) const {
  const Entry& entry = tensors_.at(name);
  const StoredTensor& tensor = entry.stored;
  if (tensor.type == StoredType::float32) {
    file_.read(values, tensor.count * sizeof(float), tensor.offset);
  } else {
    std::vector<uint16_t> piece(std::min(kPiece, tensor.count));
    const auto widen = tensor.type == StoredType::float16 ? widenHalf : widenBfloat16;
    for (size_t done = 0; done < tensor.count;) {
      const size_t count = std::min(piece.size(), tensor.count - done);
      file_.read(piece.data(), count * sizeof(uint16_t), tensor.offset + done * sizeof(uint16_t));
      for (size_t i = 0; i < count; ++i) values[done + i] = widen(piece[i]);
      done += count;
    }
  }
  if (file_.version() != opened_)
    throw Error("ERR_FILE",
                path_ + ": it was written to while a model of it was open; load the model again.");
  if (entry.checked) return;
  try {
    checkValues(name, isVariance(name), values, tensor.count);
  } catch (const Error& error) {
    throw Error(error.code(), path_ + ": " + error.what());
  }
  entry.checked = true;
}

void ValuesFile::checkRest() const {
  std::vector<float> values;
  for (const auto& [name, entry] : tensors_) {
    if (entry.checked) continue;
    values.resize(entry.stored.count);
    read(name, values.data());
  }
}

}  // namespace pstmo::network
