// A device: memory, copies, and a kernel for every operation of operations.h. The networks in
// native/network are written once over it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operations.h"
#include "timeline.h"

namespace pstmo {

enum class Precision { fp32, tf32, bf16 };

// What a step follows from: sizes, switches, and the addresses of what it reads.
using StepKey = std::vector<uint64_t>;

// What differs between two steps of the same key: dropout's random state, and the optimizer's step.
struct StepValues {
  uint64_t seed = 0;
  uint32_t step = 0;
  double learningRate = 0;
  int64_t adamStep = 1;
};

// Within the class of a device: a body that is missing stops the build where the addon is linked
// (tools/build/check-linked.cmake).
#define PSTMO_DECLARE_RUN(Op) void run(const Op&) override;
#define PSTMO_DEMAND_RUN(Op) virtual void run(const Op&) = 0;

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string describe() const = 0;  // "CPU, AVX-512, 2 threads"
  virtual Precision precision() const = 0;
  // Threads of the host that were asked for and that the system did not give.
  virtual int missingThreads() const { return 0; }
  // How it keeps the arrays that need not be float32 (activations.h): narrowable or bfloat16.
  virtual Storage branchStorage() const = 0;
  virtual std::unique_ptr<Timeline> timeline() = 0;

  // Device memory. Sizes in bytes; allocate throws Error("ERR_MEMORY", ...) that says what was
  // asked.
  virtual void* allocate(size_t bytes) = 0;
  virtual void release(void* memory) = 0;
  virtual void copyIn(void* device, const void* host, size_t bytes) = 0;
  virtual void copyOut(void* host, const void* device, size_t bytes) = 0;
  virtual void zero(void* device, size_t bytes) = 0;
  // As copyOut, but `host` is only written by the time finishCopies returns: the device may go on
  // meanwhile. abandonCopies: host memory of copies that are not finished is not written any more.
  virtual void copyOutLater(void* host, const void* device, size_t bytes) = 0;
  virtual void finishCopies() = 0;
  virtual void abandonCopies() = 0;
  // From device memory to device memory.
  virtual void copyWithin(void* to, const void* from, size_t bytes) = 0;
  // What allocate could still give, where the device knows; 0 elsewhere.
  virtual size_t freeBytes() = 0;

  // Calls `body`, or does again what it did the last time it was called with this key, with other
  // values: whatever `body` does but run operations and zero memory may happen or not. A dropout or
  // optimizer step in it must have these values.
  virtual void runStep(const StepKey& key, const StepValues& values,
                       const std::function<void()>& body) = 0;

  // Must be called after parameters changed: packed copies of weights are made anew.
  virtual void weightsChanged() = 0;

  // run(const LinearForward&), run(const LinearBackward&), ...
  PSTMO_FOR_EACH_OP(PSTMO_DEMAND_RUN)
};

}  // namespace pstmo
