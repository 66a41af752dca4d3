// JavaScript's values inside the module, and their form as bytes, in which they come from
// JavaScript and go back to it. lib/wasm/message.ts writes and reads the same bytes.
//
// A value is a header of 8 bytes, a tag and a count n, and what follows it, padded to 8 bytes:
// boolean n = 0 or 1; number a double; text n bytes of UTF-8; list n values; object n times a text
// and a value; array n elements, the tag says of which type; repeated: nothing, it is the array
// whose header is 8 n bytes from the message's start.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pstmo::wasm {

enum class Tag : uint32_t {
  undefined,
  null,
  boolean,
  number,
  text,
  list,
  object,
  function,
  repeated,
  array = 16,        // + napi_typedarray_type
  sharedArray = 32,  // the same, of a SharedArrayBuffer
};

struct Value;
using Shared = std::shared_ptr<Value>;

enum class Kind { undefined, null, boolean, number, text, list, object, function, buffer, array };

// A function or a class of the addon.
struct Callable {
  napi_callback call = nullptr;
  void* data = nullptr;
  std::map<std::string, napi_property_descriptor> members;  // of a class, by name
};

struct Value {
  explicit Value(Kind is) : kind(is) {}
  ~Value();
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;

  Kind kind;
  double number = 0;  // a boolean's too
  std::string text;
  std::vector<Shared> items;
  std::vector<std::pair<std::string, Shared>> fields;  // in order
  Callable function;

  // A buffer's bytes, zero at first.
  std::vector<std::byte> bytes;
  bool sharedMemory = false;
  // An array's elements: in `buffer`, or in the message that it came in.
  napi_typedarray_type type = napi_float32_array;
  size_t length = 0;
  void* data = nullptr;
  Shared buffer;

  // An instance: its class, and the object of C++ behind it, which `finalize` frees.
  Shared instanceOf;
  void* wrapped = nullptr;
  std::vector<std::pair<napi_finalize, void*>> finalizers;

  // A promise.
  enum class Promise { none, pending, resolved, rejected } promise = Promise::none;
  Shared outcome;
};

size_t elementBytes(napi_typedarray_type type);
// The value of that name, or null.
Shared* findField(Value& object, const std::string& name);
void setField(Value& object, const std::string& name, Shared value);

// The value at the start of `message`, whose arrays stay where they are.
Shared readMessage(std::byte* message);
// Appends the value's bytes.
void writeMessage(const Value& value, std::vector<std::byte>& message);

}  // namespace pstmo::wasm
