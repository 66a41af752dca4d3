// Dropout's factors on the device: the mapping of native/core/dropout.h, so one seed drops the same
// elements on every device.
#pragma once

#include <device/runtime.h>

#include "../../core/dropout.h"
#include "../../core/philox.h"

namespace pstmo::cuda {

// Numbers that change from one step of training to the next, in device memory. Kernels of a
// recorded step read them there, so that the recording stays right when it is replayed.
struct StepState {
  uint64_t seed;
  uint32_t step;
  float stepSize, rootCorrection;  // of the optimizer
};

// A Dropout as kernels take it: the threshold is worked out once, on the host.
struct DropoutMask {
  bool active = false;
  uint32_t threshold = 0, step = 0, site = 0;
  uint64_t seed = 0;
  float scale = 1;
  const StepState* now = nullptr;  // holds seed and step, where it is not null
};

// The four random words of rows 2 pair and 2 pair + 1 at `column` and at the column 16 away within
// its 32. width: columns of the matrix.
__device__ __forceinline__ PhiloxWords dropoutWords(const DropoutMask& dropout, int width,
                                                    int64_t pair, int column) {
  const uint64_t counter = (static_cast<uint64_t>(pair) * static_cast<uint64_t>((width + 31) / 32) +
                            static_cast<uint64_t>(column >> 5)) *
                               16 +
                           static_cast<uint64_t>(column & 15);
  return philox(dropout.now ? dropout.now->seed : dropout.seed, counter,
                dropout.now ? dropout.now->step : dropout.step, dropout.site);
}

// 0, or 1 / (1 - rate); 1 without dropout. words: those of the row's pair and the column.
__device__ __forceinline__ float dropoutFactor(const DropoutMask& dropout, const PhiloxWords& words,
                                               int64_t row, int column) {
  if (!dropout.active) return 1.0f;
  const bool odd = (row & 1) != 0, high = (column & 16) != 0;
  const uint32_t word =
      odd ? (high ? words.word[3] : words.word[2]) : (high ? words.word[1] : words.word[0]);
  return word >= dropout.threshold ? dropout.scale : 0.0f;
}

}  // namespace pstmo::cuda
