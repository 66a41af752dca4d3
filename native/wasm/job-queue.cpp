// The queue of binding/model where there are no threads: a job runs when it is submitted.
// JavaScript runs the module in a worker, whose messages are the queue (lib/wasm/wasm-model.ts).
#include "../binding/model/job-queue.h"

namespace pstmo::binding {

std::shared_ptr<JobQueue> JobQueue::make(Napi::Env env, std::function<void(Napi::Env)> delivered) {
  return std::shared_ptr<JobQueue>(new JobQueue(env, std::move(delivered)));
}

JobQueue::~JobQueue() = default;

Napi::Promise JobQueue::submit(std::unique_ptr<Job> job) {
  if (closing_) throw Error("ERR_CLOSED", "The model is closed.");
  napi_value promise = nullptr;
  napi_create_promise(env_, &job->deferred, &promise);
  try {
    job->work();
  } catch (...) {
    job->error = currentError();
  }
  deliver(*job);
  return Napi::Promise(env_, promise);
}

Napi::Promise JobQueue::close(std::unique_ptr<Job> last) {
  const Napi::Promise promise = submit(std::move(last));
  closing_ = true;
  return promise;
}

void JobQueue::shutdown() { closing_ = true; }

}  // namespace pstmo::binding
