// The addon's state in one JavaScript environment: the main thread, or a worker.
#pragma once

#include <napi.h>

#include <memory>

#include "model/job-queue.h"

namespace pstmo::binding {

class Addon {
 public:
  explicit Addon(Napi::Env env)
      : arrayBuffer(Napi::Persistent(env.Global().Get("ArrayBuffer").As<Napi::Function>())) {}
  static Addon& of(Napi::Env env) { return *env.GetInstanceData<Addon>(); }
  ~Addon() {
    if (background_) background_->shutdown();
  }

  // For work that belongs to no model; its thread starts with the first job.
  JobQueue& background(Napi::Env env) {
    if (!background_) background_ = JobQueue::make(env);
    return *background_;
  }

  const Napi::FunctionReference arrayBuffer;  // the class

 private:
  std::shared_ptr<JobQueue> background_;
};

}  // namespace pstmo::binding
