// The folds: each moves a constant of inference into the weights of a matmul, once, in double
// precision.
#pragma once

#include <cstddef>
#include <vector>

namespace pstmo::inference {

// y = weight x + bias.
struct FoldedLinear {
  int out = 0, in = 0;
  std::vector<float> weight;  // (out, in)
  std::vector<float> bias;    // (out)
};

// Batch norm with running statistics as one factor and one addend a channel.
struct ChannelAffine {
  std::vector<float> scale, shift;
};
ChannelAffine channelAffine(const std::vector<float>& gamma, const std::vector<float>& beta,
                            const std::vector<float>& mean, const std::vector<float>& variance);

// norm(weight x + bias) as one matmul.
void foldNormAfter(FoldedLinear& linear, const ChannelAffine& norm);
// weight norm(x) + bias as one matmul.
void foldNormBefore(FoldedLinear& linear, const ChannelAffine& norm);
// weight (a xhat + b) + bias as a matmul on xhat.
void foldLayerNorm(FoldedLinear& linear, const std::vector<float>& a, const std::vector<float>& b);
// weight (x - mean(x)) as a matmul on x: each row of the weight loses its mean.
void foldCentring(FoldedLinear& linear);
// 1 / sqrt(head width) for the scores, and log2(e) so that the softmax takes powers of two.
void foldScoreScale(FoldedLinear& query, int headWidth);
// A key bias adds the same to all scores of a query, which the softmax does not see.
void dropKeyBias(FoldedLinear& key);
// Softmax weights add up to one, so a value bias reaches the output whole.
void foldValueBias(FoldedLinear& value, FoldedLinear& output);
// The bias of a linear whose output positions are added to, into each row of their table (rows,
// linear.out).
void foldIntoTable(FoldedLinear& linear, std::vector<float>& table);

}  // namespace pstmo::inference
