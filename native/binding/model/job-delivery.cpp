// How a job's promise is settled.
#include "job-queue.h"

namespace pstmo::binding {

// Through the C interface alone, results ignored: an environment that is about to end refuses, and
// there is nobody left to tell.
void JobQueue::deliver(Job& job) {
  napi_value value = nullptr;
  if (!job.error) {
    try {
      if (job.result) value = job.result(env_);
    } catch (...) {
      job.error = currentError();
    }
  }
  if (delivered_) delivered_(env_);
  if (job.error) {
    napi_reject_deferred(env_, job.deferred, toJavaScript(env_, *job.error));
    return;
  }
  if (value == nullptr && !job.output.IsEmpty()) value = job.output.Value();
  if (value == nullptr) napi_get_undefined(env_, &value);
  napi_resolve_deferred(env_, job.deferred, value);
}

}  // namespace pstmo::binding
