// How much work measures a device's peaks (peaks.cu).
#pragma once

#include <cstddef>

namespace pstmo::cuda {

constexpr int kPeakSteps = 4096;   // dependent multiply-adds of a thread
constexpr int kPeakBlocks = 1056;  // 8 for each of 132 multiprocessors
constexpr int kPeakSide = 8192;    // of the square matrices of the large matmul
constexpr size_t kPeakCopyBytes = size_t{1} << 30;

}  // namespace pstmo::cuda
