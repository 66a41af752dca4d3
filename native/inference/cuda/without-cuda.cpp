// A build without the CUDA sources: the compiled lifter has no CUDA device either.
#include "../../core/error.h"
#include "../../cuda/cuda-backend.h"
#include "kernels.h"

namespace pstmo::inference::cuda {

std::string unsupportedReason(int device, Precision, int, int) { return cudaState(device).reason; }

std::unique_ptr<LifterDevice> makeLifterDevice(int device, Precision, int, int) {
  const CudaState state = cudaState(device);
  throw Error(state.code, state.reason);
}

}  // namespace pstmo::inference::cuda
