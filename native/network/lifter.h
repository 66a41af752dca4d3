// Stage II (STMO): windows of 2D keypoints to the middle frame's 3D pose and to every frame's,
// optionally refined.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device-array.h"
#include "layers/frame-aggregator.h"
#include "layers/pose-head.h"
#include "layers/refiner.h"
#include "layers/spatial-encoder.h"
#include "layers/temporal-encoder.h"
#include "pass.h"
#include "pose-sequences.h"
#include "weights/blueprint.h"

namespace pstmo::network {

struct Losses {
  double total = 0;
  double single = 0;  // Stage I: its one loss
  double multiple = 0;
};

// Where the losses of a pass are added up on the device.
struct LossCells {
  static constexpr size_t kCount = 3;
  double* single;  // Stage I: its one loss
  double* multiple;
  double* refined;
  explicit LossCells(double* cells) : single(cells), multiple(cells + 1), refined(cells + 2) {}
};

class Lifter {
 public:
  struct Poses {
    float* single = nullptr;    // (B, 1, J', 3)
    float* multiple = nullptr;  // (B, N, J', 3), null where not asked for
    float* refined =
        nullptr;  // (B, 1, J', 3), null without roots and cameras or without the module
  };

  Lifter(Blueprint& blueprint, Backend& backend);

  bool refines() const { return refiner_.has_value(); }
  // Memory for the poses of a batch, of every frame too if `everyFrame`.
  Poses takePoses(const Pass& pass, const WindowBatch& batch, bool everyFrame) const;
  // poses.single and, where there is memory for them, every frame's.
  void forward(const Pass& pass, const WindowBatch& batch, const Poses& poses);
  // poses.refined, where there is memory for it, from poses.single and the plain 2D: in a mirrored
  // test `single` is the mean of both sides by then (spec section 6).
  void refine(const Pass& pass, const WindowBatch& batch, const Poses& poses);
  // Losses against batch.targets, += to the cells; in training also the gradients of the
  // parameters, from the forward before it. Where poses were refined, the refined one's loss stands
  // alone.
  void learn(const Pass& pass, const WindowBatch& batch, const Poses& poses,
             const LossCells& cells);
  // Reads the cells of a batch on the host.
  Losses lossesOf(const double* cells, bool training, bool refined) const;

  // Null where there is no such layer.
  const TransformerLayer* attentionLayer(const std::string& module, int layer) const;

 private:
  // In training every frame's poses are learnt too, unless they are refined; their loss is then
  // taken with its weight.
  bool learnsEveryFrame(bool training, bool refined) const {
    return training && !refined && config_.lossWeight > 0;
  }
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

}  // namespace pstmo::network
