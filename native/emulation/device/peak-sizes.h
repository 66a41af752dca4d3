// Twin of native/cuda/device/peak-sizes.h: small enough for fibers.
#pragma once

#include <cstddef>

namespace pstmo::cuda {

constexpr int kPeakSteps = 1;
constexpr int kPeakBlocks = 1;
constexpr int kPeakSide = 64;
constexpr size_t kPeakCopyBytes = size_t{1} << 20;

}  // namespace pstmo::cuda
