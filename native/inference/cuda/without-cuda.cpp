// A build without the CUDA sources: the compiled lifter has no CUDA device either.
#include "../../core/error.h"
#include "../../cuda/cuda-backend.h"
#include "kernels.h"

namespace pstmo::cuda {

std::string planDeviceObstacle(int device, Precision, int, int) { return cudaState(device).reason; }

std::unique_ptr<PlanDevice> makePlanDevice(int device, Precision, int, int) {
  const CudaState state = cudaState(device);
  throw Error(state.code, state.reason);
}

}  // namespace pstmo::cuda
