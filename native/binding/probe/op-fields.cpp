#include "op-fields.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pstmo::binding {

OpFields::OpFields(Backend& backend, const Napi::Object& tensors, const Napi::Object& attributes)
    : backend_(backend), tensors_(tensors), attributes_(attributes) {}

OpFields::~OpFields() {
  for (const Array& array : arrays_) backend_.release(array.device);
  for (void* memory : extra_) backend_.release(memory);
}

bool OpFields::has(const char* name) const { return !tensors_.Get(name).IsUndefined(); }

int64_t OpFields::whole(const char* name, int64_t low, int64_t high) {
  read_.insert(name);
  return ObjectReader(attributes_, "attributes").integer(name, low, high);
}

int OpFields::count(const char* name, int low) {
  return static_cast<int>(whole(name, low, 1 << 30));
}

double OpFields::number(const char* name) {
  read_.insert(name);
  constexpr double kLargest = std::numeric_limits<double>::max();
  return ObjectReader(attributes_, "attributes").number(name, -kLargest, kLargest);
}

double OpFields::numberOr(const char* name, double otherwise) {
  read_.insert(name);
  return attributes_.Get(name).IsUndefined() ? otherwise : number(name);
}

bool OpFields::flag(const char* name) { return numberOr(name, 0) != 0; }

Dropout OpFields::dropout() {
  Dropout dropout;
  dropout.rate = static_cast<float>(numberOr("dropoutRate", 0));
  if (!(dropout.rate >= 0 && dropout.rate < 1))
    throw Error("ERR_ARGUMENT", "attributes.dropoutRate: expected at least 0 and below 1.");
  if (dropout.rate > 0) {
    dropout.seed = static_cast<uint64_t>(whole("dropoutSeed", 0, int64_t{1} << 53));
    dropout.step = static_cast<uint32_t>(whole("dropoutStep", 0, 0xffffffffLL));
    dropout.site = static_cast<uint32_t>(whole("dropoutSite", 0, 0xffffffffLL));
  }
  return dropout;
}

template <typename T>
T* OpFields::load(const char* name, napi_typedarray_type type, std::initializer_list<int64_t> shape,
                  bool output) {
  read_.insert(name);
  const Napi::Value value = tensors_.Get(name);
  const size_t size = sizeOf(shape);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type ||
      value.As<Napi::TypedArray>().ElementLength() != size) {
    const char* typeName = type == napi_float32_array  ? "Float32Array"
                           : type == napi_int32_array  ? "Int32Array"
                           : type == napi_uint16_array ? "Uint16Array"
                                                       : "Uint8Array";
    throw Error("ERR_ARGUMENT", std::string("tensors.") + name + ": expected a " + typeName +
                                    " of " + std::to_string(size) + ", got " +
                                    describeValue(value) + ".");
  }
  T* host = value.As<Napi::TypedArrayOf<T>>().Data();
  for (Array& array : arrays_) {
    if (array.host == host && array.bytes == size * sizeof(T)) return static_cast<T*>(array.device);
  }
  void* device = backend_.allocate(size * sizeof(T));
  arrays_.push_back({host, device, size * sizeof(T), output});
  backend_.copyIn(device, host, size * sizeof(T));
  return static_cast<T*>(device);
}

float* OpFields::floats(const char* name, std::initializer_list<int64_t> shape) {
  return load<float>(name, napi_float32_array, shape, true);
}

float* OpFields::optionalFloats(const char* name, std::initializer_list<int64_t> shape) {
  return has(name) ? floats(name, shape) : nullptr;
}

Activations OpFields::activations(const char* name, std::initializer_list<int64_t> shape) {
  const Napi::Value value = tensors_.Get(name);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint16_array)
    return floats(name, shape);
  if (backend_.branchStorage() != Storage::bfloat16) {
    throw Error(
        "ERR_ARGUMENT",
        std::string("tensors.") + name +
            ": this device keeps no array in bfloat16 in this precision; a Float32Array expected.");
  }
  return {load<uint16_t>(name, napi_uint16_array, shape, true), Storage::bfloat16};
}

Activations OpFields::optionalActivations(const char* name, std::initializer_list<int64_t> shape) {
  return has(name) ? activations(name, shape) : Activations{};
}

const uint8_t* OpFields::bytes(const char* name, std::initializer_list<int64_t> shape) {
  return load<uint8_t>(name, napi_uint8_array, shape, false);
}

const int32_t* OpFields::hostIntegers(const char* name) const {
  return tensors_.Get(name).As<Napi::Int32Array>().Data();
}

const int32_t* OpFields::integers(const char* name, std::initializer_list<int64_t> shape,
                                  int32_t low, int32_t high) {
  const int32_t* device = load<int32_t>(name, napi_int32_array, shape, false);
  ObjectReader(tensors_, "tensors").integers(name, sizeOf(shape), low, high);
  return device;
}

const int32_t* OpFields::optionalIntegers(const char* name, std::initializer_list<int64_t> shape,
                                          int32_t low, int32_t high) {
  return has(name) ? integers(name, shape, low, high) : nullptr;
}

const int64_t* OpFields::wideIntegers(const char* name, std::initializer_list<int64_t> shape,
                                      int64_t low, int64_t high) {
  const size_t size = sizeOf(shape);
  constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();
  read_.insert(name);
  const int32_t* host = ObjectReader(tensors_, "tensors")
                            .integers(name, size, static_cast<int32_t>(low),
                                      static_cast<int32_t>(std::min(high, kLargest)));
  const std::vector<int64_t> wide(host, host + size);
  extra_.push_back(backend_.allocate(size * sizeof(int64_t)));
  backend_.copyIn(extra_.back(), wide.data(), size * sizeof(int64_t));
  return static_cast<const int64_t*>(extra_.back());
}

double* OpFields::scalar(const char* name) {
  read_.insert(name);
  ObjectReader(tensors_, "tensors").floats(name, 1);
  float* host = tensors_.Get(name).As<Napi::Float32Array>().Data();
  const double value = static_cast<double>(*host);
  extra_.push_back(backend_.allocate(sizeof value));
  backend_.copyIn(extra_.back(), &value, sizeof value);
  scalars_.push_back({host, static_cast<double*>(extra_.back())});
  return scalars_.back().device;
}

void OpFields::finish() const {
  for (const Napi::Object& object : {tensors_, attributes_}) {
    const Napi::Array names = object.GetPropertyNames();
    for (uint32_t i = 0; i < names.Length(); i++) {
      const std::string name = names.Get(i).ToString().Utf8Value();
      if (read_.count(name) == 0)
        throw Error("ERR_ARGUMENT", "The operation has no array or number " + name + ".");
    }
  }
}

void OpFields::copyBack() {
  for (const Array& array : arrays_) {
    if (array.output) backend_.copyOut(array.host, array.device, array.bytes);
  }
  for (const Scalar& scalar : scalars_) {
    double value = 0;
    backend_.copyOut(&value, scalar.device, sizeof value);
    *scalar.host = static_cast<float>(value);
  }
}

}  // namespace pstmo::binding
