// 2D sequences, with their 3D poses where they have them, in device memory, and the windows cut out
// of them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "device-array.h"
#include "network.h"
#include "pass.h"

namespace pstmo::network {

// Which windows of a batch, and how.
struct WindowSelection {
  const int32_t* samples;  // host (batch, 3): sequence, centre, mirrored
  int batch;
  int stride = 1;
  bool mirror = false;  // each window mirrored once more
  bool shuffle = false;
};

// One batch on the device.
struct WindowBatch {
  int size = 0;
  const float* keypoints = nullptr;  // (B, N, J, 2)
  const float* targets = nullptr;    // (B, N, J', 3), root joint at 0, or null
  const float* centre =
      nullptr;  // (B, J, 2): the middle frame's points, or null where nothing refines
  const float* roots = nullptr;    // (B, 3) or null
  const float* cameras = nullptr;  // (B, 4) or null
};

class PoseSequences {
 public:
  PoseSequences(Backend& backend, const NetworkConfig& config, const Pose2DSequences& sequences);

  bool hasPoses() const { return poses_.count() > 0; }
  // Roots and cameras, which refining needs.
  bool hasViews() const { return roots_.count() > 0 && cameras_.count() > 0; }
  // Throws ERR_ARGUMENT where a sample is outside.
  void check(const int32_t* samples, int64_t count) const;

  // Keypoints, and targets if `targets`, and centre, roots and cameras if `views`; memory from the
  // pass.
  WindowBatch gather(const Pass& pass, const WindowSelection& selection, bool targets,
                     bool views) const;

  size_t memoryBytes() const;

 private:
  void gatherViews(const Pass& pass, const int32_t* samples, const WindowGather& window,
                   WindowBatch& batch) const;

  const NetworkConfig& config_;
  std::vector<int64_t> starts_;
  std::vector<int32_t> lengths_;
  DeviceArray<float> keypoints_, poses_;
  DeviceArray<float> roots_, cameras_;  // (F, 3), and (sequences, 2, 4): as they are, and mirrored
  DeviceArray<int64_t> deviceStarts_;
  DeviceArray<int32_t> deviceLengths_, mirrorInput_, mirrorOutput_, itself_;
};

}  // namespace pstmo::network
