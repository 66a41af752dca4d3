// How an op describes its fields. Beside each struct stands one function template
//
//   template <typename Visitor>
//   void fields(Visitor& v, LinearForward& op);
//
// that calls one of the verbs below for each field, sizes before the arrays that they shape. All
// that must know the fields of an op is a visitor: the bytes it moves (cost.h), its reading from
// JavaScript and the list of its arrays (binding/probe). A visitor hides the verbs that it heeds.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "../core/dropout.h"
#include "activations.h"

namespace pstmo {

// What an op does with an array, where it is not all of it, once.
struct Access {
  bool optional = false;  // the pointer may be null
  int times = 1;          // how often each element is moved between memory and the device
  double elements = -1;   // how many elements are touched; -1: all
};

class FieldVisitor {
 public:
  using Lengths = std::initializer_list<int64_t>;
  static constexpr int64_t kMostSize = int64_t{1} << 30;

  // For profiles. Parts are joined by spaces: shape(7, "x", 34, "->", 51).
  template <typename... Parts>
  void shape(const Parts&...) {}
  // 2 x the multiply-adds of matmuls (linears, convolutions, attention), those done again
  // included. Ops without any have no such line: memory bounds them.
  void flops(double) {}

  // Whole numbers from 1: sizes("rows", op.rows, "in", op.in).
  template <typename... NamesAndFields>
  void sizes(NamesAndFields&&...) {}
  // In [low, high].
  template <typename Whole>
  void whole(const char*, Whole&, int64_t /*low*/, int64_t /*high*/) {}
  // A size from `low` that the op has no field for, since it follows from what is in its arrays. A
  // visitor that reads no arrays gets `otherwise`: as many as the op touches.
  int length(const char*, int /*low*/, int otherwise) { return otherwise; }
  template <typename Number>
  void number(const char*, Number&) {}
  // The field keeps its default where there is none.
  template <typename Number>
  void optionalNumber(const char*, Number&) {}
  void flag(const char*, bool&) {}
  void dropout(Dropout&) {}

  // Arrays: read; written (=); added to (+=), which is a read and a write of each element. Fields
  // are pointers or (Const)Activations.
  template <typename Array>
  void in(const char*, Array&, Lengths, Access = {}) {}
  template <typename Array>
  void out(const char*, Array&, Lengths, Access = {}) {}
  template <typename Array>
  void add(const char*, Array&, Lengths, Access = {}) {}
  // Read, with every value in [low, high]: which rows, joints or frames.
  template <typename Index>
  void indices(const char*, const Index*&, Lengths, int64_t /*low*/, int64_t /*high*/,
               Access = {}) {}
  // One number that is added to.
  void scalar(const char*, double*&) {}

  // What must hold beyond lengths and ranges.
  void require(bool, const char*) {}
  // The same for the values of index lists: `body` takes a visitor that has hostIndices.
  template <typename Body>
  void check(Body&&) {}
};

}  // namespace pstmo
