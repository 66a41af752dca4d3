// Times of pieces of work by the clock of the device that does them.
#pragma once

#include <chrono>
#include <vector>

namespace pstmo {

class Timeline {
 public:
  struct Span {
    double start;  // seconds since the first span began
    double seconds;
  };

  virtual ~Timeline() = default;
  // Of the work given to the device between the two; `name` is shown by the device's own tools
  // where it has some.
  virtual void begin(const char* name) = 0;
  virtual void end() = 0;
  // Waits for the work; the spans since the last call.
  virtual std::vector<Span> read() = 0;
};

// For a device that has done the work when the call returns.
class HostTimeline final : public Timeline {
 public:
  void begin(const char*) override { begins_.push_back(Clock::now()); }
  void end() override { ends_.push_back(Clock::now()); }
  std::vector<Span> read() override {
    std::vector<Span> spans;
    for (size_t i = 0; i < ends_.size(); ++i)
      spans.push_back({seconds(begins_[0], begins_[i]), seconds(begins_[i], ends_[i])});
    begins_.clear();
    ends_.clear();
    return spans;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }

  std::vector<Clock::time_point> begins_, ends_;
};

}  // namespace pstmo
