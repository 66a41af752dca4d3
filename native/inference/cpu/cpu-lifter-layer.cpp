// A Transformer layer of the compiled lifter, and the spatial encoder.
//
// Loop: workers share heads in attention, panels of columns in matmuls, rows elsewhere.
//
// Deterministic: a row's sums run in one order, whoever computes them.
#include <algorithm>
#include <cstring>

#include "../../core/constants.h"
#include "cpu-lifter.h"

namespace pstmo::inference {
namespace {

// Rows of the spatial encoder's two wide activations that stay in the second-level cache.
constexpr int kEncoderRows = 81;

}  // namespace

// The left side of the matmuls after a norm: rows, and the factor of each row of the result, or
// null.
struct CpuLifter::Normed {
  const void* rows;
  ptrdiff_t stride;
  const float* scale;
};

// A layer's rows. Tap t of a strided layer's convolution reads row stride * i - 1 + t of a window,
// the first of them only where it exists. From stride 3 on, only the rows that it reads are kept
// after attention.
struct CpuLifter::LayerShape {
  int windows, tokens, stride;
  int out;      // rows of a window that the layer leaves
  bool drops;   // rows that the convolution does not read
  int kept;     // rows of a window after attention
  int allKept;  // of all windows

  LayerShape(int windowCount, int tokenCount, int layerStride)
      : windows(windowCount),
        tokens(tokenCount),
        stride(layerStride),
        out(stride > 0 ? (tokens + stride - 1) / stride : tokens),
        drops(stride >= 3),
        kept(drops ? 3 * out - 1 : tokens),
        allKept(windows * kept) {}
};

void CpuLifter::matmul(const char* stage, const Workers& workers, const PackedMatrix& panels,
                       Matmul op) const {
  op.inner = panels.inner;
  const int items = std::min(workers.threads(), panels.count), columns = kernels_.panelColumns;
  const double flops = 2.0 * op.rows * std::max(op.groups, 1) * op.inner * panels.count * columns;
  workers.run({stage, flops}, items, [&](int item, int) {
    const int first = panels.count * item / items, end = panels.count * (item + 1) / items,
              column = first * columns;
    Matmul part = op;
    part.panels = panels.panel(first);
    part.panelCount = end - first;
    if (part.bias) part.bias += column;
    if (part.residual) part.residual += column;
    if (part.y) part.y += column;
    if (part.yBf16) part.yBf16 += column;
    runMatmul(panels, part);
  });
}

void CpuLifter::addTable(const Workers& workers, float* x, int windows, int tokens,
                         const float* table) {
  workers.run({"positions"}, std::min(windows, workers.threads()), [&](int item, int) {
    const int items = std::min(windows, workers.threads()), first = windows * item / items,
              end = windows * (item + 1) / items;
    float* rows = x + static_cast<ptrdiff_t>(first) * tokens * row_;
    kernels_.addRows(rows, nullptr, row_, table, {.stride = row_, .rows = tokens}, config_.width,
                     (end - first) * tokens, rows);
  });
}

// In fp32 the norm is a row scale after the matmul, since the weights hold the rest of it; in bf16
// rows are normalised before they are rounded.
CpuLifter::Normed CpuLifter::normalize(const Workers& workers, const float* x, int rows,
                                       AlignedArray<float>& scale, PaddedRows& normed) {
  const int items = workers.threads();
  workers.run({"norm"}, items, [&](int item, int) {
    const int first = rows * item / items, end = rows * (item + 1) / items;
    const float* from = x + static_cast<ptrdiff_t>(first) * row_;
    if (!weights_.bf16()) {
      kernels_.rowScales(from, row_, config_.width, end - first, scale.data() + first);
      return;
    }
    kernels_.layerNorm({.rows = end - first,
                        .channels = config_.width,
                        .x = from,
                        .stride = row_,
                        .y = static_cast<Bf16*>(normed.row(static_cast<size_t>(first)))});
  });
  if (!weights_.bf16()) return {x, row_, scale.data()};
  return {normed.row(0), normed.stride, nullptr};
}

// Rows that the strided convolution reads, window after window, from x to workspace.kept.
float* CpuLifter::gatherReadRows(Workspace& workspace, const LayerShape& shape, const float* x) {
  float* to = workspace.kept.data();
  for (int window = 0; window < shape.windows; ++window) {
    const float* from = x + static_cast<ptrdiff_t>(window) * shape.tokens * row_;
    for (int i = 0; i < shape.out; ++i) {
      const int first = std::max(0, shape.stride * i - 1), count = shape.stride * i + 2 - first;
      std::memcpy(to, from + static_cast<ptrdiff_t>(first) * row_,
                  static_cast<size_t>(count) * static_cast<size_t>(row_) * sizeof(float));
      to += static_cast<ptrdiff_t>(count) * row_;
    }
  }
  return workspace.kept.data();
}

// One head's Q, K or V (part 0, 1, 2) of `rows` normed rows.
void CpuLifter::projectHead(const PackedLayer& weights, int head, int part, const Normed& from,
                            int rows, PaddedRows& out) {
  const int padded = weights_.headPadded, at = head * 3 + part;
  runMatmul(
      weights.heads,
      {.rows = rows,
       .a = from.rows,
       .aStride = from.stride,
       .inner = weights.heads.inner,
       .panels = weights.heads.panel(at * weights_.headPanels),
       .panelCount = weights_.headPanels,
       .scale = from.scale,
       // K's and V's biases are folded away.
       .bias = part > 0 ? nullptr : weights.headBias.data() + static_cast<ptrdiff_t>(at) * padded,
       .y = out.floats(),
       .yMap = {.stride = padded},
       .yBf16 = out.halves(),
       .yBf16Map = {.stride = padded}});
}

// The same of the first layer from the frames' and the positions' parts; scale: of each row.
void CpuLifter::combineHead(const PackedLayer& weights, int head, int part,
                            const SharedFirstLayer& shared, const float* scale,
                            const LayerShape& shape, PaddedRows& out) {
  const int padded = weights_.headPadded, at = head * 3 + part;
  for (int window = 0; window < shape.windows; ++window) {
    const size_t row = static_cast<size_t>(window) * static_cast<size_t>(shape.tokens);
    kernels_.combineRows(
        {.rows = shape.tokens,
         .columns = padded,
         .frames = shared.frames + static_cast<ptrdiff_t>(at) * shared.allRows * padded,
         .frameRows = shared.frameRows + row,
         .frameStride = padded,
         .positions = shared.positions + static_cast<ptrdiff_t>(at) * shape.tokens * padded,
         .positionStride = padded,
         .scale = scale + row,
         .bias = weights.headBias.data() + static_cast<ptrdiff_t>(at) * padded,
         .out = out.row(row),
         .outStride = padded,
         .bf16 = out.bf16});
  }
}

// Attention of one head over each window, to its columns of workspace.attended.
void CpuLifter::attendHead(Workspace& workspace, WorkerScratch& scratch, int head,
                           const LayerShape& shape) {
  PaddedRows& attended = workspace.attended;
  const size_t element = attended.bf16 ? sizeof(Bf16) : sizeof(float);
  for (int window = 0; window < shape.windows; ++window) {
    const size_t query = static_cast<size_t>(window) * static_cast<size_t>(shape.kept),
                 key = static_cast<size_t>(window) * static_cast<size_t>(shape.tokens);
    char* out = static_cast<char*>(attended.row(query)) +
                static_cast<size_t>(head) * static_cast<size_t>(weights_.headWidth) * element;
    const Attention op{.queries = shape.kept,
                       .keys = shape.tokens,
                       .width = weights_.headWidth,
                       .q = scratch.query.row(query),
                       .k = scratch.key.row(key),
                       .v = scratch.value.row(key),
                       .stride = weights_.headPadded,
                       .out = out,
                       .outStride = attended.stride};
    (attended.bf16 ? kernels_.attentionBf16 : kernels_.attention)(op, scratch.scores.data());
  }
}

void CpuLifter::attend(const Workers& workers, Workspace& workspace, const PackedLayer& weights,
                       const Normed& queries, const Normed& keys, const LayerShape& shape,
                       const SharedFirstLayer* shared) {
  const double width = config_.width,
               projected =
                   shared ? 0.0 : (shape.allKept + 2.0 * shape.windows * shape.tokens) * width,
               attended = 2.0 * shape.allKept * shape.tokens;
  const char* const name = shared ? "first layer, attention" : "Q K V, attention";
  workers.run({name, 2 * width * (projected + attended)}, config_.heads, [&](int head, int worker) {
    WorkerScratch& scratch = scratch_[static_cast<size_t>(worker)];
    PaddedRows* outs[3] = {&scratch.query, &scratch.key, &scratch.value};
    for (int part = 0; part < 3; ++part) {
      if (shared) {
        combineHead(weights, head, part, *shared, keys.scale, shape, *outs[part]);
      } else {
        projectHead(weights, head, part, part == 0 ? queries : keys,
                    shape.windows * (part == 0 ? shape.kept : shape.tokens), *outs[part]);
      }
    }
    attendHead(workspace, scratch, head, shape);
  });
}

// Hidden rows of the feed-forward. A strided layer's convolution reads a row of zeros in front of
// each window, and one behind the last: where every row is kept, a window's last tap reads the next
// window's.
void CpuLifter::expand(const Workers& workers, Workspace& workspace, const PackedLayer& weights,
                       const Normed& normed, const LayerShape& shape) {
  PaddedRows& hidden = workspace.hidden;
  RowMap map{.stride = hiddenRow_};
  if (shape.stride > 0) {
    map.rows = shape.kept;
    map.group = static_cast<ptrdiff_t>(shape.kept + 1) * hiddenRow_;
    const size_t rowBytes =
        static_cast<size_t>(hiddenRow_) * (hidden.bf16 ? sizeof(Bf16) : sizeof(float));
    for (int window = 0; window <= shape.windows; ++window) {
      std::memset(hidden.row(static_cast<size_t>(window) * static_cast<size_t>(shape.kept + 1)), 0,
                  rowBytes);
    }
  }
  const ptrdiff_t front = shape.stride > 0 ? hiddenRow_ : 0;
  matmul("feed-forward, expand", workers, weights.expand.panels,
         {.rows = shape.allKept,
          .a = normed.rows,
          .aStride = normed.stride,
          .scale = normed.scale,
          .bias = weights.expand.bias.data(),
          .slope = 0,
          .y = hidden.bf16 ? nullptr : hidden.floats() + front,
          .yMap = map,
          .yBf16 = hidden.bf16 ? hidden.halves() + front : nullptr,
          .yBf16Map = map});
}

// y = hidden rows through the second matmul, or the strided convolution, + the residual.
void CpuLifter::contract(const Workers& workers, Workspace& workspace, const PackedLayer& weights,
                         const float* residual, float* y, const LayerShape& shape) {
  Matmul op{.rows = shape.allKept,
            .a = workspace.hidden.row(0),
            .aStride = hiddenRow_,
            .bias = weights.contract.bias.data(),
            .residual = residual,
            .residualMap = {.stride = row_},
            .y = y,
            .yMap = {.stride = row_}};
  if (shape.drops) {
    op.rows = shape.windows * shape.out;
    op.aStride = static_cast<ptrdiff_t>(3) * hiddenRow_;
    op.residualMap = {.stride = static_cast<ptrdiff_t>(3) * row_,
                      .rows = shape.out,
                      .group = static_cast<ptrdiff_t>(shape.kept) * row_};
  } else if (shape.stride > 0) {
    op.rows = shape.out;
    op.groups = shape.windows;
    op.aStride = static_cast<ptrdiff_t>(shape.stride) * hiddenRow_;
    op.aGroup = static_cast<ptrdiff_t>(shape.tokens + 1) * hiddenRow_;
    op.residualMap = {.stride = static_cast<ptrdiff_t>(shape.stride) * row_,
                      .rows = shape.out,
                      .group = static_cast<ptrdiff_t>(shape.tokens) * row_};
  }
  matmul(shape.stride > 0 ? "strided convolution" : "feed-forward, contract", workers,
         weights.contract.panels, op);
}

void CpuLifter::layer(const Workers& workers, Workspace& workspace, const PackedLayer& weights,
                      float* x, int windows, int tokens, float* y, const SharedFirstLayer* shared) {
  const LayerShape shape(windows, tokens, weights.stride);

  // Norm before attention: of all rows for K and V, of the kept rows for Q.
  Normed keys{nullptr, 0, workspace.scale.data()};
  if (shared) {
    workers.run({"norm"}, windows, [&](int window, int) {
      const ptrdiff_t first = static_cast<ptrdiff_t>(window) * tokens;
      kernels_.rowScales(x + first * row_, row_, config_.width, tokens,
                         workspace.scale.data() + first);
    });
  } else {
    keys = normalize(workers, x, windows * tokens, workspace.scale, workspace.normed);
  }
  Normed queries = keys;
  float* middle = x;
  if (shape.drops) {
    middle = gatherReadRows(workspace, shape, x);
    queries = normalize(workers, middle, shape.allKept, workspace.keptScale, workspace.keptNormed);
  }

  // Attention and its output projection, added in place.
  attend(workers, workspace, weights, queries, keys, shape, shared);
  matmul("attention, output", workers, weights.output.panels,
         {.rows = shape.allKept,
          .a = workspace.attended.row(0),
          .aStride = workspace.attended.stride,
          .bias = weights.output.bias.data(),
          .residual = middle,
          .residualMap = {.stride = row_},
          .y = middle,
          .yMap = {.stride = row_}});

  // Feed-forward.
  const Normed normed =
      normalize(workers, middle, shape.allKept, shape.drops ? workspace.keptScale : workspace.scale,
                shape.drops ? workspace.keptNormed : workspace.normed);
  expand(workers, workspace, weights, normed, shape);
  contract(workers, workspace, weights, middle, shape.stride > 0 ? y : x, shape);
}

// y = leaky(a weights + bias) + residual: a linear of the spatial encoder, with its batch norm in
// the weights.
void CpuLifter::spatialBlock(const PackedLinear& linear, int rows, const void* a, ptrdiff_t aStride,
                             const float* residual, float* y, Bf16* yBf16) {
  const RowMap map{.stride = innerRow_};
  runMatmul(linear.panels, {.rows = rows,
                            .a = a,
                            .aStride = aStride,
                            .inner = linear.panels.inner,
                            .panels = linear.panels.panel(0),
                            .panelCount = linear.panels.count,
                            .bias = linear.bias.data(),
                            .slope = kLeakySlope,
                            .residual = residual,
                            .residualMap = map,
                            .y = y,
                            .yMap = map,
                            .yBf16 = yBf16,
                            .yBf16Map = map});
}

int CpuLifter::frameBlock(int rows, int threads) const {
  const int blocks = roundUp((rows + kEncoderRows - 1) / kEncoderRows, threads);
  return roundUp((rows + blocks - 1) / blocks, kernels_.tileRows);
}

void CpuLifter::encodeFrames(const Workers& workers, const float* keypoints, int rows, float* out,
                             const float* table, int tableRows) {
  const int points = 2 * config_.joints;
  const int blockRows = frameBlock(rows, workers.threads()),
            blocks = (rows + blockRows - 1) / blockRows;
  const double wide = 2.0 * config_.width,
               all = points * wide +
                     (static_cast<double>(weights_.blocks.size()) - 1) * wide * wide +
                     wide * config_.width;
  workers.run({"spatial encoder", 2.0 * rows * all}, blocks, [&](int block, int worker) {
    WorkerScratch& scratch = scratch_[static_cast<size_t>(worker)];
    const int first = block * blockRows, count = std::min(blockRows, rows - first);
    float *plain = scratch.inside[0].data(), *inner = scratch.inside[1].data();
    Bf16 *plainBf16 = scratch.rounded[0].halves(), *innerBf16 = scratch.rounded[1].halves();
    const bool bf16 = weights_.bf16();
    const void* a = bf16 ? static_cast<const void*>(plainBf16) : plain;
    const void* b = bf16 ? static_cast<const void*>(innerBf16) : inner;
    spatialBlock(weights_.blocks[0], count, keypoints + static_cast<ptrdiff_t>(first) * points,
                 points, nullptr, plain, plainBf16);
    for (size_t i = 1; i < weights_.blocks.size(); i += 2) {
      spatialBlock(weights_.blocks[i], count, a, innerRow_, nullptr, bf16 ? nullptr : inner,
                   innerBf16);
      spatialBlock(weights_.blocks[i + 1], count, b, innerRow_, plain, plain, plainBf16);
    }
    Matmul op{.rows = count,
              .a = a,
              .aStride = innerRow_,
              .inner = weights_.project.panels.inner,
              .panels = weights_.project.panels.panel(0),
              .panelCount = weights_.project.panels.count,
              .y = out + static_cast<ptrdiff_t>(first) * row_,
              .yMap = {.stride = row_}};
    if (table) {
      op.residual = table;
      op.residualMap = {.stride = row_, .rows = tableRows, .start = first};
    }
    runMatmul(weights_.project.panels, op);
  });
}

}  // namespace pstmo::inference
