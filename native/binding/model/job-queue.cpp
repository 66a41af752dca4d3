#include "job-queue.h"

namespace pstmo::binding {

namespace {

void onEnvironmentEnd(void* queue) { static_cast<JobQueue*>(queue)->shutdown(); }

Error closedError() { return Error("ERR_CLOSED", "The model is closed."); }

}  // namespace

std::shared_ptr<JobQueue> JobQueue::make(Napi::Env env, std::function<void(Napi::Env)> delivered) {
  std::shared_ptr<JobQueue> queue(new JobQueue(env, std::move(delivered)));
  using Context = std::shared_ptr<JobQueue>;
  // The waker may be called once more after the owner is gone: it shares the queue.
  auto context = std::make_unique<Context>(queue);
  const auto wake = [](napi_env calledIn, napi_value, void* data, void*) {
    if (calledIn != nullptr) (*static_cast<Context*>(data))->deliverDone();
  };
  const auto finalize = [](napi_env, void*, void* data) { delete static_cast<Context*>(data); };
  const napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "pstmo"), 0, 1,
                                      nullptr, finalize, context.get(), wake, &queue->waker_);
  if (status != napi_ok) throw Error("ERR_NATIVE", "The environment gave no thread-safe function.");
  context.release();
  napi_unref_threadsafe_function(env, queue->waker_);
  // Hooks run last in, first out: this one ends the thread before the environment takes the waker
  // down.
  napi_add_env_cleanup_hook(env, onEnvironmentEnd, queue.get());
  try {
    queue->thread_ = std::thread([raw = queue.get()] { raw->runJobs(); });
  } catch (...) {
    queue->shutdown();
    throw Error(
        "ERR_MEMORY",
        "The system gave no thread for a model's work: expected room for one more under the "
        "limits on processes (ulimit -u, the container's pids) and memory.");
  }
  return queue;
}

JobQueue::~JobQueue() { shutdown(); }

Napi::Promise JobQueue::enqueue(std::unique_ptr<Job> job) {
  napi_value promise = nullptr;
  if (napi_create_promise(env_, &job->deferred, &promise) != napi_ok)
    throw Error("ERR_NATIVE", "The environment gave no promise.");
  if (unsettled_++ == 0) napi_ref_threadsafe_function(env_, waker_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  changed_.notify_one();
  return Napi::Promise(env_, promise);
}

Napi::Promise JobQueue::submit(std::unique_ptr<Job> job) {
  if (closing_) throw closedError();
  return enqueue(std::move(job));
}

Napi::Promise JobQueue::close(std::unique_ptr<Job> last) {
  if (closing_) throw closedError();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
    cancelAll();
    for (auto& job : waiting_) {
      job->error = closedError();
      done_.push_back(std::move(job));
    }
    waiting_.clear();
  }
  return enqueue(std::move(last));
}

void JobQueue::cancelAll() {
  if (running_) running_->control.cancel->store(1);
}

void JobQueue::runJobs() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    running_ = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    try {
      running_->work();
    } catch (...) {
      running_->error = currentError();
    }
    lock.lock();
    if (closing_ && running_->error && running_->error->code() == "ERR_ABORTED")
      running_->error = closedError();
    done_.push_back(std::move(running_));
    napi_call_threadsafe_function(waker_, nullptr, napi_tsfn_nonblocking);
  }
}

void JobQueue::deliverDone() {
  const std::shared_ptr<JobQueue> alive = shared_from_this();
  for (;;) {
    std::unique_ptr<Job> job;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (done_.empty()) break;
      job = std::move(done_.front());
      done_.pop_front();
    }
    deliver(*job);
    if (--unsettled_ == 0 && waker_ != nullptr) napi_unref_threadsafe_function(env_, waker_);
  }
  if (closing_ && unsettled_ == 0) shutdown();
}

void JobQueue::shutdown() {
  if (waker_ == nullptr) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
    cancelAll();
    waiting_.clear();
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  done_.clear();
  napi_remove_env_cleanup_hook(env_, onEnvironmentEnd, this);
  napi_release_threadsafe_function(waker_, napi_tsfn_abort);
  waker_ = nullptr;
}

}  // namespace pstmo::binding
