#include "compiled-lifter.h"

namespace pstmo::inference {
namespace {

struct NamedFold {
  const char* name;
  bool PlanFolds::* fold;
};
constexpr NamedFold kFolds[] = {
    {"batchNorm", &PlanFolds::batchNorm},         {"layerNorm", &PlanFolds::layerNorm},
    {"attentionBias", &PlanFolds::attentionBias}, {"positions", &PlanFolds::positions},
    {"unreadRows", &PlanFolds::unreadRows},       {"softmaxBound", &PlanFolds::softmaxBound},
    {"sharedFrames", &PlanFolds::sharedFrames},   {"firstLayer", &PlanFolds::firstLayer},
    {"feedForward", &PlanFolds::feedForward},
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

std::vector<std::string> planFoldNames() {
  std::vector<std::string> names;
  for (const NamedFold& fold : kFolds) names.push_back(fold.name);
  return names;
}

bool leaveOutFold(PlanFolds& folds, const std::string& name) {
  for (const NamedFold& fold : kFolds) {
    if (name != fold.name) continue;
    folds.*fold.fold = false;
    return true;
  }
  return false;
}

}  // namespace pstmo::inference
