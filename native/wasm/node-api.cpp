#include "node-api.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <new>

struct napi_callback_info__ {
  pstmo::wasm::Shared self, newTarget;
  std::vector<pstmo::wasm::Shared> arguments;
  void* data;
};

// Weak at a count of 0, as that of an instance to its object.
struct napi_ref__ {
  std::weak_ptr<pstmo::wasm::Value> weak;
  pstmo::wasm::Shared strong;
  uint32_t count;
};

struct napi_deferred__ {
  pstmo::wasm::Shared promise;
};

namespace pstmo::wasm {
namespace {

std::deque<Shared> handles;
Shared exception;
Shared globalObject;
void* instanceData = nullptr;
int environmentMark = 0;

// Copies a text of `length` bytes, or up to its end.
std::string textOf(const char* text, size_t length) {
  return length == NAPI_AUTO_LENGTH ? std::string(text) : std::string(text, length);
}

napi_status give(napi_value* result, Shared value) {
  *result = handleOf(std::move(value));
  return napi_ok;
}

Shared number(double value) {
  auto made = std::make_shared<Value>(Kind::number);
  made->number = value;
  return made;
}

Shared boolean(bool value) {
  auto made = std::make_shared<Value>(Kind::boolean);
  made->number = value;
  return made;
}

Shared text(std::string value) {
  auto made = std::make_shared<Value>(Kind::text);
  made->text = std::move(value);
  return made;
}

Shared errorOf(const Shared& code, const Shared& message) {
  auto made = std::make_shared<Value>(Kind::object);
  setField(*made, "message", message);
  if (code) setField(*made, "code", code);
  return made;
}

// new ArrayBuffer(bytes).
napi_value newBuffer(napi_env, napi_callback_info info) {
  auto made = std::make_shared<Value>(Kind::buffer);
  try {
    made->bytes.resize(static_cast<size_t>(info->arguments.at(0)->number));
  } catch (const std::exception&) {
    exception = errorOf({}, text("Array buffer allocation failed"));
    return nullptr;
  }
  return handleOf(std::move(made));
}

Shared& global() {
  if (!globalObject) {
    globalObject = std::make_shared<Value>(Kind::object);
    auto arrayBuffer = std::make_shared<Value>(Kind::function);
    arrayBuffer->function.call = newBuffer;
    setField(*globalObject, "ArrayBuffer", std::move(arrayBuffer));
  }
  return globalObject;
}

}  // namespace

napi_env environment() { return reinterpret_cast<napi_env>(&environmentMark); }

napi_value handleOf(Shared value) {
  return reinterpret_cast<napi_value>(&handles.emplace_back(std::move(value)));
}

Shared valueOf(napi_value handle) { return *reinterpret_cast<Shared*>(handle); }

HandleScope::~HandleScope() { handles.clear(); }

Shared call(const Callable& function, const Shared& self, const std::vector<Shared>& arguments,
            const Shared& newTarget) {
  napi_callback_info__ info{self, newTarget, arguments, function.data};
  const napi_value result = function.call(environment(), &info);
  if (exception) return nullptr;
  return result == nullptr ? std::make_shared<Value>(Kind::undefined) : valueOf(result);
}

Shared construct(const Shared& classFunction, const std::vector<Shared>& arguments) {
  auto made = std::make_shared<Value>(Kind::object);
  made->instanceOf = classFunction;
  return call(classFunction->function, made, arguments, classFunction);
}

Shared takeException() { return std::exchange(exception, nullptr); }

}  // namespace pstmo::wasm

using namespace pstmo::wasm;

extern "C" {

// ---- Errors

napi_status napi_get_last_error_info(napi_env, const napi_extended_error_info** result) {
  static const napi_extended_error_info none{"Node-API call failed", nullptr, 0, napi_ok};
  *result = &none;
  return napi_ok;
}
void napi_fatal_error(const char* location, size_t, const char* message, size_t) {
  std::fprintf(stderr, "%s: %s\n", location, message);
  std::abort();
}
napi_status napi_create_error(napi_env, napi_value code, napi_value message, napi_value* result) {
  return give(result, errorOf(code == nullptr ? Shared() : valueOf(code), valueOf(message)));
}
napi_status napi_create_type_error(napi_env env, napi_value code, napi_value message,
                                   napi_value* result) {
  return napi_create_error(env, code, message, result);
}
napi_status napi_throw(napi_env, napi_value error) {
  exception = valueOf(error);
  return napi_ok;
}
napi_status napi_is_exception_pending(napi_env, bool* result) {
  *result = exception != nullptr;
  return napi_ok;
}
napi_status napi_get_and_clear_last_exception(napi_env, napi_value* result) {
  return give(result, takeException());
}

// ---- Handles and references

napi_status napi_open_handle_scope(napi_env, napi_handle_scope*) { return napi_ok; }
napi_status napi_close_handle_scope(napi_env, napi_handle_scope) { return napi_ok; }
napi_status napi_open_escapable_handle_scope(napi_env, napi_escapable_handle_scope*) {
  return napi_ok;
}
napi_status napi_close_escapable_handle_scope(napi_env, napi_escapable_handle_scope) {
  return napi_ok;
}
napi_status napi_escape_handle(napi_env, napi_escapable_handle_scope, napi_value escapee,
                               napi_value* result) {
  *result = escapee;
  return napi_ok;
}
napi_status napi_create_reference(napi_env, napi_value value, uint32_t count, napi_ref* result) {
  const Shared held = valueOf(value);
  *result = new napi_ref__{held, count > 0 ? held : Shared(), count};
  return napi_ok;
}
napi_status napi_delete_reference(napi_env, napi_ref reference) {
  delete reference;
  return napi_ok;
}
napi_status napi_reference_ref(napi_env, napi_ref reference, uint32_t* result) {
  reference->strong = reference->weak.lock();
  const uint32_t count = ++reference->count;
  if (result != nullptr) *result = count;
  return napi_ok;
}
napi_status napi_reference_unref(napi_env, napi_ref reference, uint32_t* result) {
  const uint32_t count = --reference->count;
  if (count == 0) reference->strong.reset();
  if (result != nullptr) *result = count;
  return napi_ok;
}
napi_status napi_get_reference_value(napi_env, napi_ref reference, napi_value* result) {
  const Shared value = reference->weak.lock();
  *result = value ? handleOf(value) : nullptr;
  return napi_ok;
}

// ---- What belongs to the environment

napi_status napi_get_global(napi_env, napi_value* result) { return give(result, global()); }
napi_status napi_set_instance_data(napi_env, void* data, napi_finalize, void*) {
  instanceData = data;  // freed with the module's memory
  return napi_ok;
}
napi_status napi_get_instance_data(napi_env, void** data) {
  *data = instanceData;
  return napi_ok;
}
napi_status napi_adjust_external_memory(napi_env, int64_t, int64_t* result) {
  *result = 0;  // the module's memory is JavaScript's own
  return napi_ok;
}

// ---- Plain values

napi_status napi_typeof(napi_env, napi_value value, napi_valuetype* result) {
  switch (valueOf(value)->kind) {
    case Kind::undefined:
      *result = napi_undefined;
      break;
    case Kind::null:
      *result = napi_null;
      break;
    case Kind::boolean:
      *result = napi_boolean;
      break;
    case Kind::number:
      *result = napi_number;
      break;
    case Kind::text:
      *result = napi_string;
      break;
    case Kind::function:
      *result = napi_function;
      break;
    default:
      *result = napi_object;
  }
  return napi_ok;
}
napi_status napi_get_undefined(napi_env, napi_value* result) {
  return give(result, std::make_shared<Value>(Kind::undefined));
}
napi_status napi_get_boolean(napi_env, bool value, napi_value* result) {
  return give(result, boolean(value));
}
napi_status napi_create_double(napi_env, double value, napi_value* result) {
  return give(result, number(value));
}
napi_status napi_create_string_utf8(napi_env, const char* value, size_t length,
                                    napi_value* result) {
  return give(result, text(textOf(value, length)));
}
napi_status napi_get_value_bool(napi_env, napi_value value, bool* result) {
  *result = valueOf(value)->number != 0;
  return valueOf(value)->kind == Kind::boolean ? napi_ok : napi_boolean_expected;
}
napi_status napi_get_value_double(napi_env, napi_value value, double* result) {
  *result = valueOf(value)->number;
  return valueOf(value)->kind == Kind::number ? napi_ok : napi_number_expected;
}
napi_status napi_get_value_string_utf8(napi_env, napi_value value, char* buffer, size_t size,
                                       size_t* result) {
  const Shared held = valueOf(value);
  if (held->kind != Kind::text) return napi_string_expected;
  size_t copied = held->text.size();
  if (buffer != nullptr) {
    copied = std::min(copied, size - 1);
    std::memcpy(buffer, held->text.data(), copied);
    buffer[copied] = '\0';
  }
  if (result != nullptr) *result = copied;
  return napi_ok;
}

// ---- Objects and lists

napi_status napi_create_object(napi_env, napi_value* result) {
  return give(result, std::make_shared<Value>(Kind::object));
}
napi_status napi_set_named_property(napi_env, napi_value object, const char* name,
                                    napi_value value) {
  setField(*valueOf(object), name, valueOf(value));
  return napi_ok;
}
napi_status napi_get_named_property(napi_env, napi_value object, const char* name,
                                    napi_value* result) {
  const Shared* field = findField(*valueOf(object), name);
  return give(result, field != nullptr ? *field : std::make_shared<Value>(Kind::undefined));
}
napi_status napi_get_property(napi_env env, napi_value object, napi_value key, napi_value* result) {
  return napi_get_named_property(env, object, valueOf(key)->text.c_str(), result);
}
napi_status napi_has_property(napi_env, napi_value object, napi_value key, bool* result) {
  *result = findField(*valueOf(object), valueOf(key)->text) != nullptr;
  return napi_ok;
}
napi_status napi_get_all_property_names(napi_env, napi_value object, napi_key_collection_mode,
                                        napi_key_filter, napi_key_conversion, napi_value* result) {
  auto names = std::make_shared<Value>(Kind::list);
  for (const auto& [name, value] : valueOf(object)->fields) names->items.push_back(text(name));
  return give(result, std::move(names));
}
napi_status napi_create_array(napi_env, napi_value* result) {
  return give(result, std::make_shared<Value>(Kind::list));
}
napi_status napi_create_array_with_length(napi_env env, size_t, napi_value* result) {
  return napi_create_array(env, result);  // every element is set
}
napi_status napi_is_array(napi_env, napi_value value, bool* result) {
  *result = valueOf(value)->kind == Kind::list;
  return napi_ok;
}
napi_status napi_get_array_length(napi_env, napi_value list, uint32_t* result) {
  *result = static_cast<uint32_t>(valueOf(list)->items.size());
  return napi_ok;
}
napi_status napi_set_element(napi_env, napi_value list, uint32_t index, napi_value value) {
  auto& items = valueOf(list)->items;
  if (items.size() <= index) items.resize(index + 1);
  items[index] = valueOf(value);
  return napi_ok;
}
napi_status napi_get_element(napi_env, napi_value list, uint32_t index, napi_value* result) {
  return give(result, valueOf(list)->items.at(index));
}

// ---- Memory

napi_status napi_is_arraybuffer(napi_env, napi_value value, bool* result) {
  *result = valueOf(value)->kind == Kind::buffer && !valueOf(value)->sharedMemory;
  return napi_ok;
}
napi_status napi_get_arraybuffer_info(napi_env, napi_value buffer, void** data, size_t* bytes) {
  const Shared held = valueOf(buffer);
  if (data != nullptr) *data = held->bytes.data();
  if (bytes != nullptr) *bytes = held->bytes.size();
  return napi_ok;
}
napi_status napi_is_typedarray(napi_env, napi_value value, bool* result) {
  *result = valueOf(value)->kind == Kind::array;
  return napi_ok;
}
napi_status napi_create_typedarray(napi_env, napi_typedarray_type type, size_t length,
                                   napi_value buffer, size_t offset, napi_value* result) {
  auto array = std::make_shared<Value>(Kind::array);
  array->type = type;
  array->length = length;
  array->buffer = valueOf(buffer);
  array->data = array->buffer->bytes.data() + offset;
  return give(result, std::move(array));
}
napi_status napi_get_typedarray_info(napi_env, napi_value array, napi_typedarray_type* type,
                                     size_t* length, void** data, napi_value* buffer,
                                     size_t* offset) {
  const Shared held = valueOf(array);
  if (type != nullptr) *type = held->type;
  if (length != nullptr) *length = held->length;
  if (data != nullptr) *data = held->data;
  if (buffer != nullptr) *buffer = handleOf(held->buffer);
  if (offset != nullptr) *offset = 0;
  return napi_ok;
}

// ---- Functions, classes, instances

napi_status napi_create_function(napi_env, const char*, size_t, napi_callback callback, void* data,
                                 napi_value* result) {
  auto function = std::make_shared<Value>(Kind::function);
  function->function.call = callback;
  function->function.data = data;
  return give(result, std::move(function));
}
napi_status napi_define_properties(napi_env, napi_value object, size_t count,
                                   const napi_property_descriptor* properties) {
  auto& members = valueOf(object)->function.members;
  for (size_t i = 0; i < count; ++i) {
    const napi_property_descriptor& member = properties[i];
    members[member.utf8name != nullptr ? member.utf8name : valueOf(member.name)->text] = member;
  }
  return napi_ok;
}
napi_status napi_define_class(napi_env env, const char* name, size_t length,
                              napi_callback constructor, void* data, size_t count,
                              const napi_property_descriptor* properties, napi_value* result) {
  napi_create_function(env, name, length, constructor, data, result);
  return napi_define_properties(env, *result, count, properties);
}
napi_status napi_new_instance(napi_env, napi_value constructor, size_t count,
                              const napi_value* arguments, napi_value* result) {
  std::vector<Shared> values;
  for (size_t i = 0; i < count; ++i) values.push_back(valueOf(arguments[i]));
  const Shared made = construct(valueOf(constructor), values);
  return made ? give(result, made) : napi_pending_exception;
}
napi_status napi_get_cb_info(napi_env, napi_callback_info info, size_t* count, napi_value* values,
                             napi_value* self, void** data) {
  if (count != nullptr) {
    const size_t given = info->arguments.size();
    for (size_t i = 0; values != nullptr && i < *count; ++i)
      values[i] =
          handleOf(i < given ? info->arguments[i] : std::make_shared<Value>(Kind::undefined));
    *count = given;
  }
  if (self != nullptr)
    *self = handleOf(info->self ? info->self : std::make_shared<Value>(Kind::undefined));
  if (data != nullptr) *data = info->data;
  return napi_ok;
}
napi_status napi_get_new_target(napi_env, napi_callback_info info, napi_value* result) {
  *result = info->newTarget ? handleOf(info->newTarget) : nullptr;
  return napi_ok;
}
napi_status napi_wrap(napi_env env, napi_value object, void* native, napi_finalize finalize,
                      void* hint, napi_ref* result) {
  const Shared held = valueOf(object);
  held->wrapped = native;
  held->finalizers.emplace_back(finalize, hint);
  return result != nullptr ? napi_create_reference(env, object, 0, result) : napi_ok;
}
napi_status napi_unwrap(napi_env, napi_value object, void** result) {
  *result = valueOf(object)->wrapped;
  return *result != nullptr ? napi_ok : napi_invalid_arg;
}
napi_status napi_remove_wrap(napi_env, napi_value object, void** result) {
  const Shared held = valueOf(object);
  if (result != nullptr) *result = held->wrapped;
  held->wrapped = nullptr;
  held->finalizers.clear();
  return napi_ok;
}
napi_status napi_add_finalizer(napi_env, napi_value, void*, node_api_basic_finalize, void*,
                               napi_ref*) {
  return napi_ok;  // a function's data: freed with the module's memory
}

// ---- Promises

napi_status napi_create_promise(napi_env, napi_deferred* deferred, napi_value* promise) {
  auto made = std::make_shared<Value>(Kind::object);
  made->promise = Value::Promise::pending;
  *deferred = new napi_deferred__{made};
  return give(promise, std::move(made));
}
napi_status napi_resolve_deferred(napi_env, napi_deferred deferred, napi_value value) {
  deferred->promise->promise = Value::Promise::resolved;
  deferred->promise->outcome = valueOf(value);
  delete deferred;
  return napi_ok;
}
napi_status napi_reject_deferred(napi_env, napi_deferred deferred, napi_value error) {
  deferred->promise->promise = Value::Promise::rejected;
  deferred->promise->outcome = valueOf(error);
  delete deferred;
  return napi_ok;
}

}  // extern "C"
