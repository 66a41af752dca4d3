#include "compiled-lifter.h"

namespace pstmo::inference {
namespace {

struct NamedFold {
  const char* name;
  bool Folds::* fold;
};
constexpr NamedFold kFolds[] = {
    {"firstLayer", &Folds::firstLayer},
    {"feedForward", &Folds::feedForward},
    {"encoder", &Folds::encoder},
};

}  // namespace

std::string unsupportedNetwork(const NetworkConfig& config) {
  if (config.stage != 2) return "a Stage I model does not lift";
  if (config.backbone != Backbone::mlp) return "the spatial encoder is not the MLP";
  if (!config.temporal) return "the network has no temporal encoder";
  if (!config.aggregate || aggregatorStrides(config.frames).empty())
    return "the network has no frame aggregator";
  return {};
}

std::vector<std::string> foldNames() {
  std::vector<std::string> names;
  for (const NamedFold& fold : kFolds) names.push_back(fold.name);
  return names;
}

bool leaveOutFold(Folds& folds, const std::string& name) {
  for (const NamedFold& fold : kFolds) {
    if (name != fold.name) continue;
    folds.*fold.fold = false;
    return true;
  }
  return false;
}

}  // namespace pstmo::inference
