#include "plan-weights.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <mutex>

namespace pstmo {
namespace {

// Round to nearest, ties to even.
Bf16 roundToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<Bf16>((bits >> 16) | 0x40);
  return static_cast<Bf16>((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

}  // namespace

// Tensors by name, one at a time: who asks for them runs on several threads.
struct PlanWeights::Source {
  const TensorReader& read;
  mutable std::mutex mutex;

  explicit Source(const TensorReader& reader) : read(reader) {}
  std::vector<float> tensor(const std::string& name) const {
    const std::lock_guard lock(mutex);
    return read(name);
  }
  FoldedLinear linear(const std::string& name, int out, int in) const { return {out, in, tensor(name + ".weight"), tensor(name + ".bias")}; }
  ChannelAffine batchNorm(const std::string& name) const {
    return channelAffine(tensor(name + ".weight"), tensor(name + ".bias"), tensor(name + ".running_mean"), tensor(name + ".running_var"));
  }
};

PlanWeights::PlanWeights(const PlanConfig& c, const PlanFolds& f, Precision p, const PlanKernels& k, ThreadPool& pool, const TensorReader& read)
    : config(c), folds(f), precision(p), kernels(k), headWidth(c.width / c.heads), headPadded(roundUp(headWidth, k.panelColumns)), headPanels(headPadded / k.panelColumns) {
  const Source source(read);
  const int width = config.width, inner = 2 * width;
  blocks.resize(static_cast<size_t>(1 + 2 * config.mlpBlocks));
  layers.resize(static_cast<size_t>(config.layers));
  aggregator.resize(config.strides.size());
  tables.resize(std::min<size_t>(3, config.strides.size()));

  std::vector<std::function<void()>> jobs;
  for (size_t i = 0; i < blocks.size(); ++i) {
    jobs.push_back([this, &source, inner, i] {
      std::string name = "encoder.fc_1", norm = "encoder.bn_1";
      if (i > 0) {
        const std::string block = "encoder.layers." + std::to_string((i - 1) / 2), half = i % 2 == 1 ? "1" : "2";
        name = block + ".w" + half;
        norm = block + ".batch_norm" + half;
      }
      FoldedLinear folded = source.linear(name, inner, i == 0 ? 2 * config.joints : inner);
      const ChannelAffine affine = source.batchNorm(norm);
      if (folds.batchNorm) foldNormAfter(folded, affine);
      // Keypoints are read where the caller has them, unpadded, and in fp32: coordinates near 1 would lose a pixel in bf16.
      blocks[i] = linear(folded, i == 0 ? 2 * config.joints : paddedRow(inner), bf16() && i > 0);
      if (!folds.batchNorm) addNorm(blocks[i], affine, inner);
    });
  }
  jobs.push_back([this, &source, width, inner] {
    FoldedLinear folded = source.linear("encoder.fc_2", width, inner);
    std::vector<float> table = source.tensor("Transformer.pos_embedding");
    if (folds.positions) foldIntoTable(folded, table);
    project = linear(folded, paddedRow(inner), bf16());
    positions = padded(table, config.frames, width, paddedRow(width));
  });
  for (size_t i = 0; i < layers.size(); ++i) {
    jobs.push_back([this, &source, i] { layers[i] = layer(source, "Transformer.model.layers." + std::to_string(i), 0); });
  }
  for (size_t i = 0; i < aggregator.size(); ++i) {
    jobs.push_back([this, &source, i] { aggregator[i] = layer(source, "Transformer_reduce.model.layers." + std::to_string(i), config.strides[i]); });
  }
  for (size_t i = 0; i < tables.size(); ++i) {
    jobs.push_back([this, &source, width, i] {
      tables[i] = padded(source.tensor("Transformer_reduce.model.pos_embedding_" + std::to_string(i + 1)), config.frames, width, paddedRow(width));
    });
  }
  jobs.push_back([this, &source, width] {
    FoldedLinear folded = source.linear("fcn.1", 3 * config.outputJoints, width);
    const ChannelAffine affine = source.batchNorm("fcn.0");
    if (folds.batchNorm) foldNormBefore(folded, affine);
    head = linear(folded, paddedRow(width), false);
    if (!folds.batchNorm) addNorm(head, affine, width);
  });
  pool.run(static_cast<int>(jobs.size()), [&](int item, int) { jobs[static_cast<size_t>(item)](); });
  countBytes();
}

// Panels of the parts' columns, each part starting on a new panel. taps: the weight is (out, in, taps) and rows are (taps, padded in).
PlanPanels PlanWeights::pack(const std::vector<const FoldedLinear*>& parts, int inner, bool inBf16, int taps) const {
  const int columns = kernels.panelColumns;
  PlanPanels panels;
  panels.inner = inner;
  panels.bf16 = inBf16;
  panels.panelBytes = static_cast<size_t>(inner) * static_cast<size_t>(columns) * (inBf16 ? sizeof(Bf16) : sizeof(float));
  for (const FoldedLinear* part : parts) panels.count += (part->out + columns - 1) / columns;
  const size_t bytes = panels.panelBytes * static_cast<size_t>(panels.count);
  panels.data.reserve(bytes);
  std::memset(panels.data.data(), 0, bytes);
  char* panel = panels.data.data();
  for (const FoldedLinear* part : parts) {
    const int rowOfTap = inner / taps;
    for (int first = 0; first < part->out; first += columns) {
      const int count = std::min(columns, part->out - first);
      // Sixteen rows of the panel at a time: their cache lines stay near while every column writes into them.
      for (int block = 0; block < part->in; block += 16) {
        for (int column = 0; column < count; ++column) {
          const float* from = part->weight.data() + static_cast<size_t>(first + column) * part->in;
          for (int i = block; i < std::min(part->in, block + 16); ++i) {
            const size_t row = static_cast<size_t>(taps == 1 ? i : i % taps * rowOfTap + i / taps);
            if (inBf16) {
              reinterpret_cast<Bf16*>(panel)[(row / 2 * static_cast<size_t>(columns) + static_cast<size_t>(column)) * 2 + row % 2] = roundToBf16(from[i]);
            } else {
              reinterpret_cast<float*>(panel)[row * static_cast<size_t>(columns) + static_cast<size_t>(column)] = from[i];
            }
          }
        }
      }
      panel += panels.panelBytes;
    }
  }
  return panels;
}

AlignedArray<float> PlanWeights::padded(const std::vector<float>& values, int rows, int columns, int stride) const {
  AlignedArray<float> array(static_cast<size_t>(rows) * static_cast<size_t>(stride));
  std::fill(array.data(), array.data() + array.count(), 0.0f);
  for (int row = 0; row < rows; ++row) std::copy_n(values.data() + static_cast<size_t>(row) * columns, columns, array.data() + static_cast<size_t>(row) * stride);
  return array;
}

PlanLinear PlanWeights::linear(const FoldedLinear& folded, int inner, bool inBf16, int taps) const {
  PlanLinear result;
  result.panels = pack({&folded}, inner, inBf16, taps);
  result.bias = padded(folded.bias, 1, folded.out, paddedRow(folded.out));
  return result;
}

void PlanWeights::addNorm(PlanLinear& linear, const ChannelAffine& norm, int channels) const {
  linear.normScale = padded(norm.scale, 1, channels, paddedRow(channels));
  linear.normShift = padded(norm.shift, 1, channels, paddedRow(channels));
}

PlanLayerWeights PlanWeights::layer(const Source& source, const std::string& name, int stride) const {
  const int width = config.width, hidden = config.hidden, taps = stride > 0 ? 3 : 1;
  PlanLayerWeights result;
  result.stride = stride;
  const std::string attention = name + ".self_attn.linears.", feedForward = name + ".feed_forward.w_";
  FoldedLinear parts[3];
  for (int part = 0; part < 3; ++part) parts[part] = source.linear(attention + std::to_string(part), width, width);
  FoldedLinear output = source.linear(attention + "3", width, width), expand = source.linear(feedForward + "1", hidden, width);
  FoldedLinear contract = source.linear(feedForward + "2", width, hidden * taps);
  const std::vector<FoldedLinear*> after[2] = {{&parts[0], &parts[1], &parts[2]}, {&expand}};
  for (int norm = 0; norm < 2; ++norm) {
    const std::string sublayer = name + ".sublayer." + std::to_string(norm) + ".norm.";
    const std::vector<float> a = source.tensor(sublayer + "a_2"), b = source.tensor(sublayer + "b_2");
    for (FoldedLinear* linear : after[norm]) {
      if (!folds.layerNorm) continue;
      foldLayerNorm(*linear, a, b);
      if (!bf16()) foldCentring(*linear);  // bf16 rounds: its rows are centred before
    }
    if (!folds.layerNorm) {
      result.norms[norm][0] = padded(a, 1, width, paddedRow(width));
      result.norms[norm][1] = padded(b, 1, width, paddedRow(width));
    }
  }
  foldScoreScale(parts[0], headWidth);
  if (folds.attentionBias) {
    dropKeyBias(parts[1]);
    foldValueBias(parts[2], output);
  }
  std::vector<FoldedLinear> heads;
  std::vector<float> bias;
  for (int number = 0; number < config.heads; ++number) {
    for (const FoldedLinear& part : parts) {
      const size_t first = static_cast<size_t>(number) * headWidth;
      FoldedLinear own{headWidth, width, {}, {}};
      own.weight.assign(part.weight.begin() + static_cast<ptrdiff_t>(first) * width, part.weight.begin() + static_cast<ptrdiff_t>(first + headWidth) * width);
      bias.insert(bias.end(), part.bias.begin() + static_cast<ptrdiff_t>(first), part.bias.begin() + static_cast<ptrdiff_t>(first) + headWidth);
      heads.push_back(std::move(own));
    }
  }
  std::vector<const FoldedLinear*> pointers;
  for (const FoldedLinear& part : heads) pointers.push_back(&part);
  result.heads = pack(pointers, paddedRow(width), bf16());
  result.headBias = padded(bias, config.heads * 3, headWidth, headPadded);
  result.output = linear(output, paddedRow(width), bf16());
  result.expand = linear(expand, paddedRow(width), bf16());
  result.contract = linear(contract, taps * paddedRow(hidden), bf16(), taps);
  return result;
}

void PlanWeights::countBytes() {
  bytes_ = positions.bytes();
  const auto add = [this](const PlanLinear& linear) { bytes_ += linear.panels.data.bytes() + linear.bias.bytes(); };
  for (const PlanLinear& block : blocks) add(block);
  add(project);
  add(head);
  for (const auto& table : tables) bytes_ += table.bytes();
  for (const auto* stack : {&layers, &aggregator}) {
    for (const PlanLayerWeights& layer : *stack) {
      bytes_ += layer.heads.data.bytes();
      add(layer.output);
      add(layer.expand);
      add(layer.contract);
    }
  }
}

}  // namespace pstmo
