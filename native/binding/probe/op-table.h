// Every operation of native/ops/backend.h by name, and how it is filled from named arrays and
// numbers.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "op-fields.h"

namespace pstmo::binding {

using OpRun = std::function<void(Backend&)>;
using OpFill = std::function<OpRun(OpFields&)>;

const std::map<std::string, OpFill>& opTable();

}  // namespace pstmo::binding
