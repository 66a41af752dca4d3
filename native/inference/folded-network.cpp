#include "folded-network.h"

namespace pstmo::inference {

FoldedBlock FoldedNetwork::block(size_t index) const {
  const int inner = 2 * config_.width;
  const auto [name, norm] = tensor_names::mlpBlock(index);
  FoldedBlock result{linear(name, inner, index == 0 ? 2 * config_.joints : inner), batchNorm(norm)};
  if (folds_.batchNorm) {
    foldNormAfter(result.linear, result.norm);
    result.norm = {};
  }
  return result;
}

FoldedLinear FoldedNetwork::project(std::vector<float>& positions) const {
  FoldedLinear result = linear(tensor_names::kMlpProjection, config_.width, 2 * config_.width);
  positions = tensor(tensor_names::kTemporalPositions);
  if (folds_.positions) foldIntoTable(result, positions);
  return result;
}

FoldedBlock FoldedNetwork::head() const {
  const auto [name, norm] = tensor_names::head(tensor_names::kSingleHead);
  FoldedBlock result{linear(name, 3 * config_.outputJoints, config_.width), batchNorm(norm)};
  if (folds_.batchNorm) {
    foldNormBefore(result.linear, result.norm);
    result.norm = {};
  }
  return result;
}

FoldedLayer FoldedNetwork::layer(const tensor_names::Layer& names, int stride) const {
  const int width = config_.width, hidden = config_.hidden, taps = stride > 0 ? 3 : 1;
  FoldedLayer result;
  result.stride = stride;
  for (size_t part = 0; part < 3; ++part)
    result.parts[part] = linear(names.queryKeyValue[part], width, width);
  result.output = linear(names.output, width, width);
  result.expand = linear(names.expand, hidden, width);
  result.contract = linear(names.contract, width, hidden * taps);
  const std::vector<FoldedLinear*> after[2] = {
      {&result.parts[0], &result.parts[1], &result.parts[2]}, {&result.expand}};
  for (int norm = 0; norm < 2; ++norm) {
    const std::string& name = norm == 0 ? names.attentionNorm : names.feedForwardNorm;
    std::vector<float> a = tensor(tensor_names::layerNormA(name)),
                       b = tensor(tensor_names::layerNormB(name));
    for (FoldedLinear* linear : after[norm]) {
      if (!folds_.layerNorm) continue;
      foldLayerNorm(*linear, a, b);
      if (!centred_) foldCentring(*linear);
    }
    if (!folds_.layerNorm) {
      result.norms[norm][0] = std::move(a);
      result.norms[norm][1] = std::move(b);
    }
  }
  foldScoreScale(result.parts[0], width / config_.heads);
  if (folds_.attentionBias) {
    dropKeyBias(result.parts[1]);
    foldValueBias(result.parts[2], result.output);
  }
  return result;
}

}  // namespace pstmo::inference
