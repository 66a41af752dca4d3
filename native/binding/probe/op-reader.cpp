#include "op-reader.h"

#include <limits>

namespace pstmo::binding {

OpReader::OpReader(Backend& backend, const Napi::Object& tensors, const Napi::Object& attributes)
    : backend_(backend), tensors_(tensors, "tensors"), attributes_(attributes, "attributes") {}

OpReader::~OpReader() {
  for (const Array& array : arrays_) backend_.release(array.device);
  for (void* memory : extra_) backend_.release(memory);
}

bool OpReader::hasAttribute(const char* name) {
  read_.insert(name);
  return attributes_.has(name);
}

int64_t OpReader::integer(const char* name, int64_t low, int64_t high) {
  read_.insert(name);
  return attributes_.integer(name, low, high);
}

double OpReader::real(const char* name) {
  read_.insert(name);
  constexpr double kLargest = std::numeric_limits<double>::max();
  return attributes_.number(name, -kLargest, kLargest);
}

void OpReader::dropout(Dropout& field) {
  optionalNumber("dropoutRate", field.rate);
  require(field.rate >= 0 && field.rate < 1,
          "attributes.dropoutRate: expected at least 0 and below 1.");
  if (field.rate > 0) {
    whole("dropoutSeed", field.seed, 0, int64_t{1} << 53);
    whole("dropoutStep", field.step, 0, std::numeric_limits<uint32_t>::max());
    whole("dropoutSite", field.site, 0, std::numeric_limits<uint32_t>::max());
  }
}

template <typename T>
T* OpReader::copyToDevice(const char* name, napi_typedarray_type type, Lengths lengths,
                          bool output) {
  read_.insert(name);
  const Napi::Value value = tensors_.get(name);
  const size_t size = sizeOf(lengths);
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

void OpReader::load(const char* name, float*& field, Lengths lengths) {
  field = copyToDevice<float>(name, napi_float32_array, lengths, true);
}

// Copied back as well: that an operation leaves what it reads as it is shows in the arrays.
void OpReader::load(const char* name, const float*& field, Lengths lengths) {
  field = copyToDevice<float>(name, napi_float32_array, lengths, true);
}

void OpReader::load(const char* name, const uint8_t*& field, Lengths lengths) {
  field = copyToDevice<uint8_t>(name, napi_uint8_array, lengths, false);
}

void OpReader::load(const char* name, Activations& field, Lengths lengths) {
  const Napi::Value value = tensors_.get(name);
  const bool keepsNarrow = backend_.branchStorage() == Storage::bfloat16;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint16_array) {
    field = {copyToDevice<float>(name, napi_float32_array, lengths, true),
             keepsNarrow ? Storage::float32 : Storage::narrowable};
    return;
  }
  if (!keepsNarrow) {
    throw Error(
        "ERR_ARGUMENT",
        std::string("tensors.") + name +
            ": this device keeps no array in bfloat16 in this precision; a Float32Array expected.");
  }
  field = {copyToDevice<uint16_t>(name, napi_uint16_array, lengths, true), Storage::bfloat16};
}

void OpReader::load(const char* name, ConstActivations& field, Lengths lengths) {
  Activations loaded;
  load(name, loaded, lengths);
  field = loaded;
}

void OpReader::loadIndices(const char* name, const int32_t*& field, Lengths lengths, int64_t low,
                           int64_t high) {
  read_.insert(name);
  const size_t size = sizeOf(lengths);
  const int32_t* host = hostIndices_[name] =
      tensors_.integers(name, size, static_cast<int32_t>(low), static_cast<int32_t>(high));
  extra_.push_back(backend_.allocate(size * sizeof(int32_t)));
  backend_.copyIn(extra_.back(), host, size * sizeof(int32_t));
  field = static_cast<const int32_t*>(extra_.back());
}

void OpReader::loadIndices(const char* name, const int64_t*& field, Lengths lengths, int64_t low,
                           int64_t high) {
  read_.insert(name);
  const size_t size = sizeOf(lengths);
  const int32_t* host = hostIndices_[name] =
      tensors_.integers(name, size, static_cast<int32_t>(low), static_cast<int32_t>(high));
  const std::vector<int64_t> wide(host, host + size);
  extra_.push_back(backend_.allocate(size * sizeof(int64_t)));
  backend_.copyIn(extra_.back(), wide.data(), size * sizeof(int64_t));
  field = static_cast<const int64_t*>(extra_.back());
}

void OpReader::scalar(const char* name, double*& field) {
  read_.insert(name);
  const double value = static_cast<double>(*tensors_.anyFloats(name, 1));
  float* host = tensors_.get(name).As<Napi::Float32Array>().Data();
  extra_.push_back(backend_.allocate(sizeof value));
  backend_.copyIn(extra_.back(), &value, sizeof value);
  field = static_cast<double*>(extra_.back());
  scalars_.push_back({host, field});
}

void OpReader::finish() const {
  for (const Fields* fields : {&tensors_.fields(), &attributes_.fields()}) {
    for (const auto& [name, value] : *fields) {
      if (read_.count(name) == 0)
        throw Error("ERR_ARGUMENT", "The operation has no array or number " + name + ".");
    }
  }
}

void OpReader::copyBack() {
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
