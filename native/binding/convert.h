// Checked reading of what JavaScript passes: no wrong field, number or length gets past here.
#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "../core/error.h"
#include "../ops/backend.h"

namespace pstmo::binding {

// Product of lengths; throws ERR_ARGUMENT where it is beyond what any array holds.
size_t sizeOf(std::initializer_list<int64_t> shape);

// The exception under way as an Error of ours.
Error currentError();

// A JavaScript Error with the code and message of `error`; lib/binding.ts makes PoseErrors of them.
napi_value toJavaScript(napi_env env, const Error& error);
Napi::Value rejected(Napi::Env env, const Error& error);
[[noreturn]] void throwJavaScript(Napi::Env env, const Error& error);

// Reads an object field by field. Arrays are not copied: they stay where JavaScript has them, and
// `takeReferences` keeps them alive for as long as a job reads them, in which time the caller must
// not write to them or transfer them.
class ObjectReader {
 public:
  ObjectReader(const Napi::Value& value, std::string where);

  int64_t integer(const char* name, int64_t low, int64_t high);
  int count(const char* name, int low = 1);  // up to 2^31 - 1
  double number(const char* name, double low, double high);
  bool boolean(const char* name);
  // One of `allowed`.
  std::string text(const char* name, std::initializer_list<const char*> allowed);
  std::string text(const char* name);
  std::vector<std::string> texts(const char* name);
  // False where the field is undefined.
  bool has(const char* name);
  std::string textOr(const char* name, const char* otherwise);

  const float* floats(const char* name, size_t length);
  const float* optionalFloats(const char* name, size_t length);
  const uint8_t* optionalBytes(const char* name, size_t length);
  // Every value in [low, high].
  const int32_t* integers(const char* name, size_t length, int32_t low, int32_t high);
  // Any length that is a multiple of `unit`; how many units there are goes to `units`.
  const float* floatRows(const char* name, size_t unit, int64_t& units);
  const int32_t* integerRows(const char* name, size_t unit, int64_t& units);

  // Throws ERR_ARGUMENT when the object has a field that was not read.
  void finish() const;
  std::vector<Napi::ObjectReference> takeReferences() { return std::move(references_); }

 private:
  Napi::Value get(const char* name);
  template <typename T>
  T* array(const char* name, const Napi::Value& value, size_t& length);
  template <typename T>
  T* arrayOf(const char* name, const Napi::Value& value, size_t length);
  [[noreturn]] void fail(const char* name, const std::string& expected,
                         const Napi::Value& value) const;

  Napi::Object object_;
  std::string where_;
  std::set<std::string> read_;
  std::vector<Napi::ObjectReference> references_;
};

// Describes `value` for a message: "undefined", "a Float32Array of 12", "\"text\"", "3.5".
std::string describeValue(const Napi::Value& value);

Precision precisionOf(const std::string& name);

// Two cells of a SharedArrayBuffer that both threads reach: [0] cancel, [1] done.
struct SharedControl {
  std::atomic<int32_t>* cancel = nullptr;
  std::atomic<int32_t>* done = nullptr;
};
SharedControl readControl(const Napi::Value& value, std::vector<Napi::ObjectReference>& references);

}  // namespace pstmo::binding
