// Typed arrays for JavaScript.
#pragma once

#include <napi.h>

#include <string>

#include "addon.h"

namespace pstmo::binding {

// A new array of `count` zeros. Throws ERR_MEMORY where the system has no memory for it: made
// through the class of JavaScript, which throws, where the C interface ends the process.
template <typename T>
Napi::TypedArrayOf<T> newArray(Napi::Env env, size_t count) {
  const double bytes = static_cast<double>(count * sizeof(T));
  try {
    const Napi::Object buffer = Addon::of(env).arrayBuffer.New({Napi::Number::New(env, bytes)});
    return Napi::TypedArrayOf<T>::New(env, count, buffer.As<Napi::ArrayBuffer>(), 0);
  } catch (const Napi::Error&) {
    throw Error("ERR_MEMORY", "The machine's memory did not suffice for a result of " +
                                  std::to_string(count * sizeof(T)) +
                                  " bytes: take fewer frames a call.");
  }
}

}  // namespace pstmo::binding
