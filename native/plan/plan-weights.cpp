#include "plan-weights.h"

#include <algorithm>
#include <cstring>
#include <functional>

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

PlanWeights::PlanWeights(const PlanConfig& c, const PlanFolds& f, Precision p, const PlanKernels& k, ThreadPool& pool, const TensorReader& read)
    : config(c), folds(f), precision(p), kernels(k), headWidth(c.width / c.heads), headPadded(roundUp(headWidth, k.panelColumns)), headPanels(headPadded / k.panelColumns) {
  const FoldedNetwork source(config, folds, bf16(), read);  // bf16 rounds: its rows are centred before
  const int width = config.width, inner = 2 * width;
  blocks.resize(source.blocks());
  layers.resize(static_cast<size_t>(config.layers));
  aggregator.resize(config.strides.size());
  tables.resize(source.tables());

  std::vector<std::function<void()>> jobs;
  for (size_t i = 0; i < blocks.size(); ++i) {
    // Keypoints are read where the caller has them, unpadded, and in fp32: coordinates near 1 would lose a pixel in bf16.
    jobs.push_back([this, &source, inner, i] { blocks[i] = block(source.block(i), i == 0 ? 2 * config.joints : paddedRow(inner), bf16() && i > 0, inner); });
  }
  jobs.push_back([this, &source, width, inner] {
    std::vector<float> table;
    project = linear(source.project(table), paddedRow(inner), bf16());
    positions = padded(table, config.frames, width, paddedRow(width));
  });
  for (size_t i = 0; i < layers.size(); ++i) {
    jobs.push_back([this, &source, i] { layers[i] = layer(source.layer(i)); });
  }
  for (size_t i = 0; i < aggregator.size(); ++i) {
    jobs.push_back([this, &source, i] { aggregator[i] = layer(source.aggregatorLayer(i)); });
  }
  for (size_t i = 0; i < tables.size(); ++i) {
    jobs.push_back([this, &source, width, i] { tables[i] = padded(source.table(i), config.frames, width, paddedRow(width)); });
  }
  jobs.push_back([this, &source, width] { head = block(source.head(), paddedRow(width), false, width); });
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

PlanLinear PlanWeights::block(const FoldedBlock& folded, int inner, bool inBf16, int channels) const {
  PlanLinear result = linear(folded.linear, inner, inBf16);
  if (!folded.norm.scale.empty()) {
    result.normScale = padded(folded.norm.scale, 1, channels, paddedRow(channels));
    result.normShift = padded(folded.norm.shift, 1, channels, paddedRow(channels));
  }
  return result;
}

PlanLayerWeights PlanWeights::layer(const FoldedLayer& folded) const {
  const int width = config.width, taps = folded.stride > 0 ? 3 : 1;
  PlanLayerWeights result;
  result.stride = folded.stride;
  for (int norm = 0; norm < 2; ++norm) {
    if (folds.layerNorm) continue;
    for (int i = 0; i < 2; ++i) result.norms[norm][i] = padded(folded.norms[norm][i], 1, width, paddedRow(width));
  }
  std::vector<FoldedLinear> heads;
  std::vector<float> bias;
  for (int number = 0; number < config.heads; ++number) {
    for (const FoldedLinear& part : folded.parts) {
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
  result.output = linear(folded.output, paddedRow(width), bf16());
  result.expand = linear(folded.expand, paddedRow(width), bf16());
  result.contract = linear(folded.contract, taps * paddedRow(config.hidden), bf16(), taps);
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
