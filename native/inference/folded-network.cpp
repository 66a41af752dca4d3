#include "folded-network.h"

namespace pstmo::inference {

FoldedBlock FoldedNetwork::block(size_t index) const {
  const int inner = 2 * config_.width;
  std::string name = "encoder.fc_1", norm = "encoder.bn_1";
  if (index > 0) {
    const std::string block = "encoder.layers." + std::to_string((index - 1) / 2),
                      half = index % 2 == 1 ? "1" : "2";
    name = block + ".w" + half;
    norm = block + ".batch_norm" + half;
  }
  FoldedBlock result{linear(name, inner, index == 0 ? 2 * config_.joints : inner), batchNorm(norm)};
  if (folds_.batchNorm) {
    foldNormAfter(result.linear, result.norm);
    result.norm = {};
  }
  return result;
}

FoldedLinear FoldedNetwork::project(std::vector<float>& positions) const {
  FoldedLinear result = linear("encoder.fc_2", config_.width, 2 * config_.width);
  positions = tensor("Transformer.pos_embedding");
  if (folds_.positions) foldIntoTable(result, positions);
  return result;
}

FoldedBlock FoldedNetwork::head() const {
  FoldedBlock result{linear("fcn.1", 3 * config_.outputJoints, config_.width), batchNorm("fcn.0")};
  if (folds_.batchNorm) {
    foldNormBefore(result.linear, result.norm);
    result.norm = {};
  }
  return result;
}

FoldedLayer FoldedNetwork::layer(const std::string& name, int stride) const {
  const int width = config_.width, hidden = config_.hidden, taps = stride > 0 ? 3 : 1;
  FoldedLayer result;
  result.stride = stride;
  const std::string attention = name + ".self_attn.linears.",
                    feedForward = name + ".feed_forward.w_";
  for (int part = 0; part < 3; ++part)
    result.parts[part] = linear(attention + std::to_string(part), width, width);
  result.output = linear(attention + "3", width, width);
  result.expand = linear(feedForward + "1", hidden, width);
  result.contract = linear(feedForward + "2", width, hidden * taps);
  const std::vector<FoldedLinear*> after[2] = {
      {&result.parts[0], &result.parts[1], &result.parts[2]}, {&result.expand}};
  for (int norm = 0; norm < 2; ++norm) {
    const std::string sublayer = name + ".sublayer." + std::to_string(norm) + ".norm.";
    std::vector<float> a = tensor(sublayer + "a_2"), b = tensor(sublayer + "b_2");
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
