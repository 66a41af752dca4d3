#include "network.h"

#include <algorithm>
#include <utility>

#include "../core/error.h"
#include "check-config.h"
#include "device-network.h"

namespace pstmo {

namespace {

constexpr int kLiftRows = 4320;  // tokens of a batch when the caller leaves its size open: 160 windows of 27, 17 of 243

void throwIfCancelled(const JobControl& control) {
  if (control.cancel != nullptr && control.cancel->load() != 0) throw Error("ERR_ABORTED", "The caller stopped the job.");
}

void count(const JobControl& control, int done) {
  if (control.done != nullptr) control.done->fetch_add(done);
}

}  // namespace

std::unique_ptr<Network> Network::make(const NetworkConfig& config, std::unique_ptr<Backend> backend) {
  checkConfig(config);
  return std::make_unique<DeviceNetwork>(config, std::move(backend));
}

DeviceNetwork::DeviceNetwork(const NetworkConfig& config, std::unique_ptr<Backend> backend)
    : config_(config),
      backend_(std::move(backend)),
      arena_([this](size_t bytes) { return backend_->allocate(bytes); }, [this](void* memory) { backend_->release(memory); }) {
  Blueprint blueprint{config_, parameters_};
  if (config_.stage == 1) {
    masked_ = std::make_unique<MaskedPoseModel>(blueprint);
  } else {
    lifter_ = std::make_unique<Lifter>(blueprint, *backend_);
    mirrorOutput_ = DeviceArray<int32_t>(*backend_, config_.mirrorOutput.data(), config_.mirrorOutput.size());
  }
  parameters_.allocate(*backend_);
  countMemory();
}

void DeviceNetwork::write(TensorState state, const std::string& name, const float* host) {
  parameters_.write(state, name, host);
  if (state == TensorState::value) backend_->weightsChanged();
  countMemory();
}

void DeviceNetwork::initialize(uint64_t seed) {
  parameters_.initialize(seed);
  backend_->weightsChanged();
}

void DeviceNetwork::adamStep(double learningRate, int64_t step) {
  parameters_.adamStep(learningRate, step);
  countMemory();
}

// Takes back the activations of the pass before.
Pass DeviceNetwork::startPass(bool training, uint64_t seed, int64_t step) {
  arena_.reset();
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

WindowBatch DeviceNetwork::uploadBatch(const float* keypoints, int batch, const float* targets, const float* roots, const float* cameras) {
  if (batch < 1) throw Error("ERR_ARGUMENT", "batch: at least one window expected, got " + std::to_string(batch) + ".");
  const size_t size = static_cast<size_t>(batch), frames = static_cast<size_t>(config_.frames);
  const size_t points = 2 * static_cast<size_t>(config_.joints), pose = 3 * static_cast<size_t>(config_.outputJoints);
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
  if (!lifter_) throw Error("ERR_ARGUMENT", std::string(what) + ": a Stage II network expected, this one is Stage I.");
  return *lifter_;
}

MaskedPoseModel& DeviceNetwork::maskedPoseModel(const char* what) {
  if (!masked_) throw Error("ERR_ARGUMENT", std::string(what) + ": a Stage I network expected, this one is Stage II.");
  return *masked_;
}

void DeviceNetwork::forward(const float* keypoints, int batch, const float* roots, const float* cameras, float* single, float* multiple,
                            float* refined) {
  Lifter& model = lifter("forward");
  const Pass pass = startPass(false);
  const WindowBatch windows = uploadBatch(keypoints, batch, nullptr, roots, cameras);
  const Lifter::Poses poses = model.forward(pass, windows, multiple != nullptr);
  const size_t pose = 3 * static_cast<size_t>(batch) * static_cast<size_t>(config_.outputJoints);
  download(single, poses.single, pose);
  download(multiple, poses.multiple, pose * static_cast<size_t>(config_.frames));
  download(refined, poses.refined, pose);
  countMemory();
}

void DeviceNetwork::reconstruct(const float* keypoints, int batch, const uint8_t* masked, const uint8_t* jointMask, float* output) {
  MaskedPoseModel& model = maskedPoseModel("reconstruct");
  const Pass pass = startPass(false);
  const WindowBatch windows = uploadBatch(keypoints, batch, nullptr, nullptr, nullptr);
  const float* device = model.forward(pass, windows.keypoints, batch, {masked, jointMask});
  download(output, device, 2 * static_cast<size_t>(batch) * static_cast<size_t>(config_.frames) * static_cast<size_t>(config_.joints));
  countMemory();
}

int DeviceNetwork::attention(const float* keypoints, int batch, const uint8_t* masked, const uint8_t* jointMask, const std::string& module,
                             int layer, std::vector<float>& maps) {
  AttentionWatch watch;
  watch.layer = lifter_ ? lifter_->attentionLayer(module, layer) : masked_->attentionLayer(module, layer);
  if (watch.layer == nullptr) {
    throw Error("ERR_ARGUMENT", "attention: this network has no layer " + std::to_string(layer) + " in \"" + module + "\".");
  }
  Pass pass = startPass(false);
  pass.watch = &watch;
  const WindowBatch windows = uploadBatch(keypoints, batch, nullptr, nullptr, nullptr);
  if (lifter_) {
    lifter_->forward(pass, windows, false);
  } else {
    masked_->forward(pass, windows.keypoints, batch, {masked, jointMask});
  }
  maps = std::move(watch.maps);
  countMemory();
  return watch.tokens;
}

void DeviceNetwork::gradients(const float* keypoints, const float* targets, int batch, const uint8_t* masked, const uint8_t* jointMask,
                              const float* roots, const float* cameras, uint64_t seed, int64_t step, double* losses) {
  const Pass pass = startPass(true, seed, step);
  parameters_.zeroGradients();
  const WindowBatch windows = uploadBatch(keypoints, batch, targets, roots, cameras);
  Losses result;
  if (masked_) {
    result = masked_->learn(pass, masked_->forward(pass, windows.keypoints, batch, {masked, jointMask}));
  } else {
    if (targets == nullptr) throw Error("ERR_ARGUMENT", "targets: the 3D poses of each window expected, got none.");
    result = lifter_->learn(pass, windows, lifter_->forward(pass, windows, true));
  }
  losses[0] = result.total;
  losses[1] = result.single;
  losses[2] = result.multiple;
  countMemory();
}

void DeviceNetwork::setSequences(const Pose2DSequences& sequences) {
  sequences_.reset();
  sequences_.emplace(*backend_, config_, sequences);
  countMemory();
}

void DeviceNetwork::lift(const LiftRequest& request, const JobControl& control) {
  lifter("lift");
  if (request.first < 0 || request.count < 0 || request.first + int64_t{request.count} > request.frames) {
    throw Error("ERR_ARGUMENT", "lift: frames within the sequence's " + std::to_string(request.frames) + " expected, got " +
                                    std::to_string(request.count) + " from " + std::to_string(request.first) + " on.");
  }
  const Pose2DSequences sequence{request.keypoints, nullptr, request.root, request.camera, &request.frames, 1};
  const PoseSequences video(*backend_, config_, sequence);
  const int batch = request.batch > 0 ? request.batch : std::max(1, kLiftRows / config_.frames);
  const size_t pose = 3 * static_cast<size_t>(config_.outputJoints);
  for (int done = 0; done < request.count;) {
    throwIfCancelled(control);
    const int size = std::min(batch, request.count - done);
    std::vector<int32_t> samples;
    for (int i = 0; i < size; ++i) samples.insert(samples.end(), {0, request.first + done + i, 0});
    const float* poses = liftBatch(startPass(false), video, request, samples);
    download(request.poses + static_cast<size_t>(done) * pose, poses, static_cast<size_t>(size) * pose);
    done += size;
    count(control, size);
  }
  countMemory();
}

// The best pose there is of each sample's middle frame: refined where that is possible, mean with the mirrored one if asked for.
float* DeviceNetwork::liftBatch(const Pass& pass, const PoseSequences& video, const LiftRequest& request, const std::vector<int32_t>& samples) {
  const bool views = lifter_->refines() && video.hasViews();
  WindowSelection selection{samples.data(), static_cast<int>(samples.size() / 3), request.stride};
  const auto predict = [&] {
    const Lifter::Poses poses = lifter_->forward(pass, video.gather(pass, selection, false, views), false);
    return poses.refined != nullptr ? poses.refined : poses.single;
  };
  float* poses = predict();
  if (request.flip) {
    selection.mirror = true;
    pass.run(MirrorMean{selection.batch, config_.outputJoints, poses, predict(), mirrorOutput_.data(), poses});
  }
  return poses;
}

void DeviceNetwork::checkTraining(const TrainRequest& request) const {
  if (!sequences_) throw Error("ERR_ARGUMENT", "train: sequences expected, none were given.");
  if (request.batch < 1 || request.steps != (request.sampleCount + request.batch - 1) / request.batch) {
    throw Error("ERR_ARGUMENT", "train: " + std::to_string(request.steps) + " steps of " + std::to_string(request.batch) + " samples do not take " +
                                    std::to_string(request.sampleCount) + " samples.");
  }
  sequences_->check(request.samples, request.sampleCount);
  if (lifter_ && !sequences_->hasPoses()) throw Error("ERR_ARGUMENT", "train: Stage II needs the sequences' 3D poses, none were given.");
  if (config_.refine && !sequences_->hasViews()) {
    throw Error("ERR_ARGUMENT", "train: refining needs the sequences' roots and cameras, they were not given.");
  }
}

void DeviceNetwork::train(const TrainRequest& request, const JobControl& control) {
  checkTraining(request);
  for (int step = 0; step < request.steps; ++step) {
    throwIfCancelled(control);
    const Losses losses = trainStep(request, step);
    request.losses[3 * step] = losses.total;
    request.losses[3 * step + 1] = losses.single;
    request.losses[3 * step + 2] = losses.multiple;
    countMemory();
    count(control, 1);
  }
}

Losses DeviceNetwork::trainStep(const TrainRequest& request, int step) {
  const int64_t first = int64_t{step} * request.batch;
  const WindowSelection selection{request.samples + 3 * first, static_cast<int>(std::min<int64_t>(request.batch, request.sampleCount - first)),
                                  request.stride, false, request.shuffleFrames};
  const Pass pass = startPass(request.update, request.seed, request.firstStep + step);
  if (request.update) parameters_.zeroGradients();
  const WindowBatch batch = sequences_->gather(pass, selection, lifter_ != nullptr, config_.refine);
  Losses losses;
  if (masked_) {
    const size_t frames = static_cast<size_t>(config_.frames), at = static_cast<size_t>(step) * frames;
    const uint8_t* hidden = request.masked != nullptr ? request.masked + at : nullptr;
    const uint8_t* hiddenJoints = request.jointMask != nullptr ? request.jointMask + at * static_cast<size_t>(config_.joints) : nullptr;
    losses = masked_->learn(pass, masked_->forward(pass, batch.keypoints, batch.size, {hidden, hiddenJoints}));
  } else if (request.flip && !request.update) {
    losses = evaluateMirrored(pass, selection, batch);
  } else {
    losses = lifter_->learn(pass, batch, lifter_->forward(pass, batch, true));
  }
  if (request.update) parameters_.adamStep(request.learningRate, request.firstStep + step + 1);
  return losses;
}

// Losses of the mean of the plain prediction and the un-mirrored one of the mirrored windows.
Losses DeviceNetwork::evaluateMirrored(const Pass& pass, const WindowSelection& selection, const WindowBatch& batch) {
  WindowSelection opposite = selection;
  opposite.mirror = true;
  const Lifter::Poses plain = lifter_->forward(pass, batch, true);
  const Lifter::Poses mirrored = lifter_->forward(pass, sequences_->gather(pass, opposite, false, config_.refine), true);
  const int joints = config_.outputJoints;
  const auto mean = [&](float* poses, const float* others, int rows) {
    if (poses != nullptr) pass.run(MirrorMean{rows, joints, poses, others, mirrorOutput_.data(), poses});
  };
  mean(plain.single, mirrored.single, batch.size);
  mean(plain.multiple, mirrored.multiple, batch.size * config_.frames);
  mean(plain.refined, mirrored.refined, batch.size);
  return lifter_->learn(pass, batch, plain);
}

void DeviceNetwork::countMemory() {
  memoryBytes_ = parameters_.memoryBytes() + arena_.capacity() + (sequences_ ? sequences_->memoryBytes() : 0);
}

}  // namespace pstmo
