// A build that was made where there is no nvcc: says so.
#include "../core/error.h"
#include "cuda-backend.h"

namespace pstmo {

CudaState cudaState(int) { return {false, false, "ERR_NO_CUDA", "This build has no CUDA backend: it was made without the CUDA toolkit."}; }

std::unique_ptr<Backend> makeCudaBackend(int device, Precision) {
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
