#include "pose-sequences.h"

#include <string>

#include "../core/error.h"

namespace pstmo::network {

PoseSequences::PoseSequences(Backend& backend, const NetworkConfig& config,
                             const Pose2DSequences& sequences)
    : config_(config) {
  int64_t total = 0;
  for (int i = 0; i < sequences.sequences; ++i) {
    const int32_t length = sequences.lengths[i];
    if (length < 1)
      throw Error("ERR_ARGUMENT", "sequence " + std::to_string(i) +
                                      ": at least one frame expected, got " +
                                      std::to_string(length) + ".");
    starts_.push_back(total);
    lengths_.push_back(length);
    total += length;
  }
  if (total == 0) throw Error("ERR_ARGUMENT", "sequences: at least one expected, got none.");
  const size_t frames = static_cast<size_t>(total);
  const size_t joints = static_cast<size_t>(config.joints),
               outputJoints = static_cast<size_t>(config.outputJoints);
  keypoints_ = DeviceArray<float>(backend, sequences.keypoints, frames * joints * 2);
  if (sequences.poses != nullptr)
    poses_ = DeviceArray<float>(backend, sequences.poses, frames * outputJoints * 3);
  if (sequences.roots != nullptr) roots_ = DeviceArray<float>(backend, sequences.roots, frames * 3);
  const int32_t itself = 0;
  itself_ = DeviceArray<int32_t>(backend, &itself, 1);
  if (sequences.cameras != nullptr) {
    std::vector<float> cameras;
    for (size_t i = 0; i < lengths_.size(); ++i) {
      const float* camera = sequences.cameras + 4 * i;
      cameras.insert(cameras.end(), camera, camera + 4);
      cameras.insert(cameras.end(), {camera[0], camera[1], -camera[2], camera[3]});
    }
    cameras_ = DeviceArray<float>(backend, cameras.data(), cameras.size());
  }
  deviceStarts_ = DeviceArray<int64_t>(backend, starts_.data(), starts_.size());
  deviceLengths_ = DeviceArray<int32_t>(backend, lengths_.data(), lengths_.size());
  mirrorInput_ = DeviceArray<int32_t>(backend, config.mirrorInput.data(), joints);
  mirrorOutput_ = DeviceArray<int32_t>(backend, config.mirrorOutput.data(), outputJoints);
}

void PoseSequences::check(const int32_t* samples, int64_t count) const {
  const int64_t sequences = static_cast<int64_t>(lengths_.size());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t sequence = samples[3 * i], centre = samples[3 * i + 1];
    if (sequence < 0 || sequence >= sequences) {
      throw Error("ERR_ARGUMENT", "sample " + std::to_string(i) + ": sequence 0 to " +
                                      std::to_string(sequences - 1) + " expected, got " +
                                      std::to_string(sequence) + ".");
    }
    const int32_t length = lengths_[static_cast<size_t>(sequence)];
    if (centre < 0 || centre >= length) {
      throw Error("ERR_ARGUMENT", "sample " + std::to_string(i) + ": centre frame 0 to " +
                                      std::to_string(length - 1) + " of sequence " +
                                      std::to_string(sequence) + " expected, got " +
                                      std::to_string(centre) + ".");
    }
  }
}

WindowBatch PoseSequences::gather(const Pass& pass, const WindowSelection& selection, bool targets,
                                  bool views) const {
  const size_t size = static_cast<size_t>(selection.batch);
  std::vector<int32_t> samples(selection.samples, selection.samples + size * 3);
  if (selection.mirror) {
    for (size_t i = 0; i < size; ++i) samples[3 * i + 2] = samples[3 * i + 2] != 0 ? 0 : 1;
  }
  int32_t* deviceSamples = pass.arena.take<int32_t>(samples.size());
  pass.copyIn(deviceSamples, samples.data(), samples.size());

  const int rows = selection.batch * config_.frames;
  float* keypoints = pass.take(rows, config_.joints * 2);
  WindowGather window{};
  window.batch = selection.batch;
  window.frames = config_.frames;
  window.stride = selection.stride;
  window.start = deviceStarts_.data();
  window.length = deviceLengths_.data();
  window.samples = deviceSamples;
  window.joints = config_.joints;
  window.coordinates = 2;
  window.source = keypoints_.data();
  window.mirror = mirrorInput_.data();
  window.seed = pass.seed;
  window.step = pass.step;
  window.shuffle = selection.shuffle;
  window.y = keypoints;
  pass.run(window);
  window.shuffle = false;

  WindowBatch batch;
  batch.size = selection.batch;
  batch.keypoints = keypoints;
  if (views) {
    gatherViews(pass, samples.data(), window, batch);
  }
  if (targets) {
    float* poses = pass.take(rows, config_.outputJoints * 3);
    window.joints = config_.outputJoints;
    window.coordinates = 3;
    window.source = poses_.data();
    window.mirror = mirrorOutput_.data();
    window.rootJoint = config_.rootJoint;
    window.y = poses;
    pass.run(window);
    batch.targets = poses;
  }
  return batch;
}

// The middle frame's points, and the root and camera that belong to them: mirrored with them.
void PoseSequences::gatherViews(const Pass& pass, const int32_t* samples,
                                const WindowGather& window, WindowBatch& batch) const {
  WindowGather middle = window;
  float* centre = pass.take(batch.size, config_.joints * 2);
  middle.frames = 1;
  middle.y = centre;
  pass.run(middle);
  batch.centre = centre;

  float* roots = pass.take(batch.size, 3);
  middle.joints = 1;
  middle.coordinates = 3;
  middle.source = roots_.data();
  middle.mirror = itself_.data();
  middle.y = roots;
  pass.run(middle);
  batch.roots = roots;

  std::vector<int> rows;
  for (int i = 0; i < batch.size; ++i)
    rows.push_back(2 * samples[3 * i] + (samples[3 * i + 2] != 0 ? 1 : 0));
  int* cameraRows = pass.arena.take<int>(rows.size());
  pass.copyIn(cameraRows, rows.data(), rows.size());
  float* cameras = pass.take(batch.size, 4);
  pass.run(PositionsForward{1, 2 * static_cast<int>(lengths_.size()), batch.size, 4,
                            cameras_.data(), nullptr, cameraRows, nullptr, cameras});
  batch.cameras = cameras;
}

size_t PoseSequences::memoryBytes() const {
  return keypoints_.bytes() + poses_.bytes() + roots_.bytes() + cameras_.bytes() +
         deviceStarts_.bytes() + deviceLengths_.bytes();
}

}  // namespace pstmo::network
