// Windows over frames that went through the spatial encoder once, held in a ring.
#pragma once

#include "clip-walk.h"
#include "cpu/cpu-lifter.h"

namespace pstmo::inference {

// The windows of a list of centres. Where mirror images are wanted too, window 2 i is the plain one
// of centre i and 2 i + 1 the mirrored.
class VideoWindows final : public WindowSource {
 public:
  VideoWindows(CpuLifter& lifter, const FrameRing& ring, int stride, bool flip)
      : lifter_(lifter), ring_(ring), stride_(stride), sides_(flip ? 2 : 1) {}

  void start(const WindowCentre* centres) { centres_ = centres; }
  const SharedFirstLayer* fill(const Workers& workers, Workspace& workspace, int first,
                               int windows) override;

 private:
  CpuLifter& lifter_;
  const FrameRing& ring_;
  const int stride_, sides_;
  const WindowCentre* centres_ = nullptr;
};

}  // namespace pstmo::inference
