// Frames one at a time: each goes through the spatial encoder when it comes, and into the first
// layer's parts, as in a whole video.
#include <algorithm>

#include "../video-windows.h"

namespace pstmo::inference {

class CpuPlanStream final : public PlanStream {
 public:
  CpuPlanStream(CpuPlan& plan, const PlanStreamOptions& options)
      : plan_(plan),
        options_(options),
        windows_(plan, ring_, options.stride, options.flip),
        poses_(static_cast<size_t>(plan.config_.outputJoints) * 6) {
    plan_.prepareVideo(ring_,
                       (plan_.config_.frames - 1) / 2 * options.stride + options.lookahead + 1,
                       options.flip);
  }

  bool push(const float* keypoints, float* pose) override {
    plan_.encodeIntoRing(ring_, keypoints, frames_, frames_ + 1, options_.flip);
    ++frames_;
    if (frames_ <= options_.lookahead) return false;
    emit(frames_ - 1 - options_.lookahead, pose);
    return true;
  }

  int finish(float* poses) override {
    const int64_t owed = std::min<int64_t>(options_.lookahead, frames_);
    for (int64_t i = 0; i < owed; ++i)
      emit(frames_ - owed + i, poses + i * 3 * plan_.config_.outputJoints);
    return static_cast<int>(owed);
  }

 private:
  void emit(int64_t frame, float* pose) {
    const WindowCentre centre{frame, 0, frames_ - 1};
    windows_.start(&centre);
    if (!options_.flip) {
      plan_.run(windows_, 1, pose);
      return;
    }
    plan_.run(windows_, 2, poses_.data());
    plan_.meanOfMirrored(poses_.data(), poses_.data() + 3 * plan_.config_.outputJoints, pose);
  }

  CpuPlan& plan_;
  const PlanStreamOptions options_;
  FrameRing ring_;
  VideoWindows windows_;
  AlignedArray<float> poses_;
  int64_t frames_ = 0;
};

std::unique_ptr<PlanStream> CpuPlan::stream(const PlanStreamOptions& options) {
  return std::make_unique<CpuPlanStream>(*this, options);
}

}  // namespace pstmo::inference
