// The names of tensors, as in the published checkpoints without "module.". The network registers
// its parameters under them, the compiled lifter reads its weights by them.
#pragma once

#include <array>
#include <string>

namespace pstmo::tensor_names {

// Of a layer: its weight and bias; of a batch norm also the running statistics.
inline std::string weight(const std::string& layer) { return layer + ".weight"; }
inline std::string bias(const std::string& layer) { return layer + ".bias"; }
inline std::string runningMean(const std::string& norm) { return norm + ".running_mean"; }
inline std::string runningVariance(const std::string& norm) { return norm + ".running_var"; }
// Of a layer norm: y = a xhat + b.
inline std::string layerNormA(const std::string& norm) { return norm + ".a_2"; }
inline std::string layerNormB(const std::string& norm) { return norm + ".b_2"; }

// The spatial encoder of each backbone.
struct Block {
  std::string linear, batchNorm;
};
// MLP: block 0 reads the keypoints, blocks 1 and 2 are the first residual block's, and so on.
inline Block mlpBlock(size_t index) {
  if (index == 0) return {"encoder.fc_1", "encoder.bn_1"};
  const std::string residual = "encoder.layers." + std::to_string((index - 1) / 2),
                    half = index % 2 == 1 ? "1" : "2";
  return {residual + ".w" + half, residual + ".batch_norm" + half};
}
constexpr const char* kMlpProjection = "encoder.fc_2";
constexpr const char* kLinearEncoder = "encoder.fc";
constexpr const char* kJointEmbedding = "encoder.joint_embedding";
constexpr const char* kJointPositions = "encoder.pos_embedding";

// Stacks of Transformer layers.
constexpr const char* kJointStack = "encoder.model";
constexpr const char* kTemporalStack = "Transformer.model";
constexpr const char* kAggregatorStack = "Transformer_reduce.model";
constexpr const char* kDecoderStack = "Transformer_dec.model";

struct Layer {
  std::array<std::string, 3> queryKeyValue;
  std::string output, expand, contract;
  std::string attentionNorm, feedForwardNorm;
};
inline Layer layer(const std::string& stack, size_t index) {
  const std::string name = stack + ".layers." + std::to_string(index),
                    attention = name + ".self_attn.linears.";
  return {{attention + "0", attention + "1", attention + "2"},
          attention + "3",
          name + ".feed_forward.w_1",
          name + ".feed_forward.w_2",
          name + ".sublayer.0.norm",
          name + ".sublayer.1.norm"};
}
// Stands after each stack, and is never applied.
inline std::string unusedNorm(const std::string& stack) { return stack + ".norm"; }

constexpr const char* kTemporalPositions = "Transformer.pos_embedding";
inline std::string aggregatorPositions(size_t index) {
  return std::string(kAggregatorStack) + ".pos_embedding_" + std::to_string(index + 1);
}

// Heads: of the middle frame, of every frame, of Stage I.
constexpr const char* kSingleHead = "fcn";
constexpr const char* kMultipleHead = "fcn_1";
constexpr const char* kReconstructionHead = "fcn_dec";
inline Block head(const std::string& name) { return {name + ".1", name + ".0"}; }

// Stage I: the norm and projection into the decoder, its positions, the learned tokens.
constexpr const char* kDecoderNorm = "encoder_LN";
constexpr const char* kDecoderProjection = "encoder_to_decoder";
constexpr const char* kDecoderPositions = "dec_pos_embedding";
constexpr const char* kFrameToken = "mask_token";
constexpr const char* kJointToken = "spatial_mask_token";

// The refining module.
constexpr const char* kRefineExpand = "post_refine.0";
constexpr const char* kRefineScore = "post_refine.3";

}  // namespace pstmo::tensor_names
