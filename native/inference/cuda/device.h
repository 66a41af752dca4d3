// The plan's kernels on one stream.
#pragma once

#include "../../cuda/cuda-device.h"
#include "kernels.h"

namespace pstmo::cuda {

class CudaPlanDevice final : public PlanDevice {
 public:
  CudaPlanDevice(int device, Precision precision, bool narrow, size_t sharedBytes)
      : backend_(device, precision, "own"), narrow_(narrow), sharedBytes_(sharedBytes) {}

  Backend& backend() override { return backend_; }
  void run(const PlanProduct&) override;
  void run(const PlanNormProduct&) override;
  void run(const PlanFeedForward&) override;
  void run(const PlanAttention&) override;
  void run(const PlanPack&) override;
  void run(const PlanFrames&) override;
  void run(const PlanWindows&) override;
  void run(const PlanFirstLayer&) override;
  void run(const PlanPoses&) override;

 private:
  Precision precision() const { return backend_.precision(); }
  cudaStream_t stream() const { return backend_.stream(); }

  CudaBackend backend_;
  bool narrow_;         // blocks of half the rows, where shared memory has no room for whole ones
  size_t sharedBytes_;  // that a block may have
};

// Bytes of shared memory that the largest block takes of those that every network needs.
size_t planSharedBytes(Precision precision, bool narrow, int width, int heads);

}  // namespace pstmo::cuda
