// Fragments of 16 x 8 for the tensor cores, made from elements: a warp's left(at) takes at(i, j) of
// row i and inner index j, right(at) of inner index i and column j. multiplyAdd is the
// instruction's own (ptx.h).
#pragma once

#include <device/ptx.h>

namespace pstmo::cuda {

struct TensorFloat : TensorFloatMultiply {
  using Left = LeftRegisters;
  using Right = RightRegisters;

  template <typename At>
  __device__ __forceinline__ static Left left(const At& at) {
    const int g = laneOfWarp() / 4, t = laneOfWarp() % 4;
    return {{toTensorFloat(at(g, t)), toTensorFloat(at(g + 8, t)), toTensorFloat(at(g, t + 4)),
             toTensorFloat(at(g + 8, t + 4))}};
  }
  template <typename At>
  __device__ __forceinline__ static Right right(const At& at) {
    const int g = laneOfWarp() / 4, t = laneOfWarp() % 4;
    return {{toTensorFloat(at(t, g)), toTensorFloat(at(t + 4, g))}};
  }
};

struct BrainFloat : BrainFloatMultiply {
  using Left = LeftRegisters;
  using Right = RightRegisters;

  template <typename At>
  __device__ __forceinline__ static Left left(const At& at) {
    const int g = laneOfWarp() / 4, t = laneOfWarp() % 4 * 2;
    return {{brainFloatPair(at(g, t), at(g, t + 1)), brainFloatPair(at(g + 8, t), at(g + 8, t + 1)),
             brainFloatPair(at(g, t + 8), at(g, t + 9)),
             brainFloatPair(at(g + 8, t + 8), at(g + 8, t + 9))}};
  }
  template <typename At>
  __device__ __forceinline__ static Right right(const At& at) {
    const int g = laneOfWarp() / 4, t = laneOfWarp() % 4 * 2;
    return {{brainFloatPair(at(t, g), at(t + 1, g)), brainFloatPair(at(t + 8, g), at(t + 9, g))}};
  }
};

}  // namespace pstmo::cuda
