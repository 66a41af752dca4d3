// What each operation computes and moves, from its fields alone: profiles, rooflines, benches and
// their tests read it here.
//
// bytes: each array read once and written once, at the bytes of an element that the op's fields
// have; an array that is added to counts as read and written. What a device reads twice of its own
// accord counts once. Lists of indices and single numbers count nothing. `narrow`: the same where a
// device keeps in bfloat16 what it may (activations.h).
#pragma once

#include <string>

#include "operations.h"

namespace pstmo {

struct Bytes {
  double here = 0;
  double narrow = 0;

  Bytes& operator+=(const Bytes& other) {
    here += other.here;
    narrow += other.narrow;
    return *this;
  }
};

struct Cost {
  const char* name;        // as the operation's struct, with a small first letter
  std::string shape = {};  // "243 x 256 -> 512"
  double flops = 0;
  Bytes bytes = {};
};

class CostCounter : public FieldVisitor {
 public:
  explicit CostCounter(const char* name) : cost_{name} {}
  Cost take() { return std::move(cost_); }

  template <typename... Parts>
  void shape(const Parts&... parts) {
    const char* gap = "";
    ((cost_.shape.append(gap).append(text(parts)), gap = " "), ...);
  }
  void flops(double count) { cost_.flops = count; }
  template <typename Array>
  void in(const char*, const Array& array, Lengths lengths, Access access = {}) {
    count(array, lengths, access);
  }
  template <typename Array>
  void out(const char*, const Array& array, Lengths lengths, Access access = {}) {
    count(array, lengths, access);
  }
  template <typename Array>
  void add(const char*, const Array& array, Lengths lengths, Access access = {}) {
    access.times *= 2;
    count(array, lengths, access);
  }

 private:
  static std::string text(const char* word) { return word; }
  template <typename Number>
  static std::string text(Number number) {
    return std::to_string(number);
  }
  static Bytes bytesOfElement(const ConstActivations& array) {
    return {double(bytesOf(array.storage)), array.storage == Storage::float32 ? 4.0 : 2.0};
  }
  static Bytes bytesOfElement(const uint8_t*) { return {1, 1}; }

  // Nothing for an array that is not there.
  template <typename Array>
  void count(const Array& array, Lengths lengths, const Access& access) {
    if (!array) return;
    double elements = access.elements;
    if (elements < 0) {
      elements = 1;
      for (const int64_t length : lengths) elements *= static_cast<double>(length);
    }
    const Bytes each = bytesOfElement(array);
    cost_.bytes += {each.here * elements * access.times, each.narrow * elements * access.times};
  }

  Cost cost_;
};

template <typename Op>
Cost costOf(Op op) {
  CostCounter counter(nameOf(op));
  fields(counter, op);
  return counter.take();
}

}  // namespace pstmo
