// The part of Node-API that native/binding calls, inside a WebAssembly module, which has no Node
// around it. Values live in the module; JavaScript hands them over as messages (values.h).
#pragma once

#include "values.h"

namespace pstmo::wasm {

napi_env environment();

// A handle to the value, for as long as a HandleScope lives.
napi_value handleOf(Shared value);
Shared valueOf(napi_value handle);

class HandleScope {
 public:
  HandleScope() = default;
  ~HandleScope();
  HandleScope(const HandleScope&) = delete;
  HandleScope& operator=(const HandleScope&) = delete;
};

// Calls a function, a class's constructor (`self` null: gives the new instance) or its member.
// Where it throws the result is null, and takeException() has it.
Shared call(const Callable& function, const Shared& self, const std::vector<Shared>& arguments,
            const Shared& newTarget = {});
Shared construct(const Shared& classFunction, const std::vector<Shared>& arguments);
Shared takeException();

}  // namespace pstmo::wasm
