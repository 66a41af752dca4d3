// Times of a compiled lifter's stages, each thread's by itself: what a profile shows of the path
// that lifts.
#pragma once

#include <chrono>
#include <vector>

namespace pstmo::inference {

// A stage of the lifter, and the floating-point operations of one call, padding included.
struct Stage {
  const char* name;
  double flops = 0;
};

struct StageRecord {
  Stage stage;
  int thread;
  double start, seconds;  // since the profile began
};

class StageTimes {
 public:
  explicit StageTimes(int threads) : records_(static_cast<size_t>(threads)) {}

  double now() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  // By thread `thread` alone: a share of a call, which began at `start` and ends now.
  void add(int thread, const Stage& stage, double start, double share) {
    records_[static_cast<size_t>(thread)].push_back(
        {{stage.name, stage.flops * share}, thread, start, now() - start});
  }
  // Thread after thread, each in its order.
  std::vector<StageRecord> all() const {
    std::vector<StageRecord> records;
    for (const auto& own : records_) records.insert(records.end(), own.begin(), own.end());
    return records;
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::vector<std::vector<StageRecord>> records_;
};

}  // namespace pstmo::inference
