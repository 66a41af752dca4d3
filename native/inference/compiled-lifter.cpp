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
