// Refuses a configuration that no network can be built from: throws ERR_CONFIG that names the
// field.
#pragma once

#include "network.h"

namespace pstmo::network {

void checkConfig(const NetworkConfig& config);

}  // namespace pstmo::network
