// A stream for what lifts only windows: it keeps the frames that windows can still reach, and lifts
// one of them at a time.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "compiled-lifter.h"

namespace pstmo::inference {

class HeldStream final : public LiftStream {
 public:
  // The pose of frame `frame` of `frames` frames of keypoints.
  using Lift = std::function<void(const float* keypoints, int frames, int frame, float* pose)>;

  // reach: frames on each side of one that its window sees.
  HeldStream(const StreamOptions& options, int reach, int joints, int outputJoints, Lift lift)
      : options_(options),
        reach_(reach),
        points_(2 * static_cast<size_t>(joints)),
        pose_(3 * static_cast<size_t>(outputJoints)),
        lift_(std::move(lift)) {}

  bool push(const float* keypoints, float* pose) override {
    held_.insert(held_.end(), keypoints, keypoints + points_);
    if (frames() > reach_ + options_.lookahead + 1)
      held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(points_));
    if (frames() <= options_.lookahead) return false;
    lift_(held_.data(), frames(), frames() - 1 - options_.lookahead, pose);
    return true;
  }

  size_t memoryBytes() const override { return held_.capacity() * sizeof(float); }

  int finish(float* poses) override {
    const int owed = options_.lookahead < frames() ? options_.lookahead : frames();
    for (int i = 0; i < owed; i++)
      lift_(held_.data(), frames(), frames() - owed + i, poses + static_cast<size_t>(i) * pose_);
    return owed;
  }

 private:
  int frames() const { return static_cast<int>(held_.size() / points_); }

  const StreamOptions options_;
  const int reach_;
  const size_t points_, pose_;
  const Lift lift_;
  std::vector<float> held_;
};

}  // namespace pstmo::inference
