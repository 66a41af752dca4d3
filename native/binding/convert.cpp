#include "convert.h"

#include <cmath>
#include <exception>
#include <limits>
#include <new>

#include "../core/finite.h"

namespace pstmo::binding {

namespace {

template <typename T>
constexpr napi_typedarray_type kArrayType = napi_float32_array;
template <>
constexpr napi_typedarray_type kArrayType<int32_t> = napi_int32_array;
template <>
constexpr napi_typedarray_type kArrayType<uint8_t> = napi_uint8_array;

template <typename T>
constexpr const char* kArrayName = "Float32Array";
template <>
constexpr const char* kArrayName<int32_t> = "Int32Array";
template <>
constexpr const char* kArrayName<uint8_t> = "Uint8Array";

std::string numberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return std::to_string(static_cast<int64_t>(value));
  return std::to_string(value);
}

const char* arrayTypeName(napi_typedarray_type type) {
  switch (type) {
    case napi_float32_array:
      return "Float32Array";
    case napi_float64_array:
      return "Float64Array";
    case napi_int32_array:
      return "Int32Array";
    case napi_uint8_array:
      return "Uint8Array";
    default:
      return "typed array";
  }
}

}  // namespace

size_t sizeOf(std::initializer_list<int64_t> shape) {
  // Far from what overflows where a size has 32 bits, too.
  constexpr uint64_t kLargest = sizeof(size_t) == 4 ? uint64_t{1} << 29 : uint64_t{1} << 40;
  uint64_t size = 1;
  for (const int64_t length : shape) {
    if (length < 0 || (length > 0 && size > kLargest / static_cast<uint64_t>(length))) {
      throw Error("ERR_ARGUMENT",
                  "An array of more than " + std::to_string(kLargest) + " values was asked for.");
    }
    size *= static_cast<uint64_t>(length);
  }
  return static_cast<size_t>(size);
}

napi_value toJavaScript(napi_env env, const Error& error) {
  napi_value code = nullptr;
  napi_value message = nullptr;
  napi_value result = nullptr;
  napi_create_string_utf8(env, error.code().c_str(), NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, error.what(), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &result);
  return result;
}

Napi::Value rejected(Napi::Env env, const Error& error) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(toJavaScript(env, error));
  return deferred.Promise();
}

void throwJavaScript(Napi::Env env, const Error& error) {
  throw Napi::Error(env, toJavaScript(env, error));
}

Error currentError() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const Napi::Error& error) {
    return Error("ERR_NATIVE", error.Message());
  } catch (const std::bad_alloc&) {
    return Error("ERR_MEMORY", "The machine's memory did not suffice.");
  } catch (const std::exception& error) {
    return Error("ERR_NATIVE", error.what());
  } catch (...) {
    return Error("ERR_NATIVE", "An unknown error came out of native code.");
  }
}

std::string describeValue(const Napi::Value& value) {
  if (value.IsUndefined()) return "undefined";
  if (value.IsNull()) return "null";
  if (value.IsNumber()) return numberText(value.As<Napi::Number>().DoubleValue());
  if (value.IsString()) return '"' + value.As<Napi::String>().Utf8Value() + '"';
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value() ? "true" : "false";
  if (value.IsTypedArray()) {
    const auto array = value.As<Napi::TypedArray>();
    return std::string("a ") + arrayTypeName(array.TypedArrayType()) + " of " +
           std::to_string(array.ElementLength());
  }
  return value.IsFunction() ? "a function" : "an object";
}

Fields ownFields(const Napi::Object& object) {
  const napi_env env = object.Env();
  napi_value list = nullptr;
  const auto filter = static_cast<napi_key_filter>(napi_key_enumerable | napi_key_skip_symbols);
  if (napi_get_all_property_names(env, object, napi_key_own_only, filter,
                                  napi_key_numbers_to_strings, &list) != napi_ok)
    throw Napi::Error::New(env);
  const Napi::Array names(env, list);
  Fields fields;
  for (uint32_t i = 0; i < names.Length(); i++) {
    const Napi::Value name = names.Get(i);
    fields.emplace(name.As<Napi::String>().Utf8Value(), object.Get(name));
  }
  return fields;
}

ObjectReader::ObjectReader(const Napi::Value& value, std::string where)
    : env_(value.Env()), where_(std::move(where)) {
  if (!value.IsObject() || value.IsTypedArray() || value.IsFunction()) {
    throw Error("ERR_ARGUMENT", where_ + ": expected an object, got " + describeValue(value) + ".");
  }
  fields_ = ownFields(value.As<Napi::Object>());
}

Napi::Value ObjectReader::get(const char* name) {
  read_.insert(name);
  const auto field = fields_.find(name);
  return field == fields_.end() ? env_.Undefined() : field->second;
}

void ObjectReader::fail(const char* name, const std::string& expected,
                        const Napi::Value& value) const {
  throw Error("ERR_ARGUMENT", where_ + "." + name + ": expected " + expected + ", got " +
                                  describeValue(value) + ".");
}

int64_t ObjectReader::integer(const char* name, int64_t low, int64_t high) {
  const Napi::Value value = get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue()
                                         : std::numeric_limits<double>::quiet_NaN();
  if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high)) ||
      number != std::floor(number)) {
    fail(name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high), value);
  }
  return static_cast<int64_t>(number);
}

int ObjectReader::count(const char* name, int low) {
  return static_cast<int>(integer(name, low, std::numeric_limits<int32_t>::max()));
}

double ObjectReader::number(const char* name, double low, double high) {
  const Napi::Value value = get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue()
                                         : std::numeric_limits<double>::quiet_NaN();
  if (!(number >= low && number <= high)) {
    fail(name, "a number from " + numberText(low) + " to " + numberText(high), value);
  }
  return number;
}

bool ObjectReader::boolean(const char* name) {
  const Napi::Value value = get(name);
  if (!value.IsBoolean()) fail(name, "true or false", value);
  return value.As<Napi::Boolean>().Value();
}

std::string ObjectReader::text(const char* name) {
  const Napi::Value value = get(name);
  if (!value.IsString()) fail(name, "text", value);
  return value.As<Napi::String>().Utf8Value();
}

std::string ObjectReader::textOr(const char* name, const char* otherwise) {
  return get(name).IsUndefined() ? otherwise : text(name);
}

std::string ObjectReader::text(const char* name, std::initializer_list<const char*> allowed) {
  const Napi::Value value = get(name);
  std::string names;
  for (const char* candidate : allowed) {
    if (value.IsString() && value.As<Napi::String>().Utf8Value() == candidate) return candidate;
    names += (names.empty() ? "" : ", ") + std::string(candidate);
  }
  fail(name, "one of " + names, value);
}

template <typename T>
const T* ObjectReader::array(const char* name, const Napi::Value& value, size_t& length) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != kArrayType<T>) {
    fail(name, std::string("a ") + kArrayName<T>, value);
  }
  // Length and memory as they are now: a view of a resizable buffer follows it.
  const auto typed = value.As<Napi::TypedArrayOf<T>>();
  const T* data = typed.Data();
  length = data == nullptr ? 0 : typed.ElementLength();
  auto copy = std::make_shared<std::vector<T>>(data, data + length);
  const T* copied = copy->data();
  copies_.push_back(std::move(copy));
  return copied;
}

template <typename T>
const T* ObjectReader::arrayOf(const char* name, const Napi::Value& value, size_t length) {
  size_t actual = 0;
  const T* data = array<T>(name, value, actual);
  if (actual != length)
    fail(name, std::string("a ") + kArrayName<T> + " of " + std::to_string(length), value);
  return data;
}

const float* ObjectReader::finite(const char* name, const float* data, size_t length) const {
  const size_t bad = firstNonFinite(data, length);
  if (bad < length) {
    throw Error("ERR_ARGUMENT", where_ + "." + name + "[" + std::to_string(bad) +
                                    "]: expected a finite number, got " +
                                    numberText(static_cast<double>(data[bad])) + ".");
  }
  return data;
}

const float* ObjectReader::floats(const char* name, size_t length) {
  return finite(name, anyFloats(name, length), length);
}

const float* ObjectReader::anyFloats(const char* name, size_t length) {
  return arrayOf<float>(name, get(name), length);
}

std::vector<std::string> ObjectReader::texts(const char* name) {
  const Napi::Value value = get(name);
  if (!value.IsArray()) fail(name, "a list of texts", value);
  const Napi::Array list = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value item = list.Get(i);
    if (!item.IsString()) fail(name, "a list of texts", item);
    texts.push_back(item.As<Napi::String>().Utf8Value());
  }
  return texts;
}

bool ObjectReader::has(const char* name) { return !get(name).IsUndefined(); }

const float* ObjectReader::optionalFloats(const char* name, size_t length) {
  return has(name) ? floats(name, length) : nullptr;
}

const uint8_t* ObjectReader::optionalBytes(const char* name, size_t length) {
  const Napi::Value value = get(name);
  return value.IsUndefined() ? nullptr : arrayOf<uint8_t>(name, value, length);
}

const int32_t* ObjectReader::integers(const char* name, size_t length, int32_t low, int32_t high) {
  const Napi::Value value = get(name);
  const int32_t* data = arrayOf<int32_t>(name, value, length);
  for (size_t i = 0; i < length; i++) {
    if (data[i] < low || data[i] > high) {
      throw Error("ERR_ARGUMENT", where_ + "." + name + "[" + std::to_string(i) +
                                      "]: expected a value from " + std::to_string(low) + " to " +
                                      std::to_string(high) + ", got " + std::to_string(data[i]) +
                                      ".");
    }
  }
  return data;
}

const float* ObjectReader::floatRows(const char* name, size_t unit, int64_t& units) {
  const Napi::Value value = get(name);
  size_t length = 0;
  const float* data = array<float>(name, value, length);
  if (length % unit != 0)
    fail(name, "a Float32Array of a multiple of " + std::to_string(unit), value);
  units = static_cast<int64_t>(length / unit);
  return finite(name, data, length);
}

const int32_t* ObjectReader::integerRows(const char* name, size_t unit, int64_t& units) {
  const Napi::Value value = get(name);
  size_t length = 0;
  const int32_t* data = array<int32_t>(name, value, length);
  if (length % unit != 0)
    fail(name, "an Int32Array of a multiple of " + std::to_string(unit), value);
  units = static_cast<int64_t>(length / unit);
  return data;
}

void ObjectReader::finish() const {
  for (const auto& [name, value] : fields_) {
    if (read_.count(name) == 0)
      throw Error("ERR_ARGUMENT", where_ + ": unknown option " + name + ".");
  }
}

Precision precisionOf(const std::string& name) {
  if (name == "fp32") return Precision::fp32;
  if (name == "tf32") return Precision::tf32;
  if (name == "bf16") return Precision::bf16;
  throw Error("ERR_ARGUMENT", "precision: expected fp32, tf32 or bf16, got \"" + name + "\".");
}

SharedControl readControl(const Napi::Value& value,
                          std::vector<Napi::ObjectReference>& references) {
  // Both sides touch the two cells at once, so the cells themselves are the atomics.
  static_assert(sizeof(std::atomic<int32_t>) == sizeof(int32_t) &&
                std::atomic<int32_t>::is_always_lock_free);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array ||
      value.As<Napi::TypedArray>().ElementLength() < 2 ||
      value.As<Napi::TypedArray>().Buffer().IsArrayBuffer()) {
    throw Error("ERR_ARGUMENT",
                "control: expected an Int32Array of 2 on a SharedArrayBuffer, got " +
                    describeValue(value) + ".");
  }
  references.push_back(Napi::Persistent(value.As<Napi::Object>()));
  int32_t* cells = value.As<Napi::Int32Array>().Data();
  return {reinterpret_cast<std::atomic<int32_t>*>(cells),
          reinterpret_cast<std::atomic<int32_t>*>(cells + 1)};
}

}  // namespace pstmo::binding
