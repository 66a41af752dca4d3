// Frames one at a time: each goes through the spatial encoder when it comes, and into the first
// layer's parts, as in a whole video.
#include <algorithm>

#include "../video-windows.h"

namespace pstmo::inference {

class CpuLifterStream final : public LiftStream {
 public:
  CpuLifterStream(CpuLifter& lifter, const StreamOptions& options)
      : lifter_(lifter),
        options_(options),
        windows_(lifter, ring_, options.stride, options.flip),
        poses_(static_cast<size_t>(lifter.config_.outputJoints) * 6) {
    lifter_.prepareVideo(ring_,
                         (lifter_.config_.frames - 1) / 2 * options.stride + options.lookahead + 1,
                         options.flip);
  }

  bool push(const float* keypoints, float* pose) override {
    lifter_.encodeIntoRing(ring_, keypoints, frames_, frames_ + 1, options_.flip);
    ++frames_;
    if (frames_ <= options_.lookahead) return false;
    emit(frames_ - 1 - options_.lookahead, pose);
    return true;
  }

  size_t memoryBytes() const override { return ring_.bytes() + poses_.bytes(); }

  int finish(float* poses) override {
    const int64_t owed = std::min<int64_t>(options_.lookahead, frames_);
    for (int64_t i = 0; i < owed; ++i)
      emit(frames_ - owed + i, poses + i * 3 * lifter_.config_.outputJoints);
    return static_cast<int>(owed);
  }

 private:
  void emit(int64_t frame, float* pose) {
    const WindowCentre centre{frame, 0, frames_ - 1};
    windows_.start(&centre);
    if (!options_.flip) {
      lifter_.run(windows_, 1, pose);
      return;
    }
    lifter_.run(windows_, 2, poses_.data());
    lifter_.meanOfMirrored(poses_.data(), poses_.data() + 3 * lifter_.config_.outputJoints, pose);
  }

  CpuLifter& lifter_;
  const StreamOptions options_;
  FrameRing ring_;
  VideoWindows windows_;
  AlignedArray<float> poses_;
  int64_t frames_ = 0;
};

std::unique_ptr<LiftStream> CpuLifter::stream(const StreamOptions& options) {
  return std::make_unique<CpuLifterStream>(*this, options);
}

}  // namespace pstmo::inference
