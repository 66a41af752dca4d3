// Every operation of native/ops/operations.h by name, made from the fields that stand beside its
// struct.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "../../ops/cost.h"
#include "op-reader.h"

namespace pstmo::binding {

struct ProbedOp {
  std::function<void(Backend&)> run;
  Cost cost;
};

struct OpEntry {
  ProbedOp (*read)(OpReader&);
  // { x: { access: "in", narrow: true }, ... }
  Napi::Object (*describe)(Napi::Env);
};

const std::map<std::string, OpEntry>& opTable();

}  // namespace pstmo::binding
