// A build without the CUDA sources: says why it has none, which CMakeLists.txt knows.
#include "../core/error.h"
#include "cuda-backend.h"

namespace pstmo {

int cudaDeviceCount() { return 0; }

CudaState cudaState(int) {
  return {false, false, "ERR_NO_CUDA", "This build has no CUDA backend: " PSTMO_WITHOUT_CUDA "."};
}

std::string cudaMatmul(int) { return ""; }

std::unique_ptr<Backend> makeCudaBackend(int device, Precision, const std::string&) {
  const CudaState state = cudaState(device);
  throw Error(state.code, state.reason);
}

double measureCudaPeak(int device, Precision, double) {
  const CudaState state = cudaState(device);
  throw Error(state.code, state.reason);
}

double measureCudaCopy(int device, double) {
  const CudaState state = cudaState(device);
  throw Error(state.code, state.reason);
}

}  // namespace pstmo
