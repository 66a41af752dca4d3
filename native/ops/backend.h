// The one table of operations. A device implements every line of it; the networks in native/model are written once over it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "operations.h"
#include "timeline.h"

namespace pstmo {

enum class Precision { fp32, tf32, bf16 };

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string describe() const = 0;  // "CPU, AVX-512, 2 threads"
  virtual Precision precision() const = 0;
  virtual std::unique_ptr<Timeline> timeline() = 0;

  // Device memory. Sizes in bytes; allocate throws Error("ERR_MEMORY", ...) that says what was asked.
  virtual void* allocate(size_t bytes) = 0;
  virtual void release(void* memory) = 0;
  virtual void copyIn(void* device, const void* host, size_t bytes) = 0;
  virtual void copyOut(void* host, const void* device, size_t bytes) = 0;
  virtual void zero(void* device, size_t bytes) = 0;

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
