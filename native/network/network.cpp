#include "network.h"

#include <algorithm>
#include <utility>

#include "../core/error.h"
#include "check-config.h"
#include "device-network.h"
#include "within-memory.h"

namespace pstmo::network {

namespace {

// Tokens of a batch when the caller leaves its size open: 160 windows of 27, 17 of 243; on a GPU
// 2,427 and 269.
constexpr int kLiftRows = 4320, kGpuLiftRows = 1 << 16;

// Host memory of a request that ends, however it ends, is not written after that.
class PendingCopies {
 public:
  explicit PendingCopies(Backend& backend) : backend_(backend) {}
  ~PendingCopies() { backend_.abandonCopies(); }
  PendingCopies(const PendingCopies&) = delete;
  PendingCopies& operator=(const PendingCopies&) = delete;

 private:
  Backend& backend_;
};

}  // namespace

void JobControl::throwIfCancelled() const {
  if (cancel != nullptr && cancel->load() != 0)
    throw Error("ERR_ABORTED", "The caller stopped the job.");
}

void JobControl::count(int more) const {
  if (done != nullptr) done->fetch_add(more);
}

std::unique_ptr<Network> Network::make(const NetworkConfig& config,
                                       std::unique_ptr<Backend> backend) {
  checkConfig(config);
  return std::make_unique<DeviceNetwork>(config, std::move(backend));
}

DeviceNetwork::DeviceNetwork(const NetworkConfig& config, std::unique_ptr<Backend> backend)
    : config_(config),
      backend_(std::move(backend)),
      arena_([this](size_t bytes) { return backend_->allocate(bytes); },
             [this](void* memory) { backend_->release(memory); }) {
  Blueprint blueprint{config_, parameters_};
  if (config_.stage == 1) {
    masked_ = std::make_unique<MaskedPoseModel>(blueprint);
  } else {
    lifter_ = std::make_unique<Lifter>(blueprint, *backend_);
    mirrorOutput_ =
        DeviceArray<int32_t>(*backend_, config_.mirrorOutput.data(), config_.mirrorOutput.size());
  }
  parameters_.use(*backend_);
  cells_ = DeviceArray<double>(*backend_, LossCells::kCount);
  countMemory();
}

void DeviceNetwork::write(TensorState state, const std::string& name, const float* host) {
  parameters_.write(state, name, host);
  if (state == TensorState::value) backend_->weightsChanged();
  countMemory();
}

void DeviceNetwork::materialize() {
  parameters_.materialize();
  countMemory();
}

void DeviceNetwork::initialize(uint64_t seed) {
  parameters_.initialize(seed);
  backend_->weightsChanged();
  countMemory();
}

void DeviceNetwork::adamStep(double learningRate, int64_t step) {
  parameters_.adamStep(learningRate, step);
  countMemory();
}

// Takes back the activations of the pass before.
Pass DeviceNetwork::startPass(bool training, uint64_t seed, int64_t step) {
  arena_.reset();
  parameters_.materialize();
  if (training) parameters_.prepareTraining();
  Pass pass{*backend_, arena_};
  pass.training = training;
  pass.dropoutRate = config_.dropout;
  pass.seed = seed;
  pass.step = static_cast<uint32_t>(step);
  return pass;
}

template <typename T>
const T* DeviceNetwork::upload(const T* host, size_t count) {
  T* device = arena_.take<T>(count);
  backend_->copyIn(device, host, count * sizeof(T));
  return device;
}

void DeviceNetwork::download(float* host, const float* device, size_t count) {
  if (host != nullptr && device != nullptr) backend_->copyOut(host, device, count * sizeof(float));
}

WindowBatch DeviceNetwork::uploadBatch(const float* keypoints, int batch, const float* targets,
                                       const float* roots, const float* cameras) {
  if (batch < 1)
    throw Error("ERR_ARGUMENT",
                "batch: at least one window expected, got " + std::to_string(batch) + ".");
  const size_t size = static_cast<size_t>(batch), frames = static_cast<size_t>(config_.frames);
  const size_t points = 2 * static_cast<size_t>(config_.joints),
               pose = 3 * static_cast<size_t>(config_.outputJoints);
  WindowBatch windows;
  windows.size = batch;
  windows.keypoints = upload(keypoints, size * frames * points);
  if (targets != nullptr) windows.targets = upload(targets, size * frames * pose);
  if (config_.refine && roots != nullptr && cameras != nullptr) {
    std::vector<float> centre;
    for (size_t i = 0; i < size; ++i) {
      const float* middle = keypoints + (i * frames + frames / 2) * points;
      centre.insert(centre.end(), middle, middle + points);
    }
    windows.centre = upload(centre.data(), centre.size());
    windows.roots = upload(roots, size * 3);
    windows.cameras = upload(cameras, size * 4);
  }
  return windows;
}

Lifter& DeviceNetwork::lifter(const char* what) {
  if (!lifter_)
    throw Error("ERR_ARGUMENT",
                std::string(what) + ": a Stage II network expected, this one is Stage I.");
  return *lifter_;
}

MaskedPoseModel& DeviceNetwork::maskedPoseModel(const char* what) {
  if (!masked_)
    throw Error("ERR_ARGUMENT",
                std::string(what) + ": a Stage I network expected, this one is Stage II.");
  return *masked_;
}

void DeviceNetwork::forward(const float* keypoints, int batch, const float* roots,
                            const float* cameras, float* single, float* multiple, float* refined) {
  Lifter& model = lifter("forward");
  const Pass pass = startPass(false);
  const WindowBatch windows = uploadBatch(keypoints, batch, nullptr, roots, cameras);
  const Lifter::Poses poses = model.takePoses(pass, windows, multiple != nullptr);
  model.forward(pass, windows, poses);
  model.refine(pass, windows, poses);
  const size_t pose = 3 * static_cast<size_t>(batch) * static_cast<size_t>(config_.outputJoints);
  download(single, poses.single, pose);
  download(multiple, poses.multiple, pose * static_cast<size_t>(config_.frames));
  download(refined, poses.refined, pose);
  countMemory();
}

void DeviceNetwork::reconstruct(const float* keypoints, int batch, const uint8_t* masked,
                                const uint8_t* jointMask, float* output) {
  MaskedPoseModel& model = maskedPoseModel("reconstruct");
  const Pass pass = startPass(false);
  const WindowBatch windows = uploadBatch(keypoints, batch, nullptr, nullptr, nullptr);
  float* device = model.prepare(pass, batch, {masked, jointMask});
  model.forward(pass, windows.keypoints, device);
  download(output, device,
           2 * static_cast<size_t>(batch) * static_cast<size_t>(config_.frames) *
               static_cast<size_t>(config_.joints));
  countMemory();
}

int DeviceNetwork::attention(const float* keypoints, int batch, const uint8_t* masked,
                             const uint8_t* jointMask, const std::string& module, int layer,
                             std::vector<float>& maps) {
  AttentionWatch watch;
  watch.layer =
      lifter_ ? lifter_->attentionLayer(module, layer) : masked_->attentionLayer(module, layer);
  if (watch.layer == nullptr) {
    throw Error("ERR_ARGUMENT", "attention: this network has no layer " + std::to_string(layer) +
                                    " in \"" + module + "\".");
  }
  Pass pass = startPass(false);
  pass.watch = &watch;
  const WindowBatch windows = uploadBatch(keypoints, batch, nullptr, nullptr, nullptr);
  if (lifter_) {
    lifter_->forward(pass, windows, lifter_->takePoses(pass, windows, false));
  } else {
    float* output = masked_->prepare(pass, batch, {masked, jointMask});
    masked_->forward(pass, windows.keypoints, output);
  }
  maps = std::move(watch.maps);
  countMemory();
  return watch.tokens;
}

void DeviceNetwork::gradients(const float* keypoints, const float* targets, int batch,
                              const uint8_t* masked, const uint8_t* jointMask, const float* roots,
                              const float* cameras, uint64_t seed, int64_t step, double* losses) {
  const Pass pass = startPass(true, seed, step);
  parameters_.zeroGradients();
  if (lifter_ && targets == nullptr)
    throw Error("ERR_ARGUMENT", "targets: the 3D poses of each window expected, got none.");
  Windows windows;
  windows.batch = uploadBatch(keypoints, batch, targets, roots, cameras);
  if (masked_) {
    windows.reconstruction = masked_->prepare(pass, batch, {masked, jointMask});
  } else {
    windows.poses = lifter_->takePoses(pass, windows.batch, true);
  }
  learn(pass, windows);
  readLosses(cells_.data(), 1, true, windows.poses.refined != nullptr, losses);
  countMemory();
}

void DeviceNetwork::setSequences(const Pose2DSequences& sequences) {
  sequences_.reset();
  sequences_.emplace(*backend_, config_, sequences);
  countMemory();
}

void DeviceNetwork::lift(const LiftRequest& request, const JobControl& control) {
  lifter("lift");
  parameters_.materialize();
  if (request.first < 0 || request.count < 0 ||
      request.first + int64_t{request.count} > request.frames) {
    throw Error("ERR_ARGUMENT", "lift: frames within the sequence's " +
                                    std::to_string(request.frames) + " expected, got " +
                                    std::to_string(request.count) + " from " +
                                    std::to_string(request.first) + " on.");
  }
  const Pose2DSequences sequence{request.keypoints, nullptr,         request.root,
                                 request.camera,    &request.frames, 1};
  const PoseSequences video(*backend_, config_, sequence);
  const size_t pose = 3 * static_cast<size_t>(config_.outputJoints);
  const auto samplesOf = [&](int done, int size) {
    std::vector<int32_t> samples;
    for (int i = 0; i < size; ++i) samples.insert(samples.end(), {0, request.first + done + i, 0});
    return samples;
  };
  const auto dryRun = [&](const Pass& pass, int size) {
    liftBatch(pass, video, request, samplesOf(0, size));
  };

  // A batch that the caller leaves open follows the memory that is free on a GPU. The order of
  // shuffled frames depends on the batch.
  const bool follows = request.batch == 0 && !request.shuffleFrames && backend_->freeBytes() > 0;
  int batch = request.batch > 0
                  ? request.batch
                  : std::max(1, (follows ? kGpuLiftRows : kLiftRows) / config_.frames);
  batch = std::min(batch, request.count);
  if (follows) batch = std::max(1, fittingBatch(batch, false, dryRun));

  const PendingCopies pending(*backend_);
  int done = 0;
  const auto work = [&] {
    while (done < request.count) {
      control.throwIfCancelled();
      const int size = std::min(batch, request.count - done);
      // The first frame stands for the step: a frame's order is drawn from (step, place in the
      // batch).
      const float* poses = liftBatch(startPass(false, request.shuffleSeed, request.first + done),
                                     video, request, samplesOf(done, size));
      backend_->copyOutLater(request.poses + static_cast<size_t>(done) * pose, poses,
                             static_cast<size_t>(size) * pose * sizeof(float));
      done += size;
      control.count(size);
    }
    backend_->finishCopies();
  };
  for (;;) {
    try {
      withinMemory(batch, false, work, dryRun);
      break;
    } catch (const Error& error) {
      if (error.code() != "ERR_CUDA_OOM" || !follows || batch == 1) throw;
      backend_->finishCopies();
      batch = (batch + 1) / 2;
    }
  }
  countMemory();
}

// The best pose there is of each sample's middle frame: mean with the mirrored one if asked for,
// and refined where that is possible.
float* DeviceNetwork::liftBatch(const Pass& pass, const PoseSequences& video,
                                const LiftRequest& request, const std::vector<int32_t>& samples) {
  const WindowSelection selection{samples.data(), static_cast<int>(samples.size() / 3),
                                  request.stride, false, request.shuffleFrames};
  const Windows windows = prepare(pass, video, selection, false, false, request.flip);
  const auto body = [&] { predict(pass, windows); };
  if (pass.dryRun) {
    body();
  } else {
    backend_->runStep(keyOf(pass, windows), {}, body);
  }
  return windows.poses.refined != nullptr ? windows.poses.refined : windows.poses.single;
}

void DeviceNetwork::countMemory() {
  memoryBytes_ = parameters_.memoryBytes() + arena_.capacity() + log_.bytes() +
                 (sequences_ ? sequences_->memoryBytes() : 0);
}

}  // namespace pstmo::network
