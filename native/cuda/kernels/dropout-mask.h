// Dropout's factors on the device: the mapping of native/core/dropout.h, so one seed drops the same
// elements on every device.
#pragma once

#include <device/ptx.h>

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

// core/philox.h in 32-bit words: a compiler would take 64-bit ones, two instructions each.
__device__ __forceinline__ PhiloxWords philoxOfWords(uint64_t seed, uint64_t counter,
                                                     uint32_t third, uint32_t fourth) {
  uint32_t c0 = static_cast<uint32_t>(counter), c1 = static_cast<uint32_t>(counter >> 32),
           c2 = third, c3 = fourth;
  const uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
#pragma unroll
  for (int i = 0; i < kPhiloxRounds; ++i) {
    const auto round = static_cast<uint32_t>(i);
    const WideProduct first = multiplyWide(kPhiloxMultiplier0, c0),
                      second = multiplyWide(kPhiloxMultiplier1, c2);
    c0 = xorOfThree(second.high, c1, k0 + round * kPhiloxWeyl0);
    c2 = xorOfThree(first.high, c3, k1 + round * kPhiloxWeyl1);
    c1 = second.low, c3 = first.low;
  }
  return {{c0, c1, c2, c3}};
}

// The four random words of rows 2 pair and 2 pair + 1 at `column` and at the column 16 away within
// its 32. width: columns of the matrix.
__device__ __forceinline__ PhiloxWords dropoutWords(const DropoutMask& dropout, int width,
                                                    int64_t pair, int column) {
  const uint64_t counter = (static_cast<uint64_t>(pair) * static_cast<uint64_t>((width + 31) / 32) +
                            static_cast<uint64_t>(column >> 5)) *
                               16 +
                           static_cast<uint64_t>(column & 15);
  return philoxOfWords(dropout.now ? dropout.now->seed : dropout.seed, counter,
                       dropout.now ? dropout.now->step : dropout.step, dropout.site);
}

// Dropout with the seed and the number of the step that runs, so that they are read once.
__device__ __forceinline__ DropoutMask ofThisStep(DropoutMask dropout) {
  if (dropout.now) {
    dropout.seed = dropout.now->seed;
    dropout.step = dropout.now->step;
    dropout.now = nullptr;
  }
  return dropout;
}

// What an element with this random word is multiplied by: 0, or 1 / (1 - rate); 1 without dropout.
__device__ __forceinline__ float dropoutOf(const DropoutMask& dropout, uint32_t word) {
  return dropout.active ? (word >= dropout.threshold ? dropout.scale : 0.0f) : 1.0f;
}

// The same for one element. words: those of the row's pair and the column.
__device__ __forceinline__ float dropoutFactor(const DropoutMask& dropout, const PhiloxWords& words,
                                               int64_t row, int column) {
  const bool odd = (row & 1) != 0, high = (column & 16) != 0;
  return dropoutOf(dropout, odd ? (high ? words.word[3] : words.word[2])
                                : (high ? words.word[1] : words.word[0]));
}

}  // namespace pstmo::cuda
