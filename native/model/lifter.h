// Stage II (STMO): windows of 2D keypoints to the middle frame's 3D pose and to every frame's, optionally refined.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blueprint.h"
#include "device-array.h"
#include "frame-aggregator.h"
#include "pass.h"
#include "pose-head.h"
#include "pose-sequences.h"
#include "refiner.h"
#include "spatial-encoder.h"
#include "temporal-encoder.h"

namespace pstmo {

struct Losses {
  double total = 0;
  double single = 0;  // Stage I: its one loss
  double multiple = 0;
};

class Lifter {
 public:
  struct Poses {
    float* single = nullptr;    // (B, 1, J', 3)
    float* multiple = nullptr;  // (B, N, J', 3), null where not asked for
    float* refined = nullptr;   // (B, 1, J', 3), null without roots and cameras or without the module
  };

  Lifter(Blueprint& blueprint, Backend& backend);

  bool refines() const { return refiner_.has_value(); }
  Poses forward(const Pass& pass, const WindowBatch& batch, bool everyFrame);
  // Losses against batch.targets; in training also the gradients of the parameters, from the forward before it. Where poses were
  // refined, the refined one's loss stands alone.
  Losses learn(const Pass& pass, const WindowBatch& batch, const Poses& poses);

  // Null where there is no such layer.
  const TransformerLayer* attentionLayer(const std::string& module, int layer) const;

 private:
  void backward(const Pass& pass, int batch, const float* dSingle, const float* dMultiple);
  float* encodeBackward(const Pass& pass, int batch, const float* dSingle);

  const NetworkConfig& config_;
  int poseWidth_;  // 3 J'
  std::unique_ptr<SpatialEncoder> spatial_;
  std::optional<TemporalEncoder> temporal_;
  std::optional<FrameAggregator> aggregator_;
  PoseHead singleHead_;
  std::optional<PoseHead> multipleHead_;
  std::optional<Refiner> refiner_;
  DeviceArray<int> middle_;  // the middle frame, as a row list
};

}  // namespace pstmo
