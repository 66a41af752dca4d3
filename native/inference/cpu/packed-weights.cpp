#include "packed-weights.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace pstmo::inference {
namespace {

// Round to nearest, ties to even.
Bf16 roundToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<Bf16>((bits >> 16) | 0x40);
  return static_cast<Bf16>((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

void store(float value, float& to) { to = value; }
void store(float value, Bf16& to) { to = roundToBf16(value); }

// cell(row, column) = from[column * stride + row * step]. Sixteen rows of the panel at a time:
// their cache lines stay near while every column writes into them.
template <typename Cell>
void packPanel(const float* from, int stride, int step, int columns, int rows, Cell cell) {
  for (int block = 0; block < rows; block += 16) {
    const int end = std::min(rows, block + 16);
    for (int column = 0; column < columns; ++column) {
      const float* own = from + static_cast<ptrdiff_t>(column) * stride;
      for (int row = block; row < end; ++row)
        store(own[static_cast<ptrdiff_t>(row) * step], cell(row, column));
    }
  }
}

}  // namespace

PackedWeights::PackedWeights(const NetworkConfig& c, Precision p, const Kernels& k,
                             ThreadPool& pool, const TensorReader& read)
    : config(c),
      precision(p),
      kernels(k),
      headWidth(c.width / c.heads),
      headPadded(roundUp(headWidth, k.panelColumns)),
      headPanels(headPadded / k.panelColumns) {
  const FoldedNetwork source(config, bf16(),
                             read);  // bf16 rounds: its rows are centred before
  const int width = config.width, inner = 2 * width;
  blocks.resize(source.blocks());
  layers.resize(static_cast<size_t>(config.layers));
  aggregator.resize(source.aggregatorLayers());
  tables.resize(source.tables());

  std::vector<std::function<void()>> jobs;
  for (size_t i = 0; i < blocks.size(); ++i) {
    // Keypoints are read where the caller has them, unpadded, and in fp32: coordinates near 1 would
    // lose a pixel in bf16.
    jobs.push_back([this, &source, inner, i] {
      blocks[i] =
          linear(source.block(i), i == 0 ? 2 * config.joints : paddedRow(inner), bf16() && i > 0);
    });
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
    jobs.push_back([this, &source, width, i] {
      tables[i] = padded(source.table(i), config.frames, width, paddedRow(width));
    });
  }
  jobs.push_back([this, &source, width] { head = linear(source.head(), paddedRow(width), false); });
  pool.run(static_cast<int>(jobs.size()),
           [&](int item, int) { jobs[static_cast<size_t>(item)](); });
  countBytes();
}

// Panels of the parts' columns, each part starting on a new panel. taps: the weight is (out, in,
// taps) and rows are (taps, padded in).
PackedMatrix PackedWeights::pack(const std::vector<Part>& parts, int inner, bool inBf16, int taps) {
  const int columns = kernels.panelColumns;
  PackedMatrix panels;
  panels.inner = inner;
  panels.bf16 = inBf16;
  panels.panelBytes = static_cast<size_t>(inner) * static_cast<size_t>(columns) *
                      (inBf16 ? sizeof(Bf16) : sizeof(float));
  for (const Part& part : parts) panels.count += (part.out + columns - 1) / columns;
  char* panel = panels.data.reserve(panels.panelBytes * static_cast<size_t>(panels.count), &arena_);
  for (const Part& part : parts) {
    const int tapRows = inner / taps, ownRows = part.in / taps;
    for (int first = 0; first < part.out; first += columns) {
      const int count = std::min(columns, part.out - first);
      if (count < columns || ownRows < tapRows) std::memset(panel, 0, panels.panelBytes);
      for (int tap = 0; tap < taps; ++tap) {
        const float* from = part.weight + static_cast<ptrdiff_t>(first) * part.in + tap;
        if (inBf16) {
          packPanel(from, part.in, taps, count, ownRows, [&](int row, int column) -> Bf16& {
            const int at = tap * tapRows + row;
            return reinterpret_cast<Bf16*>(panel)[(at / 2 * columns + column) * 2 + at % 2];
          });
        } else {
          packPanel(from, part.in, taps, count, ownRows, [&](int row, int column) -> float& {
            return reinterpret_cast<float*>(panel)[(tap * tapRows + row) * columns + column];
          });
        }
      }
      panel += panels.panelBytes;
    }
  }
  return panels;
}

AlignedArray<float> PackedWeights::padded(const std::vector<float>& values, int rows, int columns,
                                          int stride) const {
  AlignedArray<float> array(static_cast<size_t>(rows) * static_cast<size_t>(stride));
  std::fill(array.data(), array.data() + array.count(), 0.0f);
  for (int row = 0; row < rows; ++row)
    std::copy_n(values.data() + static_cast<size_t>(row) * columns, columns,
                array.data() + static_cast<size_t>(row) * stride);
  return array;
}

PackedLinear PackedWeights::linear(const FoldedLinear& folded, int inner, bool inBf16, int taps) {
  PackedLinear result;
  result.panels = pack({{folded.weight.data(), folded.out, folded.in}}, inner, inBf16, taps);
  result.bias = padded(folded.bias, 1, folded.out, paddedRow(folded.out));
  return result;
}

PackedLayer PackedWeights::layer(const FoldedLayer& folded) {
  const int width = config.width, taps = folded.stride > 0 ? 3 : 1;
  PackedLayer result;
  result.stride = folded.stride;
  std::vector<Part> heads;
  std::vector<float> bias;
  for (int number = 0; number < config.heads; ++number) {
    for (const FoldedLinear& part : folded.parts) {
      const ptrdiff_t first = static_cast<ptrdiff_t>(number) * headWidth;
      heads.push_back({part.weight.data() + first * width, headWidth, width});
      bias.insert(bias.end(), part.bias.begin() + first, part.bias.begin() + first + headWidth);
    }
  }
  result.heads = pack(heads, paddedRow(width), bf16());
  result.headBias = padded(bias, config.heads * 3, headWidth, headPadded);
  result.output = linear(folded.output, paddedRow(width), bf16());
  result.expand = linear(folded.expand, paddedRow(width), bf16());
  result.contract = linear(folded.contract, taps * paddedRow(config.hidden), bf16(), taps);
  return result;
}

void PackedWeights::countBytes() {
  bytes_ = positions.bytes();
  const auto add = [this](const PackedLinear& linear) {
    bytes_ += linear.panels.data.bytes() + linear.bias.bytes();
  };
  for (const PackedLinear& block : blocks) add(block);
  add(project);
  add(head);
  for (const auto& table : tables) bytes_ += table.bytes();
  for (const auto* stack : {&layers, &aggregator}) {
    for (const PackedLayer& layer : *stack) {
      bytes_ += layer.heads.data.bytes();
      add(layer.output);
      add(layer.expand);
      add(layer.contract);
    }
  }
}

}  // namespace pstmo::inference
