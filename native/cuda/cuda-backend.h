// Makes the CUDA backend, and says why there is none. Three implementations: the CUDA sources of
// this folder compiled by nvcc, the same compiled for the emulated device of emulation/, and
// without-cuda.cpp where neither is in the build.
#pragma once

#include <memory>
#include <string>

#include "../ops/backend.h"

namespace pstmo {

struct CudaState {
  bool built = false;   // the build has CUDA kernels
  bool usable = false;  // and this device can run them
  std::string code;     // where it is not usable: ERR_NO_CUDA, ERR_CUDA_ARCH or ERR_CUDA_DRIVER
  std::string
      reason;  // the device found, and where it is not usable the need; one or two sentences
};

// How many GPUs the driver counts; 0 where there is none, no driver or no build for them.
int cudaDeviceCount();

// Opens the driver, which takes a while the first time; never throws.
CudaState cudaState(int device);

// Describes the matmuls of a usable device where `matmul` is "auto": which cuBLASLt, from which
// file, or own kernels and why. Throws Error.
std::string cudaMatmul(int device);

// matmul: "auto" (cuBLASLt where it is found, else own kernels), "own", "cublaslt", or the path
// of a cuBLASLt. Throws Error with the code and reason of cudaState, or ERR_UNSUPPORTED where the
// cuBLASLt asked for cannot be used.
std::unique_ptr<Backend> makeCudaBackend(int device, Precision precision,
                                         const std::string& matmul);

// GFLOP/s that the device reaches in a matmul of this precision: registers alone, or a large
// matmul of this backend, whichever is more.
double measureCudaPeak(int device, Precision precision, double seconds);
// Copies within the device's memory, bytes read and written together, in GB/s.
double measureCudaCopy(int device, double seconds);

}  // namespace pstmo
