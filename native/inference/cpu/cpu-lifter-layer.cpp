// A Transformer layer of the plan, and the frames' encoder.
#include <algorithm>
#include <cstring>

#include "../../core/constants.h"
#include "cpu-lifter.h"

namespace pstmo::inference {
namespace {

constexpr int kEncoderRows =
    81;  // rows of the spatial encoder's two wide activations that stay in the second-level cache

}  // namespace

// The left side of the products after a norm: rows, and what scales each row of the product.
struct CpuPlan::Normed {
  const void* rows;
  ptrdiff_t stride;
  const float* scale;
};

void CpuPlan::product(const Crew& crew, const PlanPanels& panels, Matmul op) const {
  op.inner = panels.inner;
  const int items = std::min(crew.threads(), panels.count), columns = kernels_.panelColumns;
  crew.run(items, [&](int item, int) {
    const int first = panels.count * item / items, end = panels.count * (item + 1) / items,
              column = first * columns;
    Matmul part = op;
    part.panels = panels.panel(first);
    part.panelCount = end - first;
    if (part.bias) part.bias += column;
    if (part.residual) part.residual += column;
    if (part.y) part.y += column;
    if (part.yBf16) part.yBf16 += column;
    runProduct(panels, part);
  });
}

void CpuPlan::addTable(const Crew& crew, float* x, int windows, int tokens, const float* table) {
  crew.run(std::min(windows, crew.threads()), [&](int item, int) {
    const int items = std::min(windows, crew.threads()), first = windows * item / items,
              end = windows * (item + 1) / items;
    float* rows = x + static_cast<ptrdiff_t>(first) * tokens * row_;
    kernels_.addRows(rows, nullptr, row_, table, {.stride = row_, .rows = tokens}, config_.width,
                     (end - first) * tokens, rows);
  });
}

// As a row scale after the product where the norm is folded into the weights; else, and in bf16,
// rows normalised beforehand.
CpuPlan::Normed CpuPlan::normalize(const Crew& crew, const PlanLayerWeights& weights, int norm,
                                   const float* x, int rows, AlignedArray<float>& scale,
                                   PlanRows& normed) {
  const bool scales = folds_.layerNorm && !weights_.bf16();
  const int items = crew.threads();
  crew.run(items, [&](int item, int) {
    const int first = rows * item / items, end = rows * (item + 1) / items;
    const float* from = x + static_cast<ptrdiff_t>(first) * row_;
    if (scales) {
      kernels_.rowScales(from, row_, config_.width, end - first, scale.data() + first);
      return;
    }
    LayerNorm op{.rows = end - first,
                 .channels = config_.width,
                 .x = from,
                 .stride = row_,
                 .a = weights.norms[norm][0].data(),
                 .b = weights.norms[norm][1].data()};
    if (normed.bf16) {
      op.yBf16 = static_cast<Bf16*>(normed.row(first));
    } else {
      op.y = static_cast<float*>(normed.row(first));
    }
    kernels_.layerNorm(op);
  });
  if (scales) return {x, row_, scale.data()};
  return {normed.row(0), normed.stride, nullptr};
}

void CpuPlan::attend(const Crew& crew, PlanSpace& space, const PlanLayerWeights& weights,
                     const Normed& queries, int queriesOfWindow, const Normed& keys, int windows,
                     int tokens, const SharedFirstLayer* shared) {
  const int padded = weights_.headPadded, panels = weights_.headPanels;
  crew.run(config_.heads, [&](int head, int worker) {
    PlanHand& hand = hands_[static_cast<size_t>(worker)];
    PlanRows* outs[3] = {&hand.query, &hand.key, &hand.value};
    for (int part = 0; part < 3; ++part) {
      const int at = head * 3 + part;
      const float* bias = weights.headBias.data() + static_cast<ptrdiff_t>(at) * padded;
      if (shared) {
        for (int window = 0; window < windows; ++window) {
          const size_t row = static_cast<size_t>(window) * static_cast<size_t>(tokens);
          kernels_.combineRows(
              {.rows = tokens,
               .columns = padded,
               .frames = shared->frames + static_cast<ptrdiff_t>(at) * shared->allRows * padded,
               .frameRows = shared->frameRows + row,
               .frameStride = padded,
               .positions = shared->positions + static_cast<ptrdiff_t>(at) * tokens * padded,
               .positionStride = padded,
               .scale = keys.scale + row,
               .bias = bias,
               .out = outs[part]->row(row),
               .outStride = padded,
               .bf16 = outs[part]->bf16});
        }
        continue;
      }
      const Normed& from = part == 0 ? queries : keys;
      runProduct(weights.heads, {.rows = windows * (part == 0 ? queriesOfWindow : tokens),
                                 .a = from.rows,
                                 .aStride = from.stride,
                                 .inner = weights.heads.inner,
                                 .panels = weights.heads.panel(at * panels),
                                 .panelCount = panels,
                                 .scale = from.scale,
                                 .bias = part > 0 && folds_.attentionBias ? nullptr : bias,
                                 .y = outs[part]->floats(),
                                 .yMap = {.stride = padded},
                                 .yBf16 = outs[part]->halves(),
                                 .yBf16Map = {.stride = padded}});
    }
    const size_t element = space.attended.bf16 ? sizeof(Bf16) : sizeof(float);
    for (int window = 0; window < windows; ++window) {
      const size_t query = static_cast<size_t>(window) * static_cast<size_t>(queriesOfWindow),
                   key = static_cast<size_t>(window) * static_cast<size_t>(tokens);
      char* out = static_cast<char*>(space.attended.row(query)) +
                  static_cast<size_t>(head) * static_cast<size_t>(weights_.headWidth) * element;
      const Attention op{.queries = queriesOfWindow,
                         .keys = tokens,
                         .width = weights_.headWidth,
                         .q = hand.query.row(query),
                         .k = hand.key.row(key),
                         .v = hand.value.row(key),
                         .stride = padded,
                         .out = out,
                         .outStride = space.attended.stride,
                         .skipMaximum = folds_.softmaxBound};
      (space.attended.bf16 ? kernels_.attentionBf16 : kernels_.attention)(op, hand.scores.data());
    }
  });
}

void CpuPlan::layer(const Crew& crew, PlanSpace& space, const PlanLayerWeights& weights, float* x,
                    int windows, int tokens, float* y, const SharedFirstLayer* shared) {
  const int stride = weights.stride, rows = windows * tokens,
            out = stride > 0 ? (tokens + stride - 1) / stride : tokens;
  // Tap i of a convolution reads the rows stride * i - 1, stride * i and stride * i + 1, the first
  // of them only where it exists.
  const bool drops = stride >= 3 && folds_.unreadRows;
  const int kept = drops ? 3 * out - 1 : tokens, keptRows = windows * kept;

  Normed keys{nullptr, 0, space.scale.data()};
  if (shared) {
    crew.run(windows, [&](int window, int) {
      const ptrdiff_t first = static_cast<ptrdiff_t>(window) * tokens;
      kernels_.rowScales(x + first * row_, row_, config_.width, tokens, space.scale.data() + first);
    });
  } else {
    keys = normalize(crew, weights, 0, x, rows, space.scale, space.normed);
  }
  Normed queries = keys;
  float* middle = x;
  if (drops) {
    middle = space.kept.data();
    float* to = middle;
    for (int window = 0; window < windows; ++window) {
      const float* from = x + static_cast<ptrdiff_t>(window) * tokens * row_;
      for (int i = 0; i < out; ++i) {
        const int first = std::max(0, stride * i - 1), count = stride * i + 2 - first;
        std::memcpy(to, from + static_cast<ptrdiff_t>(first) * row_,
                    static_cast<size_t>(count) * static_cast<size_t>(row_) * sizeof(float));
        to += static_cast<ptrdiff_t>(count) * row_;
      }
    }
    queries = normalize(crew, weights, 0, middle, keptRows, space.keptScale, space.keptNormed);
  }
  attend(crew, space, weights, queries, kept, keys, windows, tokens, shared);
  product(crew, weights.output.panels,
          {.rows = keptRows,
           .a = space.attended.row(0),
           .aStride = space.attended.stride,
           .bias = weights.output.bias.data(),
           .residual = middle,
           .residualMap = {.stride = row_},
           .y = middle,
           .yMap = {.stride = row_}});

  const Normed normed =
      normalize(crew, weights, 1, middle, keptRows, drops ? space.keptScale : space.scale,
                drops ? space.keptNormed : space.normed);
  RowMap hiddenMap{.stride = hiddenRow_};
  int groupRows = 0;
  if (stride > 0) {
    // In front of each window a row of zeros, and one behind the last: where every row is kept, a
    // window's last tap reads the next one's.
    groupRows = drops ? 3 * out : tokens + 1;
    hiddenMap = {.stride = hiddenRow_,
                 .rows = kept,
                 .group = static_cast<ptrdiff_t>(groupRows) * hiddenRow_};
    const size_t rowBytes =
        static_cast<size_t>(hiddenRow_) * (space.hidden.bf16 ? sizeof(Bf16) : sizeof(float));
    for (int window = 0; window <= windows; ++window)
      std::memset(space.hidden.row(static_cast<size_t>(window) * static_cast<size_t>(groupRows)), 0,
                  rowBytes);
  }
  const ptrdiff_t front = stride > 0 ? hiddenRow_ : 0;
  product(crew, weights.expand.panels,
          {.rows = keptRows,
           .a = normed.rows,
           .aStride = normed.stride,
           .scale = normed.scale,
           .bias = weights.expand.bias.data(),
           .slope = 0,
           .y = space.hidden.bf16 ? nullptr : space.hidden.floats() + front,
           .yMap = hiddenMap,
           .yBf16 = space.hidden.bf16 ? space.hidden.halves() + front : nullptr,
           .yBf16Map = hiddenMap});
  Matmul contract{.rows = keptRows,
                  .a = space.hidden.row(0),
                  .aStride = hiddenRow_,
                  .bias = weights.contract.bias.data(),
                  .residual = middle,
                  .residualMap = {.stride = row_},
                  .y = stride > 0 ? y : x,
                  .yMap = {.stride = row_}};
  if (drops) {
    contract.rows = windows * out;
    contract.aStride = static_cast<ptrdiff_t>(3) * hiddenRow_;
    contract.residualMap = {.stride = static_cast<ptrdiff_t>(3) * row_,
                            .rows = out,
                            .group = static_cast<ptrdiff_t>(kept) * row_};
  } else if (stride > 0) {
    contract.rows = out;
    contract.groups = windows;
    contract.aStride = static_cast<ptrdiff_t>(stride) * hiddenRow_;
    contract.aGroup = static_cast<ptrdiff_t>(groupRows) * hiddenRow_;
    contract.residualMap = {.stride = static_cast<ptrdiff_t>(stride) * row_,
                            .rows = out,
                            .group = static_cast<ptrdiff_t>(tokens) * row_};
  }
  product(crew, weights.contract.panels, contract);
}

// One linear of the spatial encoder with its batch norm and activation.
void CpuPlan::spatialBlock(const PlanLinear& linear, int rows, const void* a, ptrdiff_t aStride,
                           const float* residual, float* y, Bf16* yBf16, PlanHand& hand) {
  Matmul op{.rows = rows,
            .a = a,
            .aStride = aStride,
            .inner = linear.panels.inner,
            .panels = linear.panels.panel(0),
            .panelCount = linear.panels.count,
            .bias = linear.bias.data()};
  const RowMap map{.stride = innerRow_};
  if (folds_.batchNorm) {
    op.slope = kLeakySlope;
    op.residual = residual;
    op.residualMap = op.yMap = op.yBf16Map = map;
    op.y = y;
    op.yBf16 = yBf16;
    runProduct(linear.panels, op);
    return;
  }
  op.y = hand.inside[2].data();
  op.yMap = map;
  runProduct(linear.panels, op);
  kernels_.affine({.rows = rows,
                   .channels = 2 * config_.width,
                   .x = op.y,
                   .stride = innerRow_,
                   .scale = linear.normScale.data(),
                   .shift = linear.normShift.data(),
                   .slope = kLeakySlope,
                   .residual = residual,
                   .y = y,
                   .yBf16 = yBf16});
}

int CpuPlan::frameBlock(int rows, int threads) const {
  const int blocks = roundUp((rows + kEncoderRows - 1) / kEncoderRows, threads);
  return roundUp((rows + blocks - 1) / blocks, kernels_.tileRows);
}

void CpuPlan::encodeFrames(const Crew& crew, const float* keypoints, int rows, float* out,
                           const float* table, int tableRows) {
  const int points = 2 * config_.joints;
  const int blockRows = frameBlock(rows, crew.threads()),
            blocks = (rows + blockRows - 1) / blockRows;
  crew.run(blocks, [&](int block, int worker) {
    PlanHand& hand = hands_[static_cast<size_t>(worker)];
    const int first = block * blockRows, count = std::min(blockRows, rows - first);
    float *plain = hand.inside[0].data(), *inner = hand.inside[1].data();
    Bf16 *plainBf16 = hand.rounded[0].halves(), *innerBf16 = hand.rounded[1].halves();
    const bool bf16 = weights_.bf16();
    const void* a = bf16 ? static_cast<const void*>(plainBf16) : plain;
    const void* b = bf16 ? static_cast<const void*>(innerBf16) : inner;
    spatialBlock(weights_.blocks[0], count, keypoints + static_cast<ptrdiff_t>(first) * points,
                 points, nullptr, plain, plainBf16, hand);
    for (size_t i = 1; i < weights_.blocks.size(); i += 2) {
      spatialBlock(weights_.blocks[i], count, a, innerRow_, nullptr, bf16 ? nullptr : inner,
                   innerBf16, hand);
      spatialBlock(weights_.blocks[i + 1], count, b, innerRow_, plain, plain, plainBf16, hand);
    }
    Matmul op{.rows = count,
              .a = a,
              .aStride = innerRow_,
              .inner = weights_.project.panels.inner,
              .panels = weights_.project.panels.panel(0),
              .panelCount = weights_.project.panels.count,
              .y = out + static_cast<ptrdiff_t>(first) * row_,
              .yMap = {.stride = row_}};
    if (!folds_.positions) op.bias = weights_.project.bias.data();
    if (table) {
      op.residual = table;
      op.residualMap = {.stride = row_, .rows = tableRows, .start = first};
    }
    runProduct(weights_.project.panels, op);
  });
}

}  // namespace pstmo::inference
