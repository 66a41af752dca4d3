#include "folded-network.h"

namespace pstmo::inference {

FoldedLinear FoldedNetwork::block(size_t index) const {
  const int inner = 2 * config_.width;
  const auto [name, norm] = tensor_names::mlpBlock(index);
  FoldedLinear result = linear(name, inner, index == 0 ? 2 * config_.joints : inner);
  foldNormAfter(result, batchNorm(norm));
  return result;
}

FoldedLinear FoldedNetwork::project(std::vector<float>& positions) const {
  FoldedLinear result = linear(tensor_names::kMlpProjection, config_.width, 2 * config_.width);
  positions = tensor(tensor_names::kTemporalPositions);
  foldIntoTable(result, positions);
  return result;
}

FoldedLinear FoldedNetwork::head() const {
  const auto [name, norm] = tensor_names::head(tensor_names::kSingleHead);
  FoldedLinear result = linear(name, 3 * config_.outputJoints, config_.width);
  foldNormBefore(result, batchNorm(norm));
  return result;
}

void FoldedNetwork::foldNorm(const std::string& name, FoldedLinear& linear) const {
  foldLayerNorm(linear, tensor(tensor_names::layerNormA(name)),
                tensor(tensor_names::layerNormB(name)));
  if (!centred_) foldCentring(linear);
}

FoldedLayer FoldedNetwork::layer(const tensor_names::Layer& names, int stride) const {
  const int width = config_.width, hidden = config_.hidden, taps = stride > 0 ? 3 : 1;
  FoldedLayer result;
  result.stride = stride;
  for (size_t part = 0; part < 3; ++part) {
    result.parts[part] = linear(names.queryKeyValue[part], width, width);
    foldNorm(names.attentionNorm, result.parts[part]);
  }
  result.output = linear(names.output, width, width);
  result.expand = linear(names.expand, hidden, width);
  foldNorm(names.feedForwardNorm, result.expand);
  result.contract = linear(names.contract, width, hidden * taps);
  foldScoreScale(result.parts[0], width / config_.heads);
  dropKeyBias(result.parts[1]);
  foldValueBias(result.parts[2], result.output);
  return result;
}

}  // namespace pstmo::inference
