#include "spatial-encoder.h"

#include "joint-encoder.h"
#include "linear-encoder.h"
#include "mlp-encoder.h"

namespace pstmo::network {

std::unique_ptr<SpatialEncoder> SpatialEncoder::make(Blueprint& blueprint) {
  switch (blueprint.config.backbone) {
    case Backbone::fc:
      return std::make_unique<LinearEncoder>(blueprint);
    case Backbone::transformer:
      return std::make_unique<JointEncoder>(blueprint);
    case Backbone::mlp:
      break;
  }
  return std::make_unique<MlpEncoder>(blueprint);
}

}  // namespace pstmo::network
