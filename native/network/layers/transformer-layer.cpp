#include "transformer-layer.h"

namespace pstmo::network {

TransformerLayer::TransformerLayer(Blueprint& blueprint, const tensor_names::Layer& names,
                                   int width, int hidden, int stride)
    : width_(width), hidden_(hidden), heads_(blueprint.config.heads), stride_(stride) {
  Parameters& parameters = blueprint.parameters;
  const auto& [query, key, value] = names.queryKeyValue;
  queryKeyValue_ = parameters.addLinears({query, key, value}, width, width);
  projection_ = parameters.addLinear(names.output, width, width);
  expand_ = parameters.addLinear(names.expand, hidden, width, strided() ? 1 : 0);
  contract_ = parameters.addLinear(names.contract, width, hidden, strided() ? 3 : 0);
  attentionNorm_ = parameters.addLayerNorm(names.attentionNorm, width);
  feedForwardNorm_ = parameters.addLayerNorm(names.feedForwardNorm, width);
  weightsSite_ = blueprint.nextSite();
  attentionSite_ = blueprint.nextSite();
  hiddenSite_ = blueprint.nextSite();
  feedForwardSite_ = blueprint.nextSite();
}

float* TransformerLayer::forward(const Pass& pass, float* x, int batch, int tokens) {
  batch_ = batch;
  tokens_ = tokens;
  rows_ = batch * tokens;
  float* middle = pass.training ? pass.take(rows_, width_) : x;
  float* y = pass.training || strided() ? pass.take(batch * tokensAfter(tokens), width_) : x;
  const EvaluationScope scratch(pass);
  input_ = x;
  middle_ = middle;
  attend(pass, x, middle);
  feedForward(pass, middle, y);
  return y;
}

void TransformerLayer::attend(const Pass& pass, const float* x, float* y) {
  const EvaluationScope scratch(pass);
  normed_[0] = pass.takeNarrow(rows_, width_);
  mean_[0] = pass.take(rows_, 1);
  std_[0] = pass.take(rows_, 1);
  queryKeyValues_ = pass.takeNarrow(rows_, 3 * width_);
  attended_ = pass.takeNarrow(rows_, width_);
  logSumExp_ = pass.take(rows_, heads_);
  pass.run(LayerNormForward{rows_, width_, x, attentionNorm_.a.value(), attentionNorm_.b.value(),
                            normed_[0], mean_[0], std_[0]});
  pass.run(LinearForward{rows_, width_, 3 * width_, normed_[0], queryKeyValue_.weight.value(),
                         queryKeyValue_.bias.value(), queryKeyValues_});
  watch(pass);
  pass.run(AttentionForward{batch_, tokens_, width_, heads_, queryKeyValues_, attended_, logSumExp_,
                            pass.dropout(weightsSite_)});
  pass.run(LinearForward{rows_, width_, width_, attended_, projection_.weight.value(),
                         projection_.bias.value(), y, x, false, pass.dropout(attentionSite_)});
}

void TransformerLayer::feedForward(const Pass& pass, const float* x, float* y) {
  const EvaluationScope scratch(pass);
  normed_[1] = pass.takeNarrow(rows_, width_);
  mean_[1] = pass.take(rows_, 1);
  std_[1] = pass.take(rows_, 1);
  hiddens_ = pass.takeNarrow(rows_, hidden_);
  pass.run(LayerNormForward{rows_, width_, x, feedForwardNorm_.a.value(),
                            feedForwardNorm_.b.value(), normed_[1], mean_[1], std_[1]});
  pass.run(LinearForward{rows_, width_, hidden_, normed_[1], expand_.weight.value(),
                         expand_.bias.value(), hiddens_, nullptr, true, pass.dropout(hiddenSite_)});
  const float* weight = contract_.weight.value();
  const float* bias = contract_.bias.value();
  const Dropout dropout = pass.dropout(feedForwardSite_);
  if (strided()) {
    pass.run(StridedConvForward{batch_, tokens_, stride_, hidden_, width_, hiddens_, weight, bias,
                                x, y, dropout});
  } else {
    pass.run(LinearForward{rows_, hidden_, width_, hiddens_, weight, bias, y, x, false, dropout});
  }
}

float* TransformerLayer::backward(const Pass& pass, float* dY) {
  float* dX = strided() ? pass.take(rows_, width_) : dY;
  feedForwardBackward(pass, dY, dX);
  attendBackward(pass, dX);
  return dX;
}

// dX is dY itself without convolution: the residual's gradient is there already. With one, dX is
// written, then the residual's added.
void TransformerLayer::feedForwardBackward(const Pass& pass, const float* dY, float* dX) const {
  const ArenaScope scratch(pass.arena);
  const ConstActivations dZ =
      pass.throughDropout(dY, batch_ * tokensAfter(tokens_), width_, feedForwardSite_);
  const Activations dHidden = pass.takeNarrow(rows_, hidden_);
  const Activations dNormed = pass.takeNarrow(rows_, width_);
  const float reluScale = pass.dropout(hiddenSite_).scale();
  const float* weight = contract_.weight.value();
  float* dWeight = contract_.weight.gradient();
  float* dBias = contract_.bias.gradient();
  if (strided()) {
    pass.run(StridedConvBackward{batch_, tokens_, stride_, hidden_, width_, dZ, hiddens_, weight,
                                 dHidden, dWeight, dBias, hiddens_, reluScale});
  } else {
    pass.run(LinearBackward{rows_, hidden_, width_, dZ, hiddens_, weight, dHidden, dWeight, dBias,
                            false, hiddens_, reluScale});
  }
  pass.run(LinearBackward{rows_, width_, hidden_, dHidden, normed_[1], expand_.weight.value(),
                          dNormed, expand_.weight.gradient(), expand_.bias.gradient()});
  pass.run(LayerNormBackward{rows_, width_, dNormed, middle_, feedForwardNorm_.a.value(), mean_[1],
                             std_[1], dX, feedForwardNorm_.a.gradient(),
                             feedForwardNorm_.b.gradient(), !strided()});
  if (strided()) pass.run(StridedResidualBackward{batch_, tokens_, stride_, width_, dY, dX});
}

void TransformerLayer::attendBackward(const Pass& pass, float* dX) const {
  const ArenaScope scratch(pass.arena);
  const ConstActivations dZ = pass.throughDropout(dX, rows_, width_, attentionSite_);
  const Activations dAttended = pass.takeNarrow(rows_, width_);
  const Activations dQueryKeyValues = pass.takeNarrow(rows_, 3 * width_);
  pass.run(LinearBackward{rows_, width_, width_, dZ, attended_, projection_.weight.value(),
                          dAttended, projection_.weight.gradient(), projection_.bias.gradient()});
  pass.run(AttentionBackward{batch_, tokens_, width_, heads_, queryKeyValues_, attended_,
                             logSumExp_, dAttended, dQueryKeyValues, pass.dropout(weightsSite_)});
  const Activations dNormed = dAttended;  // read for the last time by attention
  pass.run(LinearBackward{rows_, width_, 3 * width_, dQueryKeyValues, normed_[0],
                          queryKeyValue_.weight.value(), dNormed, queryKeyValue_.weight.gradient(),
                          queryKeyValue_.bias.gradient()});
  pass.run(LayerNormBackward{rows_, width_, dNormed, input_, attentionNorm_.a.value(), mean_[0],
                             std_[0], dX, attentionNorm_.a.gradient(), attentionNorm_.b.gradient(),
                             true});
}

void TransformerLayer::watch(const Pass& pass) const {
  if (pass.watch == nullptr || pass.watch->layer != this) return;
  const ArenaScope scratch(pass.arena);
  const size_t count = static_cast<size_t>(rows_) * heads_ * tokens_;
  float* maps = pass.take(count, 1);
  pass.run(AttentionMaps{batch_, tokens_, width_, heads_, queryKeyValues_, maps});
  pass.watch->tokens = tokens_;
  pass.watch->maps.resize(count);
  pass.backend.copyOut(pass.watch->maps.data(), maps, count * sizeof(float));
}

TransformerStack::TransformerStack(Blueprint& blueprint, const std::string& stack, int layers,
                                   int width, int hidden) {
  for (int i = 0; i < layers; ++i) {
    layers_.emplace_back(blueprint, tensor_names::layer(stack, static_cast<size_t>(i)), width,
                         hidden);
  }
  blueprint.parameters.addUnusedLayerNorm(tensor_names::unusedNorm(stack), width);
}

float* TransformerStack::forward(const Pass& pass, float* x, int batch, int tokens) {
  for (TransformerLayer& layer : layers_) x = layer.forward(pass, x, batch, tokens);
  return x;
}

float* TransformerStack::backward(const Pass& pass, float* dY) {
  for (size_t i = layers_.size(); i-- > 0;) dY = layers_[i].backward(pass, dY);
  return dY;
}

}  // namespace pstmo::network
