// A record of launches, for who runs the kernels' PTX (tools/ptx): the kernel, its grid and
// parameters, and device memory before it and after it, where it changed. PSTMO_EMULATION_RECORD
// names the file. With PSTMO_EMULATION_DRY set no kernel runs and large memory is never touched, so
// that launches of sizes that no host could run are recorded: with small allocations' content, as
// far as copies gave it to them.
#pragma once

#include <cstddef>
#include <tuple>
#include <vector>

#include "block.h"

namespace pstmo::emulation {

// The largest allocation whose content a dry record has.
constexpr size_t kDryBytes = size_t{4} << 20;

struct Parameter {
  const void* bytes;
  size_t size, alignment;
};

bool recordsLaunches();
bool runsDry();
void recordLaunch(const void* kernel, Dim3 grid, Dim3 threads, size_t sharedBytes,
                  const std::vector<Parameter>& parameters);
// After the kernel: what it wrote.
void recordResult();

// Records `run()`, a launch with these arguments, where launches are recorded.
template <typename... Arguments, typename Run>
void recorded(const void* kernel, Dim3 grid, Dim3 threads, size_t sharedBytes,
              const std::tuple<Arguments...>& arguments, const Run& run) {
  if (!recordsLaunches()) return run();
  std::apply(
      [&](const Arguments&... each) {
        recordLaunch(kernel, grid, threads, sharedBytes,
                     {Parameter{&each, sizeof(Arguments), alignof(Arguments)}...});
      },
      arguments);
  if (runsDry()) return;
  run();
  recordResult();
}

}  // namespace pstmo::emulation
