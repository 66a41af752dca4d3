#include "fake-node.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "../../native/binding/convert.h"

namespace pstmo::trust {
namespace {

struct Waker {
  napi_threadsafe_function_call_js call;
  napi_finalize finalize;
  void* context;
  int calls = 0;  // that are still to be made
};

// The calls of wakers come from the queues' threads; everything else from the main thread alone.
std::mutex mutex;
std::condition_variable called;
std::set<Waker*> wakers;

int environment = 0, nothing = 0, unsettled = 0;
std::map<std::string, int> settled;
std::deque<std::string> texts;  // JavaScript's strings and errors: never freed, by address

napi_value valueOf(const std::string& text) {
  return reinterpret_cast<napi_value>(&texts.emplace_back(text));
}

napi_status settle(const std::string& code) {
  --unsettled;
  ++settled[code];
  return napi_ok;
}

Waker* wakerWithCalls() {
  for (Waker* waker : wakers) {
    if (waker->calls > 0) return waker;
  }
  return nullptr;
}

}  // namespace

napi_env fakeEnv() { return reinterpret_cast<napi_env>(&environment); }

void waitForPromises() {
  while (unsettled > 0) {
    std::unique_lock lock(mutex);
    called.wait(lock, [] { return wakerWithCalls() != nullptr; });
    Waker* waker = wakerWithCalls();
    --waker->calls;
    lock.unlock();
    waker->call(fakeEnv(), nullptr, waker->context, nullptr);
  }
}

int settledWith(const std::string& code) { return settled[code]; }

}  // namespace pstmo::trust

using namespace pstmo::trust;

// Of binding/convert.h what the queue calls.
namespace pstmo::binding {

Error currentError() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  }
}

napi_value toJavaScript(napi_env, const Error& error) { return valueOf(error.code()); }

}  // namespace pstmo::binding

extern "C" {

napi_status napi_create_threadsafe_function(napi_env, napi_value, napi_value, napi_value, size_t,
                                            size_t, void*, napi_finalize finalize, void* context,
                                            napi_threadsafe_function_call_js call,
                                            napi_threadsafe_function* result) {
  Waker* waker = new Waker{call, finalize, context};
  const std::lock_guard lock(mutex);
  wakers.insert(waker);
  *result = reinterpret_cast<napi_threadsafe_function>(waker);
  return napi_ok;
}

napi_status napi_call_threadsafe_function(napi_threadsafe_function function, void*,
                                          napi_threadsafe_function_call_mode) {
  const std::lock_guard lock(mutex);
  ++reinterpret_cast<Waker*>(function)->calls;
  called.notify_one();
  return napi_ok;
}

napi_status napi_release_threadsafe_function(napi_threadsafe_function function,
                                             napi_threadsafe_function_release_mode) {
  Waker* waker = reinterpret_cast<Waker*>(function);
  {
    const std::lock_guard lock(mutex);
    wakers.erase(waker);
  }
  waker->finalize(fakeEnv(), nullptr, waker->context);
  delete waker;
  return napi_ok;
}

napi_status napi_ref_threadsafe_function(napi_env, napi_threadsafe_function) { return napi_ok; }
napi_status napi_unref_threadsafe_function(napi_env, napi_threadsafe_function) { return napi_ok; }
napi_status napi_add_env_cleanup_hook(napi_env, void (*)(void*), void*) { return napi_ok; }
napi_status napi_remove_env_cleanup_hook(napi_env, void (*)(void*), void*) { return napi_ok; }

napi_status napi_create_promise(napi_env, napi_deferred* deferred, napi_value* promise) {
  ++unsettled;
  *deferred = reinterpret_cast<napi_deferred>(&nothing);
  *promise = reinterpret_cast<napi_value>(&nothing);
  return napi_ok;
}

napi_status napi_resolve_deferred(napi_env, napi_deferred, napi_value) { return settle(""); }
napi_status napi_reject_deferred(napi_env, napi_deferred, napi_value error) {
  return settle(*reinterpret_cast<const std::string*>(error));
}

napi_status napi_create_string_utf8(napi_env, const char* text, size_t, napi_value* result) {
  *result = valueOf(text);
  return napi_ok;
}
napi_status napi_get_undefined(napi_env, napi_value* result) {
  *result = reinterpret_cast<napi_value>(&nothing);
  return napi_ok;
}

}  // extern "C"
