#include "thread-pool.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#if defined(__linux__)
#include <sched.h>
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pstmo {
namespace {

// How often a waiting thread looks before it sleeps: some tens of microseconds, the gap between two
// operations.
constexpr int kSpins = 4000;

// Parts of ThreadPool::state_: one loop more, and the mark that workers may join it.
constexpr uint64_t kNext = uint64_t{1} << 32, kOpen = uint64_t{1} << 31;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

long readNumber(const std::string& path, long fallback) {
  long value = fallback;
  if (FILE* file = std::fopen(path.c_str(), "r")) {
    if (std::fscanf(file, "%ld", &value) != 1) value = fallback;
    std::fclose(file);
  }
  return value;
}

// CPUs that the control group grants, rounded up; 0 where there is no limit.
int cgroupCpus() {
  long quota = -1, period = 0;
  if (FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    if (std::fscanf(file, "%ld %ld", &quota, &period) != 2) quota = -1;
    std::fclose(file);
  } else {
    quota = readNumber("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", -1);
    period = readNumber("/sys/fs/cgroup/cpu/cpu.cfs_period_us", 0);
  }
  return quota > 0 && period > 0 ? static_cast<int>((quota + period - 1) / period) : 0;
}

}  // namespace

int availableCores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    std::set<std::pair<long, long>> physical;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &set)) continue;
      const std::string topology =
          "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
      physical.insert(
          {readNumber(topology + "physical_package_id", 0), readNumber(topology + "core_id", cpu)});
    }
    cores = static_cast<int>(physical.size());
  }
#endif
  const int granted = cgroupCpus();
  return std::max(1, granted > 0 ? std::min(cores, granted) : cores);
}

ThreadPool::ThreadPool(int threads) {
  const int count = threads > 0 ? threads : availableCores();
  workers_.reserve(static_cast<size_t>(count - 1));
  for (int worker = 1; worker < count; ++worker) {
    try {
      workers_.emplace_back([this, worker] { work(worker); });
    } catch (const std::exception&) {
      // A limit on processes, or no memory for a stack: the results are the same with fewer
      // threads.
      missing_ = count - worker;
      return;
    }
  }
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  state_.fetch_add(kNext);
  state_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run(int items, const std::function<void(int, int)>& body) {
  if (items <= 0) return;
  if (items == 1 || workers_.empty()) {
    for (int item = 0; item < items; ++item) body(item, 0);
    return;
  }
  body_ = &body;
  items_ = items;
  failed_ = false;
  next_.store(0, std::memory_order_relaxed);
  state_.store((state_.load(std::memory_order_relaxed) / kNext + 1) * kNext | kOpen,
               std::memory_order_release);
  state_.notify_all();
  drain(0);
  uint64_t state = state_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  for (int spin = 0; state % kNext != 0; ++spin) {
    if (spin < kSpins) {
      pause();
    } else {
      state_.wait(state);
    }
    state = state_.load(std::memory_order_acquire);
  }
  if (failed_) std::rethrow_exception(failure_);
}

void ThreadPool::drain(int worker) {
  try {
    for (int item = next_.fetch_add(1); item < items_; item = next_.fetch_add(1))
      (*body_)(item, worker);
  } catch (...) {
    if (!failed_.exchange(true)) failure_ = std::current_exception();
    next_.store(items_);
  }
}

void ThreadPool::work(int worker) {
  uint64_t seen = 0;
  for (;;) {
    uint64_t state = state_.load(std::memory_order_acquire);
    for (int spin = 0; state / kNext == seen; ++spin) {
      if (spin < kSpins) {
        pause();
      } else {
        state_.wait(state);
      }
      state = state_.load(std::memory_order_acquire);
    }
    if (stop_) return;
    seen = state / kNext;
    while ((state & kOpen) != 0 && state / kNext == seen) {
      if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) continue;
      drain(worker);
      if ((state_.fetch_sub(1, std::memory_order_acq_rel) - 1) % kNext == 0) state_.notify_all();
      break;
    }
  }
}

}  // namespace pstmo
