#include "device-weights.h"

#include <algorithm>

#include "../../core/rounding.h"

namespace pstmo::inference {

DeviceRows::DeviceRows(const NetworkConfig& config, Precision precision)
    : perWord(precision == Precision::bf16 ? 2 : 1), rounded(precision != Precision::fp32) {
  splitPart = rounded ? roundUp(2 * config.joints, 8) : 0;
  frame = roundUp(rounded ? 3 * splitPart : 2 * config.joints, cuda::kDepthWords);
  inner = roundUp(2 * config.width, cuda::kRowElements);
  width = roundUp(config.width, cuda::kRowElements);
  hidden = roundUp(config.hidden, cuda::kRowElements);
  pose = roundUp(3 * config.outputJoints, cuda::kRowElements);
  headWidth = cuda::paddedHeadWidth(config.width / config.heads);
  heads = roundUp(3 * config.heads * headWidth, cuda::kRowElements);
}

DeviceWeights::DeviceWeights(const NetworkConfig& config, const Folds& folds, Precision precision,
                             cuda::LifterDevice& device, const TensorReader& read)
    : rows(config, precision), config_(config), device_(device), arrays_(device.backend()) {
  const FoldedNetwork source(config, true, read);
  DeviceArrays scratch(device.backend());
  const auto largest = std::max({static_cast<size_t>(4) * config.width * config.width,
                                 static_cast<size_t>(2) * config.width * 2 * config.joints,
                                 static_cast<size_t>(3) * config.width * config.hidden,
                                 static_cast<size_t>(3) * config.width * config.outputJoints});
  trained_ = scratch.floats(largest);
  for (size_t i = 0; i < source.blocks(); ++i) {
    blocks.push_back(i > 0 ? pack(source.block(i), 1, rows.inner)
                           : pack(source.block(i), 1, rows.frame,
                                  rows.rounded ? cuda::WordKind::split : cuda::WordKind::floats));
  }
  std::vector<float> positionTable;
  project = pack(source.project(positionTable), 1, rows.inner);
  positions = table(positionTable, config.width, rows.width);
  for (size_t i = 0; i < static_cast<size_t>(config.layers); ++i)
    layers.push_back(layer(source.layer(i)));
  for (size_t i = 0; i < source.aggregatorLayers(); ++i)
    aggregator.push_back(layer(source.aggregatorLayer(i)));
  for (size_t i = 0; i < source.tables(); ++i)
    tables.push_back(table(source.table(i), config.width, rows.width));
  if (folds.firstLayer) {
    firstHeads_ = layers.front().heads;
    firstHeads_.bias = upload(std::vector<float>(static_cast<size_t>(firstHeads_.columns)));
    float* parts =
        arrays_.floats(static_cast<size_t>(config.frames) * static_cast<size_t>(rows.heads));
    firstLayerParts(positions, config.frames, parts);
    positionParts = parts;
  }
  head = pack(source.head(), 1, rows.width, cuda::WordKind::floats);
  const auto indices = [&](const std::vector<int32_t>& list) {
    auto* to = static_cast<int32_t*>(arrays_.bytes(list.size() * sizeof(int32_t)));
    device_.backend().copyIn(to, list.data(), list.size() * sizeof(int32_t));
    return to;
  };
  mirrorInput = indices(config.mirrorInput);
  mirrorOutput = indices(config.mirrorOutput);
}

void DeviceWeights::firstLayerParts(const float* tokens, int count, float* parts) const {
  device_.run(cuda::NormMatmul{.rows = count,
                               .width = config_.width,
                               .xStride = rows.width,
                               .scaled = false,
                               .x = tokens,
                               .weights = firstHeads_,
                               .out = {.y = parts, .stride = rows.heads}});
}

const float* DeviceWeights::upload(const std::vector<float>& values) {
  float* to = arrays_.floats(values.size());
  device_.backend().copyIn(to, values.data(), values.size() * sizeof(float));
  return to;
}

// Rows of `width` values, zeros behind each up to `stride`.
const float* DeviceWeights::table(const std::vector<float>& values, int width, int stride) {
  std::vector<float> padded(values.size() / static_cast<size_t>(width) *
                            static_cast<size_t>(stride));
  for (size_t i = 0; i < values.size(); ++i)
    padded[i / static_cast<size_t>(width) * static_cast<size_t>(stride) +
           i % static_cast<size_t>(width)] = values[i];
  return upload(padded);
}

cuda::WeightMatrix DeviceWeights::pack(const std::vector<const FoldedLinear*>& parts, Padding out,
                                       Padding in, int taps, int tapElements, cuda::WordKind kind) {
  const int tapWords = kind == cuda::WordKind::ofPrecision ? rows.words(tapElements) : tapElements;
  const int columns = parts.front()->out / out.block * out.padded,
            all = roundUp(static_cast<int>(parts.size()) * columns, cuda::kTileColumns);
  const size_t words = static_cast<size_t>(all) * static_cast<size_t>(taps * tapWords);
  uint32_t* to = arrays_.words(words);
  device_.backend().zero(to, words * sizeof(uint32_t));
  std::vector<float> bias(static_cast<size_t>(all));
  for (size_t part = 0; part < parts.size(); ++part) {
    const FoldedLinear& linear = *parts[part];
    const size_t first = part * static_cast<size_t>(columns);
    device_.backend().copyIn(trained_, linear.weight.data(), linear.weight.size() * sizeof(float));
    device_.run(cuda::PackWeights{.weight = trained_,
                                  .out = linear.out,
                                  .in = linear.in / taps,
                                  .taps = taps,
                                  .outBlock = out.block,
                                  .outPadded = out.padded,
                                  .inBlock = in.block,
                                  .inPadded = in.padded,
                                  .tapWords = tapWords,
                                  .kind = kind,
                                  .splitPart = rows.splitPart,
                                  .words = to + first * static_cast<size_t>(taps * tapWords)});
    for (int i = 0; i < linear.out; ++i)
      bias[first + static_cast<size_t>(i / out.block * out.padded + i % out.block)] =
          linear.bias[static_cast<size_t>(i)];
  }
  return {to, upload(bias), all, taps * tapWords};
}

cuda::WeightMatrix DeviceWeights::pack(const FoldedLinear& linear, int taps, int tapElements,
                                       cuda::WordKind kind) {
  const int in = linear.in / taps;
  return pack({&linear}, {linear.out, linear.out}, {in, std::max(in, tapElements)}, taps,
              tapElements, kind);
}

DeviceLayer DeviceWeights::layer(const FoldedLayer& folded) {
  DeviceLayer result;
  result.stride = folded.stride;
  const int headWidth = config_.width / config_.heads,
            attended = roundUp(config_.heads * rows.headWidth, cuda::kDepthWords * rows.perWord);
  const Padding heads{headWidth, rows.headWidth};
  result.heads = pack({&folded.parts[0], &folded.parts[1], &folded.parts[2]}, heads,
                      {config_.width, rows.width}, 1, rows.width);
  result.output = pack({&folded.output}, {config_.width, config_.width}, heads, 1, attended);
  result.expand = pack(folded.expand, 1, rows.width);
  result.contract = pack(folded.contract, folded.stride > 0 ? 3 : 1, rows.hidden);
  return result;
}

}  // namespace pstmo::inference
