#include "fold.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "../core/constants.h"

namespace pstmo::inference {
namespace {

// The sum of count terms, eight at a time: one after the other each would wait for the one before.
template <typename Term>
double sumOf(int count, Term term) {
  double sums[8] = {};
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int lane = 0; lane < 8; ++lane) sums[lane] += term(i + lane);
  }
  for (; i < count; ++i) sums[0] += term(i);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

// bias += weight v.
void addMatvec(FoldedLinear& linear, const std::vector<float>& v) {
  for (int o = 0; o < linear.out; ++o) {
    const float* row = linear.weight.data() + static_cast<size_t>(o) * linear.in;
    linear.bias[o] = static_cast<float>(linear.bias[o] + sumOf(linear.in, [&](int i) {
                                          return static_cast<double>(row[i]) * v[i];
                                        }));
  }
}

void scaleColumns(FoldedLinear& linear, const std::vector<float>& factor) {
  for (int o = 0; o < linear.out; ++o) {
    float* row = linear.weight.data() + static_cast<size_t>(o) * linear.in;
    for (int i = 0; i < linear.in; ++i) row[i] *= factor[i];
  }
}

}  // namespace

ChannelAffine channelAffine(const std::vector<float>& gamma, const std::vector<float>& beta,
                            const std::vector<float>& mean, const std::vector<float>& variance) {
  ChannelAffine affine;
  for (size_t c = 0; c < gamma.size(); ++c) {
    const double scale = gamma[c] / std::sqrt(variance[c] + kBatchNormEpsilon);
    affine.scale.push_back(static_cast<float>(scale));
    affine.shift.push_back(static_cast<float>(beta[c] - mean[c] * scale));
  }
  return affine;
}

void foldNormAfter(FoldedLinear& linear, const ChannelAffine& norm) {
  for (int o = 0; o < linear.out; ++o) {
    float* row = linear.weight.data() + static_cast<size_t>(o) * linear.in;
    for (int i = 0; i < linear.in; ++i) row[i] *= norm.scale[o];
    linear.bias[o] =
        static_cast<float>(static_cast<double>(linear.bias[o]) * norm.scale[o] + norm.shift[o]);
  }
}

void foldNormBefore(FoldedLinear& linear, const ChannelAffine& norm) {
  addMatvec(linear, norm.shift);
  scaleColumns(linear, norm.scale);
}

void foldLayerNorm(FoldedLinear& linear, const std::vector<float>& a, const std::vector<float>& b) {
  addMatvec(linear, b);
  scaleColumns(linear, a);
}

void foldCentring(FoldedLinear& linear) {
  for (int o = 0; o < linear.out; ++o) {
    float* row = linear.weight.data() + static_cast<size_t>(o) * linear.in;
    const double mean =
        sumOf(linear.in, [&](int i) { return static_cast<double>(row[i]); }) / linear.in;
    for (int i = 0; i < linear.in; ++i) row[i] = static_cast<float>(row[i] - mean);
  }
}

void foldScoreScale(FoldedLinear& query, int headWidth) {
  const float scale =
      static_cast<float>(std::numbers::log2e / std::sqrt(static_cast<double>(headWidth)));
  for (float& value : query.weight) value *= scale;
  for (float& value : query.bias) value *= scale;
}

void dropKeyBias(FoldedLinear& key) { std::fill(key.bias.begin(), key.bias.end(), 0.0f); }

void foldValueBias(FoldedLinear& value, FoldedLinear& output) {
  addMatvec(output, value.bias);
  std::fill(value.bias.begin(), value.bias.end(), 0.0f);
}

void foldIntoTable(FoldedLinear& linear, std::vector<float>& table) {
  for (size_t i = 0; i < table.size(); ++i)
    table[i] += linear.bias[i % static_cast<size_t>(linear.out)];
  std::fill(linear.bias.begin(), linear.bias.end(), 0.0f);
}

}  // namespace pstmo::inference
