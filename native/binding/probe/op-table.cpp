#include "op-table.h"

#include <algorithm>

namespace pstmo::binding {

namespace {

template <typename Op>
ProbedOp readOp(OpReader& reader) {
  Op op{};
  fields(reader, op);
  return {[op](Backend& backend) { backend.run(op); }, costOf(op)};
}

// Lists the arrays of an op whose sizes are as small as may be.
class OpDescriber : public FieldVisitor {
 public:
  explicit OpDescriber(Napi::Env env) : arrays_(Napi::Object::New(env)) {}
  Napi::Object arrays() const { return arrays_; }

  void sizes() {}
  template <typename Whole, typename... Rest>
  void sizes(const char*, Whole& field, Rest&&... rest) {
    field = 1;
    sizes(rest...);
  }
  template <typename Whole>
  void whole(const char*, Whole& field, int64_t low, int64_t /*high*/) {
    field = static_cast<Whole>(low);
  }
  int length(const char*, int low, int /*otherwise*/) { return std::max(low, 1); }
  template <typename Array>
  void in(const char* name, const Array& field, Lengths, Access = {}) {
    list(name, "in", narrow(field));
  }
  template <typename Array>
  void out(const char* name, const Array& field, Lengths, Access = {}) {
    list(name, "out", narrow(field));
  }
  template <typename Array>
  void add(const char* name, const Array& field, Lengths, Access = {}) {
    list(name, "add", narrow(field));
  }
  template <typename Index>
  void indices(const char* name, const Index*, Lengths, int64_t, int64_t, Access = {}) {
    list(name, "in", false);
  }
  void scalar(const char* name, double*) { list(name, "add", false); }

 private:
  static bool narrow(const Activations&) { return true; }
  static bool narrow(const ConstActivations&) { return true; }
  static bool narrow(const void*) { return false; }

  void list(const char* name, const char* access, bool narrow) {
    Napi::Object array = Napi::Object::New(arrays_.Env());
    array.Set("access", access);
    array.Set("narrow", narrow);
    arrays_.Set(name, array);
  }

  Napi::Object arrays_;
};

template <typename Op>
Napi::Object describeOp(Napi::Env env) {
  OpDescriber describer(env);
  Op op{};
  fields(describer, op);
  return describer.arrays();
}

}  // namespace

const std::map<std::string, OpEntry>& opTable() {
#define PSTMO_ENTRY(Op) {nameOf(Op{}), {readOp<Op>, describeOp<Op>}},
  static const std::map<std::string, OpEntry> table = {PSTMO_FOR_EACH_OP(PSTMO_ENTRY)};
#undef PSTMO_ENTRY
  return table;
}

}  // namespace pstmo::binding
