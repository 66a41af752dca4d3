// A network's configuration from JavaScript: NativeConfig of binding.d.ts.
#pragma once

#include <napi.h>

#include "../../core/network-config.h"

namespace pstmo::binding {

// Throws ERR_ARGUMENT for a field that is missing, unknown or out of range.
NetworkConfig readConfig(const Napi::Value& value);

}  // namespace pstmo::binding
