// Any backend with the time of its work noted: one op at a time, or passes, which are ops with no
// copy between them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend.h"
#include "cost.h"

namespace pstmo {

class ProfilingBackend final : public Backend {
 public:
  enum class Detail { off, passes, ops };
  struct Record {
    Cost cost;     // of a pass: "pass", how many ops it has, their sums
    double start;  // seconds since the first record began
    double seconds;
  };

  explicit ProfilingBackend(std::unique_ptr<Backend> backend)
      : backend_(std::move(backend)), timeline_(backend_->timeline()) {}

  void start(Detail detail);
  // Waits for the device; what was noted since start.
  std::vector<Record> stop();

  std::string describe() const override { return backend_->describe(); }
  Precision precision() const override { return backend_->precision(); }
  Storage branchStorage() const override { return backend_->branchStorage(); }
  std::unique_ptr<Timeline> timeline() override { return backend_->timeline(); }
  void* allocate(size_t bytes) override { return backend_->allocate(bytes); }
  void release(void* memory) override { backend_->release(memory); }
  void copyIn(void* device, const void* host, size_t bytes) override;
  void copyOut(void* host, const void* device, size_t bytes) override;
  void zero(void* device, size_t bytes) override;
  void copyOutLater(void* host, const void* device, size_t bytes) override;
  void finishCopies() override { backend_->finishCopies(); }
  void abandonCopies() override { backend_->abandonCopies(); }
  void copyWithin(void* to, const void* from, size_t bytes) override {
    backend_->copyWithin(to, from, bytes);
  }
  size_t freeBytes() override { return backend_->freeBytes(); }
  // Op by op, a step runs as it is: a recorded one has no ops to tell apart. Pass by pass, it is
  // one pass, recorded or not.
  void runStep(const StepKey& key, const StepValues& values,
               const std::function<void()>& body) override;
  void weightsChanged() override { backend_->weightsChanged(); }

  void run(const LinearForward& op) override { timed(op); }
  void run(const LinearBackward& op) override { timed(op); }
  void run(const SpatialBlockForward& op) override { timed(op); }
  void run(const SpatialBlockBackward& op) override { timed(op); }
  void run(const BatchNormForward& op) override { timed(op); }
  void run(const BatchNormBackward& op) override { timed(op); }
  void run(const LayerNormForward& op) override { timed(op); }
  void run(const LayerNormBackward& op) override { timed(op); }
  void run(const AttentionForward& op) override { timed(op); }
  void run(const AttentionBackward& op) override { timed(op); }
  void run(const AttentionMaps& op) override { timed(op); }
  void run(const StridedConvForward& op) override { timed(op); }
  void run(const StridedConvBackward& op) override { timed(op); }
  void run(const StridedResidualBackward& op) override { timed(op); }
  void run(const DropoutBackward& op) override { timed(op); }
  void run(const PositionsForward& op) override { timed(op); }
  void run(const PositionsBackward& op) override { timed(op); }
  void run(const DecoderInputForward& op) override { timed(op); }
  void run(const DecoderInputBackward& op) override { timed(op); }
  void run(const JointMaskForward& op) override { timed(op); }
  void run(const JointMaskBackward& op) override { timed(op); }
  void run(const PoseLoss& op) override { timed(op); }
  void run(const AdamStep& op) override { timed(op); }
  void run(const WindowGather& op) override { timed(op); }
  void run(const MirrorMean& op) override { timed(op); }
  void run(const BackProjectForward& op) override { timed(op); }
  void run(const BackProjectBackward& op) override { timed(op); }
  void run(const RefineBlendForward& op) override { timed(op); }
  void run(const RefineBlendBackward& op) override { timed(op); }
  void run(const ConcatForward& op) override { timed(op); }
  void run(const ConcatBackward& op) override { timed(op); }
  void run(const AddForward& op) override { timed(op); }

 private:
  template <typename Op>
  void timed(const Op& op) {
    if (detail_ == Detail::off) return backend_->run(op);
    beginOp(costOf(op));
    backend_->run(op);
    endOp();
  }
  void beginOp(Cost cost);
  void endOp();
  void beginCopy(const char* name, double bytes);
  void endPass();

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Timeline> timeline_;
  Detail detail_ = Detail::off;
  std::vector<Cost> costs_;
  int passOps_ = 0;  // of the pass under way
};

}  // namespace pstmo
