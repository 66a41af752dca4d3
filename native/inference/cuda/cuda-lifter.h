// The compiled lifter on CUDA. Windows by the hundred thousand rows go through each layer in three
// or four kernels, and a batch is recorded as one CUDA graph. A video's frame goes through the
// spatial encoder once a batch, and so does its part of the first layer's Q, K and V.
#pragma once

#include <vector>

#include "../compiled-lifter.h"
#include "device-weights.h"

namespace pstmo::inference {

class CudaLifter final : public CompiledLifter {
 public:
  CudaLifter(const NetworkConfig& config, const Folds& folds, Precision precision, int device,
             const TensorReader& read);

  void liftWindows(const float* keypoints, int batch, float* poses) override;
  void lift(const ClipRequest& request, const Progress& progress) override;
  std::unique_ptr<LiftStream> stream(const StreamOptions& options) override;
  size_t memoryBytes() const override { return weights_.bytes() + arrays_.total(); }
  void startProfile() override;
  std::vector<StageRecord> stopProfile() override;

 private:
  // Windows of a batch of a video: their centres, and the frames [lowest, highest] that they see.
  struct VideoBatch;

  struct Sizes;

  // Runs one operation, timed while a profile is taken.
  template <typename Op>
  void run(const char* stage, double flops, const Op& op) {
    timed({stage, flops}, [&] { device_->run(op); });
  }
  template <typename Work>
  void timed(const Stage& stage, const Work& work);
  // A batch, recorded where it comes again. While a profile is taken it runs stage by stage.
  void runBatch(const StepKey& key, const std::function<void()>& body);
  double flopsOf(const cuda::WeightMatrix& weights, int rows, bool exact = false) const;

  Sizes sizesOf(int windows, int frames, int tokens) const;
  // Grows the memory to this number of windows, frames of keypoints, and tokens that windows share.
  void prepare(int windows, int frames, int tokens);
  // Takes the memory of batches of `windows` centres, or of fewer: what is free decides, and where
  // the device then refuses some of it, half as many are tried. framesOf: the frames that so many
  // see, whose tokens they share or not. Returns the batch.
  template <typename FramesOf>
  int prepareBatch(int windows, int sides, bool shares, const FramesOf& framesOf);
  // Rows of keypoints to tokens, with positions or without.
  void encode(const uint32_t* frames, int count, float* tokens, bool positions);
  // Rows of x to a layer's Q, K and V.
  void projectHeads(const DeviceLayer& layer, int rows);
  void attendAndFeed(const DeviceLayer& layer, int windows, int tokens, const float* table);
  // x (windows * N rows) to the head's rows. projected: the first layer's Q, K and V are there.
  void throughLayers(int windows, bool projected);
  void runVideo(const ClipRequest& request, const VideoBatch& batch, float* poses);
  int largestBatch(int sides) const;

  const NetworkConfig config_;
  const Folds folds_;
  std::unique_ptr<cuda::LifterDevice> device_;
  Backend& backend_;
  const DeviceWeights weights_;

  std::unique_ptr<Timeline> timeline_;  // while a profile is taken
  std::vector<Stage> stages_;           // of its spans

  DeviceArrays arrays_;
  int mostWindows_ = 0, mostFrames_ = 0, mostTokens_ = 0;
  uint64_t generation_ = 0;  // of the arrays, which recorded batches name
  float *keypoints_ = nullptr, *tokens_ = nullptr, *parts_ = nullptr;
  int32_t* centres_ = nullptr;
  float *plain_ = nullptr, *x_ = nullptr, *middle_ = nullptr, *head_ = nullptr, *poses_ = nullptr;
  uint32_t *frameRows_ = nullptr, *plainWords_ = nullptr, *innerWords_ = nullptr, *wide_ = nullptr;
};

}  // namespace pstmo::inference
