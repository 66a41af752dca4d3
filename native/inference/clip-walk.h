// The wanted frames of a request's clips, one after the other, in blocks that see a limited number
// of frames.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "compiled-lifter.h"

namespace pstmo::inference {

// A frame whose pose is wanted, and its clip's first and last: numbers of frames, of all clips laid
// end to end.
struct WindowCentre {
  int64_t frame, first, last;
};

class ClipWalk {
 public:
  // reach: how far a window goes to either side of its centre.
  ClipWalk(const std::vector<Clip>& clips, int64_t reach) : clips_(clips), reach_(reach) {
    for (const Clip& clip : clips) {
      total_ += clip.frames;
      wanted_ += clip.count;
    }
  }

  int64_t total() const { return total_; }    // frames of all clips
  int64_t wanted() const { return wanted_; }  // of which poses are wanted

  // The next centres, at most `most`, which together see at most `mostFrames` frames: those from
  // lowest() to highest().
  const std::vector<WindowCentre>& next(int most, int64_t mostFrames) {
    centres_.clear();
    while (static_cast<int>(centres_.size()) < most && clip_ < clips_.size()) {
      const Clip& at = clips_[clip_];
      if (inside_ == at.count) {
        start_ += at.frames;
        ++clip_;
        inside_ = 0;
        continue;
      }
      const WindowCentre centre{start_ + at.first + inside_, start_, start_ + at.frames - 1};
      const int64_t low = std::max(centre.first, centre.frame - reach_),
                    high = std::min(centre.last, centre.frame + reach_);
      if (centres_.empty()) lowest_ = low;
      if (high - lowest_ >= mostFrames) break;  // frames between two clips' wanted ones
      highest_ = high;
      centres_.push_back(centre);
      ++inside_;
    }
    return centres_;
  }
  int64_t lowest() const { return lowest_; }
  int64_t highest() const { return highest_; }

 private:
  const std::vector<Clip>& clips_;
  const int64_t reach_;
  int64_t total_ = 0, wanted_ = 0;
  size_t clip_ = 0;
  int inside_ = 0;     // frames of the clip that are done
  int64_t start_ = 0;  // of the clip
  int64_t lowest_ = 0, highest_ = 0;
  std::vector<WindowCentre> centres_;
};

}  // namespace pstmo::inference
