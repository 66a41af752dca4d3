// Training, and the forms in which a network's steps are given to the device.
#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "../core/error.h"
#include "within-memory.h"

namespace pstmo::network {

void DeviceNetwork::checkTraining(const TrainRequest& request) const {
  if (!sequences_) throw Error("ERR_ARGUMENT", "train: sequences expected, none were given.");
  if (request.batch < 1 ||
      request.steps != (request.sampleCount + request.batch - 1) / request.batch) {
    throw Error("ERR_ARGUMENT", "train: " + std::to_string(request.steps) + " steps of " +
                                    std::to_string(request.batch) + " samples do not take " +
                                    std::to_string(request.sampleCount) + " samples.");
  }
  sequences_->check(request.samples, request.sampleCount);
  if (lifter_ && !sequences_->hasPoses())
    throw Error("ERR_ARGUMENT", "train: Stage II needs the sequences' 3D poses, none were given.");
  if (config_.refine && !sequences_->hasViews()) {
    throw Error("ERR_ARGUMENT",
                "train: refining needs the sequences' roots and cameras, they were not given.");
  }
}

WindowSelection DeviceNetwork::selectionOf(const TrainRequest& request, int step) const {
  const int64_t first = int64_t{step} * request.batch;
  return {request.samples + 3 * first,
          static_cast<int>(std::min<int64_t>(request.batch, request.sampleCount - first)),
          request.stride, false, request.shuffleFrames};
}

// Losses stay on the device until the last step is under way.
void DeviceNetwork::train(const TrainRequest& request, const JobControl& control) {
  checkTraining(request);
  parameters_.materialize();
  const size_t steps = static_cast<size_t>(request.steps);
  if (log_.count() < steps * LossCells::kCount)
    log_ = DeviceArray<double>(*backend_, steps * LossCells::kCount);
  const auto work = [&] {
    for (int step = 0; step < request.steps; ++step) {
      control.throwIfCancelled();
      trainStep(startPass(request.update, request.seed, request.firstStep + step), request, step,
                selectionOf(request, step));
      backend_->copyWithin(log_.data() + static_cast<size_t>(step) * LossCells::kCount,
                           cells_.data(), cells_.bytes());
      countMemory();
      control.count(1);
    }
    readLosses(log_.data(), request.steps, request.update, lifter_ && lifter_->refines(),
               request.losses);
  };
  const auto dryRun = [&](const Pass& pass, int windows) {
    WindowSelection selection = selectionOf(request, 0);
    selection.batch = std::min(selection.batch, windows);
    trainStep(pass, request, 0, selection);
  };
  withinMemory(selectionOf(request, 0).batch, request.update, work, dryRun);
}

void DeviceNetwork::trainStep(const Pass& pass, const TrainRequest& request, int step,
                              const WindowSelection& selection) {
  Windows windows = prepare(pass, *sequences_, selection, lifter_ != nullptr, true,
                            lifter_ && request.flip && !request.update);
  if (masked_) {
    const size_t frames = static_cast<size_t>(config_.frames),
                 at = static_cast<size_t>(step) * frames;
    const uint8_t* hidden = request.masked != nullptr ? request.masked + at : nullptr;
    const uint8_t* hiddenJoints = request.jointMask != nullptr
                                      ? request.jointMask + at * static_cast<size_t>(config_.joints)
                                      : nullptr;
    windows.reconstruction = masked_->prepare(pass, selection.batch, {hidden, hiddenJoints});
  }
  const StepValues values{pass.seed, pass.step, request.learningRate, request.firstStep + step + 1};
  const auto body = [&] {
    if (request.update && !pass.dryRun) parameters_.zeroGradients();
    learn(pass, windows);
    if (request.update && !pass.dryRun) parameters_.adamStep(values.learningRate, values.adamStep);
  };
  if (pass.dryRun) {
    body();
  } else {
    backend_->runStep(keyOf(pass, windows), values, body);
  }
}

DeviceNetwork::Windows DeviceNetwork::prepare(const Pass& pass, const PoseSequences& sequences,
                                              const WindowSelection& selection, bool targets,
                                              bool everyFrame, bool flip) {
  const bool views = config_.refine && sequences.hasViews();
  Windows windows;
  windows.batch = sequences.gather(pass, selection, targets, views);
  if (lifter_) windows.poses = lifter_->takePoses(pass, windows.batch, everyFrame);
  if (flip) {
    WindowSelection opposite = selection;
    opposite.mirror = true;
    windows.mirroredBatch = sequences.gather(pass, opposite, false, false);
    windows.mirroredPoses = lifter_->takePoses(pass, windows.mirroredBatch, everyFrame);
  }
  return windows;
}

StepKey DeviceNetwork::keyOf(const Pass& pass, const Windows& windows) const {
  StepKey key = {pass.training, static_cast<uint64_t>(windows.batch.size),
                 masked_ ? static_cast<uint64_t>(masked_->visible()) : 0,
                 masked_ && masked_->hidesJoints()};
  for (const void* memory : std::initializer_list<const void*>{
           windows.batch.keypoints, windows.batch.targets, windows.poses.single,
           windows.poses.multiple, windows.poses.refined, windows.reconstruction,
           windows.mirroredBatch.keypoints, windows.mirroredPoses.single}) {
    key.push_back(reinterpret_cast<uintptr_t>(memory));
  }
  return key;
}

// The poses of each batch; those of the mirrored windows, where there are some, are mirrored back
// and joined to them. What is refined is the mean.
void DeviceNetwork::predict(const Pass& pass, const Windows& windows) {
  lifter_->forward(pass, windows.batch, windows.poses);
  if (windows.mirroredBatch.keypoints != nullptr) joinMirrored(pass, windows);
  lifter_->refine(pass, windows.batch, windows.poses);
}

void DeviceNetwork::joinMirrored(const Pass& pass, const Windows& windows) {
  lifter_->forward(pass, windows.mirroredBatch, windows.mirroredPoses);
  const auto mean = [&](float* poses, const float* others, int rows) {
    if (poses != nullptr)
      pass.run(MirrorMean{rows, config_.outputJoints, poses, others, mirrorOutput_.data(), poses});
  };
  mean(windows.poses.single, windows.mirroredPoses.single, windows.batch.size);
  mean(windows.poses.multiple, windows.mirroredPoses.multiple, windows.batch.size * config_.frames);
}

void DeviceNetwork::learn(const Pass& pass, const Windows& windows) {
  const LossCells cells(cells_.data());
  if (!pass.dryRun) cells_.zero();
  if (masked_) {
    masked_->forward(pass, windows.batch.keypoints, windows.reconstruction);
    masked_->learn(pass, windows.reconstruction, cells);
  } else {
    predict(pass, windows);
    lifter_->learn(pass, windows.batch, windows.poses, cells);
  }
}

void DeviceNetwork::readLosses(const double* cells, int steps, bool training, bool refined,
                               double* losses) {
  std::vector<double> values(static_cast<size_t>(steps) * LossCells::kCount);
  backend_->copyOut(values.data(), cells, values.size() * sizeof(double));
  for (size_t step = 0; step < static_cast<size_t>(steps); ++step) {
    const double* own = values.data() + step * LossCells::kCount;
    const Losses result =
        masked_ ? Losses{own[0], own[0], 0} : lifter_->lossesOf(own, training, refined);
    losses[3 * step] = result.total;
    losses[3 * step + 1] = result.single;
    losses[3 * step + 2] = result.multiple;
  }
}

}  // namespace pstmo::network
