// The network behind network.h: one backend with the parameters, the arena, the sequences, and the
// model of the stage.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../core/arena.h"
#include "lifter.h"
#include "masked-pose-model.h"
#include "network.h"
#include "pose-sequences.h"
#include "weights/parameters.h"

namespace pstmo::network {

class DeviceNetwork final : public Network {
 public:
  DeviceNetwork(const NetworkConfig& config, std::unique_ptr<Backend> backend);

  const std::vector<TensorInfo>& tensors() const override { return parameters_.tensors(); }
  void read(TensorState state, const std::string& name, float* host) override {
    parameters_.read(state, name, host);
  }
  void write(TensorState state, const std::string& name, const float* host) override;
  void attachFile(std::shared_ptr<const ValuesFile> file) override {
    parameters_.attachFile(std::move(file));
  }
  void materialize() override;
  void initialize(uint64_t seed) override;

  void forward(const float* keypoints, int batch, const float* roots, const float* cameras,
               float* single, float* multiple, float* refined) override;
  void reconstruct(const float* keypoints, int batch, const uint8_t* masked,
                   const uint8_t* jointMask, float* output) override;
  int attention(const float* keypoints, int batch, const uint8_t* masked, const uint8_t* jointMask,
                const std::string& module, int layer, std::vector<float>& maps) override;
  void gradients(const float* keypoints, const float* targets, int batch, const uint8_t* masked,
                 const uint8_t* jointMask, const float* roots, const float* cameras, uint64_t seed,
                 int64_t step, double* losses) override;
  void adamStep(double learningRate, int64_t step) override;

  void setSequences(const Pose2DSequences& sequences) override;
  void lift(const LiftRequest& request, const JobControl& control) override;
  void train(const TrainRequest& request, const JobControl& control) override;

  size_t memoryBytes() const override { return memoryBytes_; }
  std::string describe() const override { return backend_->describe(); }
  int missingThreads() const override { return backend_->missingThreads(); }

 private:
  Pass startPass(bool training, uint64_t seed = 0, int64_t step = 0);
  template <typename T>
  const T* upload(const T* host, size_t count);
  WindowBatch uploadBatch(const float* keypoints, int batch, const float* targets,
                          const float* roots, const float* cameras);
  void download(float* host, const float* device, size_t count);
  Lifter& lifter(const char* what);
  MaskedPoseModel& maskedPoseModel(const char* what);

  // The windows of a batch on the device, mirrored ones too where they are asked for, and memory
  // for what comes of them.
  struct Windows {
    WindowBatch batch, mirroredBatch;
    Lifter::Poses poses, mirroredPoses;
    float* reconstruction = nullptr;  // Stage I
  };
  Windows prepare(const Pass& pass, const PoseSequences& sequences,
                  const WindowSelection& selection, bool targets, bool everyFrame, bool flip);
  // All that a device's recording of a step over these windows follows from.
  StepKey keyOf(const Pass& pass, const Windows& windows) const;

  float* liftBatch(const Pass& pass, const PoseSequences& video, const LiftRequest& request,
                   const std::vector<int32_t>& samples);
  void predict(const Pass& pass, const Windows& windows);
  void joinMirrored(const Pass& pass, const Windows& windows);

  void checkTraining(const TrainRequest& request) const;
  WindowSelection selectionOf(const TrainRequest& request, int step) const;
  // Losses go to the cells.
  void trainStep(const Pass& pass, const TrainRequest& request, int step,
                 const WindowSelection& selection);
  void learn(const Pass& pass, const Windows& windows);
  void readLosses(const double* cells, int steps, bool training, bool refined, double* losses);

  // Dry-runs a pass over `windows` windows, `dryRun(pass, windows)`, and returns its peak memory in
  // bytes.
  template <typename DryRun>
  size_t bytesOf(int windows, bool training, const DryRun& dryRun);
  // How many windows a pass may take, at most `most`, in the memory that is free; 0 where there is
  // none for one.
  template <typename DryRun>
  int fittingBatch(int most, bool training, const DryRun& dryRun);
  // Work of passes over at most `batch` windows, with their memory reserved first. An error of the
  // GPU's memory says how many would fit.
  template <typename Work, typename DryRun>
  void withinMemory(int batch, bool training, const Work& work, const DryRun& dryRun);
  void countMemory();

  const NetworkConfig config_;
  std::unique_ptr<Backend> backend_;
  Parameters parameters_;
  Arena arena_;
  std::unique_ptr<Lifter> lifter_;
  std::unique_ptr<MaskedPoseModel> masked_;
  DeviceArray<int32_t> mirrorOutput_;
  DeviceArray<double> cells_;  // LossCells of the step that runs
  DeviceArray<double> log_;    // and of the steps before it that are not read yet
  std::optional<PoseSequences> sequences_;
  std::atomic<size_t> memoryBytes_ = 0;
};

}  // namespace pstmo::network
