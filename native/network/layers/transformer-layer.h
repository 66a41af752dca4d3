// A pre-norm Transformer layer: x + dropout(attention(norm(x))), then x +
// dropout(feedForward(norm(x))). Plain, the feed-forward works token by token; strided, its second
// half is a convolution over time (kernel 3) with a stride that the residual follows.
#pragma once

#include <string>
#include <vector>

#include "../pass.h"
#include "../weights/blueprint.h"

namespace pstmo::network {

class TransformerLayer {
 public:
  // stride = 0: plain.
  TransformerLayer(Blueprint& blueprint, const tensor_names::Layer& names, int width, int hidden,
                   int stride = 0);

  int tokensAfter(int tokens) const {
    return strided() ? (tokens + stride_ - 1) / stride_ : tokens;
  }

  // x (B, tokens, width) to (B, tokensAfter(tokens), width). Training keeps x, which must stay as
  // it is; evaluation may write over it.
  float* forward(const Pass& pass, float* x, int batch, int tokens);
  // dY to dX, which for a plain layer is dY itself.
  float* backward(const Pass& pass, float* dY);

 private:
  bool strided() const { return stride_ > 0; }
  void attend(const Pass& pass, const float* x, float* y);
  void feedForward(const Pass& pass, const float* x, float* y);
  void attendBackward(const Pass& pass, float* dX) const;
  void feedForwardBackward(const Pass& pass, const float* dY, float* dX) const;
  void watch(const Pass& pass) const;

  int width_, hidden_, heads_, stride_;
  LinearParameters queryKeyValue_, projection_, expand_, contract_;
  LayerNormParameters attentionNorm_, feedForwardNorm_;
  uint32_t weightsSite_, attentionSite_, hiddenSite_, feedForwardSite_;

  // Of the last forward.
  int batch_ = 0, tokens_ = 0, rows_ = 0;
  const float* input_ = nullptr;
  const float* middle_ = nullptr;  // between attention and feed-forward
  Activations normed_[2] = {};
  float* mean_[2] = {};
  float* std_[2] = {};
  Activations queryKeyValues_ = {};
  float* logSumExp_ = nullptr;
  Activations attended_ = {};
  Activations hiddens_ = {};
};

// Layers in a row, and the norm after them that is stored and never applied.
class TransformerStack {
 public:
  TransformerStack(Blueprint& blueprint, const std::string& stack, int layers, int width,
                   int hidden);

  float* forward(const Pass& pass, float* x, int batch, int tokens);
  float* backward(const Pass& pass, float* dY);
  const std::vector<TransformerLayer>& layers() const { return layers_; }

 private:
  std::vector<TransformerLayer> layers_;
};

}  // namespace pstmo::network
