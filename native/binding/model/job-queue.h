// Runs the jobs of one owner in order on one thread, and settles their promises on the JavaScript
// thread.
#pragma once

#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "../../core/error.h"
#include "../convert.h"

namespace pstmo::binding {

// Made and destroyed on the JavaScript thread alone: it holds references into it.
struct Job {
  std::function<void()> work;  // on the queue's thread
  // Makes the value that the promise resolves with, on the JavaScript thread after the work;
  // without it the value is `output`, or undefined.
  std::function<Napi::Value(Napi::Env)> result;
  Napi::ObjectReference output;
  std::vector<Napi::ObjectReference> held;  // the owner, and the control
  Copies inputs;                            // arrays that `work` reads
  // Where `work` looks whether to stop: cells that JavaScript shares, or the job's own.
  std::atomic<int32_t> ownCells[2] = {0, 0};
  SharedControl control = {&ownCells[0], &ownCells[1]};
  std::optional<Error> error;
  napi_deferred deferred = nullptr;
};

// All public functions are for the JavaScript thread.
class JobQueue : public std::enable_shared_from_this<JobQueue> {
 public:
  // `delivered` is called on the JavaScript thread after each job.
  static std::shared_ptr<JobQueue> make(Napi::Env env,
                                        std::function<void(Napi::Env)> delivered = {});
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  Napi::Promise submit(std::unique_ptr<Job> job);
  // Rejects the jobs that wait (ERR_CLOSED), cancels the one that runs, runs `last` and ends the
  // thread.
  Napi::Promise close(std::unique_ptr<Job> last);
  // Cancels, waits for the thread and drops every job unsettled: for the end of the environment or
  // of the owner.
  void shutdown();

 private:
  JobQueue(Napi::Env env, std::function<void(Napi::Env)> delivered)
      : env_(env), delivered_(std::move(delivered)) {}
  Napi::Promise enqueue(std::unique_ptr<Job> job);
  void cancelAll();  // with the lock held
  void runJobs();
  void deliverDone();
  void deliver(Job& job);

  Napi::Env env_;
  std::function<void(Napi::Env)> delivered_;
  napi_threadsafe_function waker_ = nullptr;
  std::thread thread_;
  int unsettled_ = 0;  // while there are some, the event loop stays alive

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Job>> waiting_;
  std::deque<std::unique_ptr<Job>> done_;
  std::unique_ptr<Job> running_;
  bool closing_ = false;
};

}  // namespace pstmo::binding
