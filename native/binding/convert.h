// Checked reading of what JavaScript passes: no wrong field, number or length gets past here.
#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
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

// The own enumerable properties of an object by name: what stands on a prototype is no option.
// Their getters run here, and no JavaScript runs after it.
using Fields = std::map<std::string, Napi::Value>;
Fields ownFields(const Napi::Object& object);

// Memory that a job reads, kept for as long as it runs.
using Copies = std::vector<std::shared_ptr<const void>>;

// Reads an object field by field. Arrays are copied when they are read, and checked in the copy:
// JavaScript may resize, transfer or write to them at any time after.
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

  // Copies, that live as long as the reader or who took them.
  const float* floats(const char* name, size_t length);  // finite
  const float* optionalFloats(const char* name, size_t length);
  const float* anyFloats(const char* name, size_t length);  // NaN and infinity too
  const uint8_t* optionalBytes(const char* name, size_t length);
  // Every value in [low, high].
  const int32_t* integers(const char* name, size_t length, int32_t low, int32_t high);
  // Any length that is a multiple of `unit`; how many units there are goes to `units`.
  const float* floatRows(const char* name, size_t unit, int64_t& units);
  const int32_t* integerRows(const char* name, size_t unit, int64_t& units);

  // Throws ERR_ARGUMENT when the object has a field that was not read.
  void finish() const;
  Copies takeCopies() { return std::move(copies_); }
  // Undefined where there is none.
  Napi::Value get(const char* name);
  const Fields& fields() const { return fields_; }

 private:
  template <typename T>
  const T* array(const char* name, const Napi::Value& value, size_t& length);
  template <typename T>
  const T* arrayOf(const char* name, const Napi::Value& value, size_t length);
  const float* finite(const char* name, const float* data, size_t length) const;
  [[noreturn]] void fail(const char* name, const std::string& expected,
                         const Napi::Value& value) const;

  Napi::Env env_;
  std::string where_;
  Fields fields_;
  std::set<std::string> read_;
  Copies copies_;
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
