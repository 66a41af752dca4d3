// Arrays and numbers of one probed operation: copies the arrays to the device, checks every length
// and index, copies them back.
#pragma once

#include <napi.h>

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "../../ops/backend.h"
#include "../convert.h"

namespace pstmo::binding {

class OpFields {
 public:
  OpFields(Backend& backend, const Napi::Object& tensors, const Napi::Object& attributes);
  ~OpFields();
  OpFields(const OpFields&) = delete;
  OpFields& operator=(const OpFields&) = delete;

  // A whole number from `low` up.
  int count(const char* name, int low = 1);
  int64_t whole(const char* name, int64_t low, int64_t high);
  double number(const char* name);
  // Numbers that may be left out.
  double numberOr(const char* name, double otherwise);
  bool flag(const char* name);
  // dropoutRate, dropoutSeed, dropoutStep, dropoutSite.
  Dropout dropout();

  // Two names for one JavaScript array give one device array: operations that work in place are
  // probed so.
  float* floats(const char* name, std::initializer_list<int64_t> shape);
  float* optionalFloats(const char* name, std::initializer_list<int64_t> shape);
  // A Float32Array; or a Uint16Array, in bfloat16, where the device keeps arrays so.
  Activations activations(const char* name, std::initializer_list<int64_t> shape);
  Activations optionalActivations(const char* name, std::initializer_list<int64_t> shape);
  const uint8_t* bytes(const char* name, std::initializer_list<int64_t> shape);
  // Every value in [low, high].
  const int32_t* integers(const char* name, std::initializer_list<int64_t> shape, int32_t low,
                          int32_t high);
  const int32_t* optionalIntegers(const char* name, std::initializer_list<int64_t> shape,
                                  int32_t low, int32_t high);
  // As JavaScript has them, for checks.
  const int32_t* hostIntegers(const char* name) const;
  const int64_t* wideIntegers(const char* name, std::initializer_list<int64_t> shape, int64_t low,
                              int64_t high);
  // A Float32Array of 1, as a double: written back.
  double* scalar(const char* name);

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

  bool has(const char* name) const;
  template <typename T>
  T* load(const char* name, napi_typedarray_type type, std::initializer_list<int64_t> shape,
          bool output);

  Backend& backend_;
  Napi::Object tensors_;
  Napi::Object attributes_;
  std::set<std::string> read_;
  std::vector<Array> arrays_;
  struct Scalar {
    float* host;
    double* device;
  };
  std::vector<Scalar> scalars_;
  std::vector<void*> extra_;
};

}  // namespace pstmo::binding
