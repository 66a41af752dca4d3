// A function that every cuBLASLt for this device has, and the reason for refusing a library that
// lacks it.
#pragma once

namespace pstmo::cuda {

constexpr const char* kLibraryMark = "cublasLtGetVersion";
constexpr const char* kWithoutMark = "it has no function cublasLtGetVersion";

}  // namespace pstmo::cuda
