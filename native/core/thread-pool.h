// A fixed team of threads for loops whose items are independent: the result never depends on who
// runs which item.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace pstmo {

// Physical cores that this process may use: affinity and the cgroup's quota counted, SMT siblings
// once.
int availableCores();

class ThreadPool {
 public:
  explicit ThreadPool(int threads);  // 0: availableCores()
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  // Threads that were asked for and that the system did not give.
  int missing() const { return missing_; }
  // Calls body(item, worker) once for each item in [0, items); worker < threads(). Returns when all
  // are done. An exception in a body is rethrown here (the first one), after all items in flight
  // ended.
  void run(int items, const std::function<void(int item, int worker)>& body);

 private:
  void work(int worker);
  void drain(int worker);

  std::vector<std::thread> workers_;
  int missing_ = 0;
  const std::function<void(int, int)>* body_ = nullptr;
  int items_ = 0;
  std::atomic<int> next_{0};
  // High half: which loop this is. Low half: kOpen while workers may still join it, and how many
  // are in it. The caller waits for those who joined, not for those whom the system has not let run
  // yet.
  std::atomic<uint64_t> state_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
};

}  // namespace pstmo
