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
  int missingThreads() const override { return backend_->missingThreads(); }
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

  PSTMO_FOR_EACH_OP(PSTMO_DECLARE_RUN)

 private:
  template <typename Op>
  void runTimed(const Op& op);
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
