// Builds layers: the configuration, the tensors that layers add theirs to, and the number of
// dropout sites handed out so far.
#pragma once

#include "../../core/tensor-names.h"
#include "../network.h"
#include "parameters.h"

namespace pstmo::network {

struct Blueprint {
  const NetworkConfig& config;
  Parameters& parameters;
  uint32_t sites = 0;

  uint32_t nextSite() { return sites++; }
};

}  // namespace pstmo::network
