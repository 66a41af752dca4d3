// The compiled lifter's kernels on one stream.
#pragma once

#include "../../cuda/cuda-device.h"
#include "kernels.h"

namespace pstmo::inference::cuda {

using namespace pstmo::cuda;  // the backend and its launches

class CudaLifterDevice final : public LifterDevice {
 public:
  CudaLifterDevice(int device, Precision precision, bool narrow, size_t sharedBytes)
      : backend_(device, precision, "own"), narrow_(narrow), sharedBytes_(sharedBytes) {}

  Backend& backend() override { return backend_; }
  void run(const Matmul&) override;
  void run(const NormMatmul&) override;
  void run(const Encoder&) override;
  void run(const FeedForward&) override;
  void run(const Attention&) override;
  void run(const PackWeights&) override;
  void run(const PadKeypoints&) override;
  void run(const GatherWindows&) override;
  void run(const FirstLayer&) override;
  void run(const ReadPoses&) override;

 private:
  Precision precision() const { return backend_.precision(); }
  cudaStream_t stream() const { return backend_.stream(); }

  CudaBackend backend_;
  bool narrow_;         // blocks of half the rows, where shared memory has no room for whole ones
  size_t sharedBytes_;  // that a block may have
};

// Bytes of shared memory that the largest block takes of those that every network needs.
size_t largestBlockBytes(Precision precision, bool narrow, int width, int heads);

}  // namespace pstmo::inference::cuda
