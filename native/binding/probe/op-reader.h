// Fills an op from named arrays and numbers of JavaScript: copies the arrays to the device, checks
// every length, index and number, copies them back.
#pragma once

#include <napi.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "../../ops/backend.h"
#include "../convert.h"

namespace pstmo::binding {

// The verbs are those of ops/fields.h. Two names for one JavaScript array give one device array:
// operations that work in place are probed so.
class OpReader : public FieldVisitor {
 public:
  OpReader(Backend& backend, const Napi::Object& tensors, const Napi::Object& attributes);
  ~OpReader();
  OpReader(const OpReader&) = delete;
  OpReader& operator=(const OpReader&) = delete;

  void sizes() {}
  template <typename Whole, typename... Rest>
  void sizes(const char* name, Whole& field, Rest&&... rest) {
    whole(name, field, 1, kMostSize);
    sizes(rest...);
  }
  template <typename Whole>
  void whole(const char* name, Whole& field, int64_t low, int64_t high) {
    field = static_cast<Whole>(integer(name, low, high));
  }
  int length(const char* name, int low, int /*otherwise*/) {
    return static_cast<int>(integer(name, low, kMostSize));
  }
  template <typename Number>
  void number(const char* name, Number& field) {
    field = static_cast<Number>(real(name));
  }
  template <typename Number>
  void optionalNumber(const char* name, Number& field) {
    if (hasAttribute(name)) number(name, field);
  }
  void flag(const char* name, bool& field) { field = hasAttribute(name) && real(name) != 0; }
  // dropoutRate, dropoutSeed, dropoutStep, dropoutSite.
  void dropout(Dropout& field);

  template <typename Array>
  void in(const char* name, Array& field, Lengths lengths, Access access = {}) {
    if (!access.optional || hasTensor(name)) load(name, field, lengths);
  }
  template <typename Array>
  void out(const char* name, Array& field, Lengths lengths, Access access = {}) {
    in(name, field, lengths, access);
  }
  template <typename Array>
  void add(const char* name, Array& field, Lengths lengths, Access access = {}) {
    in(name, field, lengths, access);
  }
  template <typename Index>
  void indices(const char* name, const Index*& field, Lengths lengths, int64_t low, int64_t high,
               Access access = {}) {
    if (!access.optional || hasTensor(name)) loadIndices(name, field, lengths, low, high);
  }
  // A Float32Array of 1.
  void scalar(const char* name, double*& field);

  void require(bool holds, const char* message) const {
    if (!holds) throw Error("ERR_ARGUMENT", message);
  }
  template <typename Body>
  void check(Body&& body) {
    body(*this);
  }
  // As they came from JavaScript.
  const int32_t* hostIndices(const char* name) const { return hostIndices_.at(name); }

  // Throws ERR_ARGUMENT for an array or number that the operation does not have.
  void finish() const;
  void copyBack();

 private:
  struct Array {
    void* host;
    void* device;
    size_t bytes;
    bool output;
  };
  struct Scalar {
    float* host;
    double* device;
  };

  bool hasTensor(const char* name) { return tensors_.has(name); }
  bool hasAttribute(const char* name);
  int64_t integer(const char* name, int64_t low, int64_t high);
  double real(const char* name);

  void load(const char* name, float*& field, Lengths lengths);
  void load(const char* name, const float*& field, Lengths lengths);
  void load(const char* name, const uint8_t*& field, Lengths lengths);
  // A Float32Array; or a Uint16Array, in bfloat16, where the device keeps arrays so.
  void load(const char* name, Activations& field, Lengths lengths);
  void load(const char* name, ConstActivations& field, Lengths lengths);
  void loadIndices(const char* name, const int32_t*& field, Lengths lengths, int64_t low,
                   int64_t high);
  // An Int32Array too.
  void loadIndices(const char* name, const int64_t*& field, Lengths lengths, int64_t low,
                   int64_t high);
  template <typename T>
  T* copyToDevice(const char* name, napi_typedarray_type type, Lengths lengths, bool output);

  Backend& backend_;
  ObjectReader tensors_, attributes_;
  std::set<std::string> read_;
  std::map<std::string, const int32_t*> hostIndices_;  // as they were checked
  std::vector<Array> arrays_;
  std::vector<Scalar> scalars_;
  std::vector<void*> extra_;
};

}  // namespace pstmo::binding
