// The one table of operations. A device implements every line of it; the networks in native/model
// are written once over it.
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

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string describe() const = 0;  // "CPU, AVX-512, 2 threads"
  virtual Precision precision() const = 0;
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

  virtual void run(const LinearForward&) = 0;
  virtual void run(const LinearBackward&) = 0;
  virtual void run(const SpatialBlockForward&) = 0;
  virtual void run(const SpatialBlockBackward&) = 0;
  virtual void run(const BatchNormForward&) = 0;
  virtual void run(const BatchNormBackward&) = 0;
  virtual void run(const LayerNormForward&) = 0;
  virtual void run(const LayerNormBackward&) = 0;
  virtual void run(const AttentionForward&) = 0;
  virtual void run(const AttentionBackward&) = 0;
  virtual void run(const AttentionMaps&) = 0;
  virtual void run(const StridedConvForward&) = 0;
  virtual void run(const StridedConvBackward&) = 0;
  virtual void run(const StridedResidualBackward&) = 0;
  virtual void run(const DropoutBackward&) = 0;
  virtual void run(const PositionsForward&) = 0;
  virtual void run(const PositionsBackward&) = 0;
  virtual void run(const DecoderInputForward&) = 0;
  virtual void run(const DecoderInputBackward&) = 0;
  virtual void run(const JointMaskForward&) = 0;
  virtual void run(const JointMaskBackward&) = 0;
  virtual void run(const PoseLoss&) = 0;
  virtual void run(const AdamStep&) = 0;
  virtual void run(const WindowGather&) = 0;
  virtual void run(const MirrorMean&) = 0;
  virtual void run(const BackProjectForward&) = 0;
  virtual void run(const BackProjectBackward&) = 0;
  virtual void run(const RefineBlendForward&) = 0;
  virtual void run(const RefineBlendBackward&) = 0;
  virtual void run(const ConcatForward&) = 0;
  virtual void run(const ConcatBackward&) = 0;
  virtual void run(const AddForward&) = 0;
};

}  // namespace pstmo
