#include "record.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "../core/error.h"
#include "cuda-host.h"

namespace pstmo::emulation {
namespace {

constexpr size_t kPiece = 256;  // bytes that are compared, and written, together

std::mutex mutex;

const char* recordFile() {
  static const char* const name = std::getenv("PSTMO_EMULATION_RECORD");
  return name && *name ? name : nullptr;
}

std::FILE* file() {
  static std::FILE* const opened = std::fopen(recordFile(), "ab");
  if (!opened)
    throw Error("ERR_CUDA_DRIVER", std::string("The emulated device cannot write ") + recordFile());
  return opened;
}

// Lines of text, some of which say how many bytes follow:
//   launch <kernel's offset in the addon> <grid> <threads> <shared bytes> <parameters>
//   parameter <alignment> <bytes>, then these
//   allocation <address> <bytes>, all 0xFF, or 0 in a dry record
//   memory <address> <bytes>, then these
//   free <address>
//   result, after which comes the memory that the launch changed, then end
void writeMemory() {
  struct Known {
    size_t size;
    std::vector<unsigned char> content;  // none where a dry record leaves it out
  };
  static std::map<void*, Known> known;
  const unsigned char unwritten = runsDry() ? 0 : 0xFF;
  const std::map<void*, size_t> now = allocationsNow();
  for (auto at = known.begin(); at != known.end();) {
    const auto still = now.find(at->first);
    if (still != now.end() && still->second == at->second.size) {
      ++at;
      continue;
    }
    std::fprintf(file(), "free %zu\n", reinterpret_cast<size_t>(at->first));
    at = known.erase(at);
  }
  for (const auto& [address, size] : now) {
    auto at = known.find(address);
    if (at == known.end()) {
      std::fprintf(file(), "allocation %zu %zu\n", reinterpret_cast<size_t>(address), size);
      const size_t kept = runsDry() && size > kDryBytes ? 0 : size;
      at = known.emplace(address, Known{size, std::vector<unsigned char>(kept, unwritten)}).first;
    }
    if (at->second.content.empty()) continue;
    const auto* memory = static_cast<const unsigned char*>(address);
    unsigned char* before = at->second.content.data();
    const auto differs = [&](size_t from) {
      return from < size &&
             std::memcmp(memory + from, before + from, std::min(kPiece, size - from)) != 0;
    };
    for (size_t from = 0; from < size; from += kPiece) {
      if (!differs(from)) continue;
      size_t end = from;
      while (differs(end)) end += kPiece;
      end = std::min(end, size);
      std::fprintf(file(), "memory %zu %zu\n", reinterpret_cast<size_t>(memory + from), end - from);
      std::fwrite(memory + from, 1, end - from, file());
      std::memcpy(before + from, memory + from, end - from);
      from = (end - 1) / kPiece * kPiece;
    }
  }
}

}  // namespace

bool recordsLaunches() { return recordFile() != nullptr; }

bool runsDry() {
  static const char* const dry = std::getenv("PSTMO_EMULATION_DRY");
  return dry && *dry;
}

void recordLaunch(const void* kernel, Dim3 grid, Dim3 threads, size_t sharedBytes,
                  const std::vector<Parameter>& parameters) {
  const std::lock_guard<std::mutex> lock(mutex);
  Dl_info addon{};
  dladdr(reinterpret_cast<const void*>(&recordsLaunches), &addon);
  const auto offset =
      static_cast<const unsigned char*>(kernel) - static_cast<unsigned char*>(addon.dli_fbase);
  writeMemory();
  std::fprintf(file(), "launch %td %u %u %u %u %u %u %zu %zu\n", offset, grid.x, grid.y, grid.z,
               threads.x, threads.y, threads.z, sharedBytes, parameters.size());
  for (const Parameter& parameter : parameters) {
    std::fprintf(file(), "parameter %zu %zu\n", parameter.alignment, parameter.size);
    std::fwrite(parameter.bytes, 1, parameter.size, file());
  }
  std::fflush(file());
}

void recordResult() {
  const std::lock_guard<std::mutex> lock(mutex);
  std::fprintf(file(), "result\n");
  writeMemory();
  std::fprintf(file(), "end\n");
  std::fflush(file());
}

}  // namespace pstmo::emulation
