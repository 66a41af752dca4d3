// Dropout's factors on the device: the mapping of native/core/dropout.h, so one seed drops the same
// elements on every device.
#pragma once

#include <device/runtime.h>

#include "../../core/dropout.h"
#include "../../core/philox.h"

namespace pstmo::cuda {

// What changes from one step of training to the next, in device memory: kernels of a recorded step
// read it there, so that the recording stays right when it is replayed.
struct StepState {
  uint64_t seed;
  uint32_t step;
  float stepSize, rootCorrection;  // of the optimizer
};

// What a kernel needs of a Dropout: the threshold is worked out once, on the host.
struct Keep {
  bool active = false;
  uint32_t threshold = 0, step = 0, site = 0;
  uint64_t seed = 0;
  float scale = 1;
  const StepState* now = nullptr;  // holds seed and step, where it is not null
};

// The words of rows 2 pair and 2 pair + 1 at `column` and, within its 32 columns, the column 16
// away.
__device__ __forceinline__ PhiloxWords keepWords(const Keep& keep, int width, int64_t pair,
                                                 int column) {
  const uint64_t counter = (static_cast<uint64_t>(pair) * static_cast<uint64_t>((width + 31) / 32) +
                            static_cast<uint64_t>(column >> 5)) *
                               16 +
                           static_cast<uint64_t>(column & 15);
  return philox(keep.now ? keep.now->seed : keep.seed, counter,
                keep.now ? keep.now->step : keep.step, keep.site);
}

// 0, or 1 / (1 - rate); 1 without dropout. `words` are those of the row's pair and the column.
__device__ __forceinline__ float keepFactor(const Keep& keep, const PhiloxWords& words, int64_t row,
                                            int column) {
  if (!keep.active) return 1.0f;
  const bool odd = (row & 1) != 0, high = (column & 16) != 0;
  const uint32_t word =
      odd ? (high ? words.word[3] : words.word[2]) : (high ? words.word[1] : words.word[0]);
  return word >= keep.threshold ? keep.scale : 0.0f;
}

}  // namespace pstmo::cuda
