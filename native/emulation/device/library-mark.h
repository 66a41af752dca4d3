// Twin of native/cuda/device/library-mark.h: a cuBLASLt for a GPU would take the emulated device's
// memory for a GPU's.
#pragma once

namespace pstmo::cuda {

constexpr const char* kLibraryMark = "cublasLtIsEmulated";
constexpr const char* kWithoutMark = "it is no emulated one";

}  // namespace pstmo::cuda
