// Multi-head attention, forward and backward: one head of one window a call. Included by
// kernels.inl alone.
//
//   forward   S = scale Q K^T, P = softmax(S), O = (P mask) V, logSumExp = log(sum e^S) of each row
//   backward  P = e^(S - logSumExp), Pd = P mask
//             dV = Pd^T dO
//             dS = scale P ((dO V^T) mask - D), D = rowsum(Pd (dO V^T)) = rowsum(dO O)
//             dQ = dS K, dK = dS^T Q
//
// Shapes: Q, K, V and their gradients (tokens, headWidth) inside qkv (B tokens, 3 width); O and dO
// inside (B tokens, width); scale = 1 / sqrt(headWidth); mask is dropout's multiplier, drawn again
// in backward.
//
// Memory: K, V, Q or dO are first copied from their rows, far apart, into panels of the caller's
// scratch (attentionScratch floats). Scores lie there unscaled: the scale goes into the exponent.
// Forward keeps scores of one tile of rows, (kTileRows, keys), in the first-level cache; backward
// keeps Pd and dS of all rows, (tokens, keys) each.
//
// Loop: tiles of kTileRows queries; a tile meets the panels in `tile` of matmul.h, keys in the
// vector lanes. In dK and dV the tile's rows are keys and dS and Pd are read k-major, by columns.
//
// Deterministic: one thread computes a head; matmuls sum over channels or tokens in order, and sums
// of a row (softmax, D) add whole vectors in order, then their lanes in a fixed tree.
#pragma once

// Sizes shared by the three functions. Keys are padded to whole panels with zeros.
struct HeadShape {
  int tokens, width, heads, headWidth, keys;  // keys: tokens rounded up to a panel
  int columns;       // panel columns over the head's channels: half a panel where that is enough
  int channels;      // head width rounded up to `columns`
  ptrdiff_t stride;  // of a row of qkv
  float scale;

  HeadShape(int tokens_, int width_, int heads_)
      : tokens(tokens_),
        width(width_),
        heads(heads_),
        headWidth(width_ / heads_),
        keys((tokens_ + kPanel - 1) / kPanel * kPanel),
        columns(headWidth <= kLanes ? kLanes : kPanel),
        channels((headWidth + columns - 1) / columns * columns),
        stride(3 * (ptrdiff_t)width_),
        scale(1.0f / __builtin_sqrtf((float)headWidth)) {}

  // Where the head begins in x (B tokens, ...) of that row stride.
  ptrdiff_t begin(int window, int head, ptrdiff_t rowStride) const {
    return (ptrdiff_t)window * tokens * rowStride + head * headWidth;
  }
  // The first row of the head's weights, and of dropout's mask: (B, heads, tokens).
  int64_t firstRow(int window, int head) const { return ((int64_t)window * heads + head) * tokens; }
};

// ---- Prefetching

// A head's rows are a few cache lines each, far apart: while one head is worked on, the lines of
// the next are prefetched.
void prefetchRows(const float* x, ptrdiff_t stride, const HeadShape& h) {
  for (int t = 0; t < h.tokens; ++t) {
    for (int c = 0; c < h.headWidth; c += 16) __builtin_prefetch(x + t * stride + c);
  }
}

// Q, K and V of the head after this one.
void prefetchNextHead(const float* q, const HeadShape& h) {
  for (int part = 0; part < 3; ++part) prefetchRows(q + part * h.width + h.headWidth, h.stride, h);
}

// Short windows: while head i of one is worked on, the i-th part of the next window's rows goes to
// the second-level cache.
void prefetchNextWindow(const float* x, ptrdiff_t stride, int batch, int window, int head,
                        const HeadShape& h) {
  constexpr ptrdiff_t kShort = 256 << 10;  // bytes: two windows and a head's scratch fit together
  const ptrdiff_t floats = h.tokens * stride;
  if (window + 1 >= batch || floats * 4 > kShort) return;
  const float* next = x + (window + 1) * floats;
  for (ptrdiff_t i = floats * head / h.heads; i < floats * (head + 1) / h.heads; i += 16)
    __builtin_prefetch(next + i, 0, 1);
}

// ---- Panels and matmuls

// x (tokens, headWidth) with row stride -> panels over tokens: (keys / kPanel, headWidth, kPanel).
void packTransposed(const float* x, ptrdiff_t stride, const HeadShape& h, float* panels) {
  for (int first = 0; first < h.keys; first += kLanes) {
    float* panel = panels + (ptrdiff_t)(first / kPanel) * kPanel * h.headWidth + first % kPanel;
    const int count = h.tokens - first;
    for (int channel = 0; channel < h.headWidth; channel += kLanes) {
      const int channels = least(kLanes, h.headWidth - channel);
      Vec block[kLanes];  // (tokens, channels), then (channels, tokens)
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i)
        block[i] = i < count ? loadUpTo(x + (first + i) * stride + channel, channels) : Vec{};
      transpose(block);
      saveBlock(panel + channel * kPanel, block, channels);
    }
  }
}

// x (tokens, headWidth) with row stride -> panels over channels: (channels / columns, tokens,
// columns).
void packChannels(const float* x, ptrdiff_t stride, const HeadShape& h, float* panels) {
  for (int first = 0; first < h.channels; first += h.columns) {
    float* panel = panels + (ptrdiff_t)first * h.tokens;
    const int count = least(h.columns, h.headWidth - first);
    for (int t = 0; t < h.tokens; ++t) {
      for (int c = 0; c < h.columns; c += kLanes) {
        const int n = count - c;
        const float* from = x + t * stride + first + c;
        save(panel + t * h.columns + c, n >= kLanes ? load(from)
                                        : n > 0     ? loadFirst(from, n)
                                                    : Vec{});
      }
    }
  }
}

// to (rows, keys) = a (rows, headWidth) times transposed panels.
void timesTransposed(const float* a, ptrdiff_t stride, int rows, const HeadShape& h,
                     const float* panels, float* to) {
  float out[kTileRows * kPanel];  // (rows, kPanel)
  for (int first = 0; first < h.keys; first += kPanel) {
    tile<Fp32Word, 2>(rows, a, stride, false, h.headWidth, panels + (ptrdiff_t)first * h.headWidth,
                      out, false);
    for (int i = 0; i < rows; ++i) {
      save(to + (ptrdiff_t)i * h.keys + first, load(out + i * kPanel));
      save(to + (ptrdiff_t)i * h.keys + first + kLanes, load(out + i * kPanel + kLanes));
    }
  }
}

// to (rows, headWidth; stride) = factor[row] * a (rows, tokens) times channel panels; factor may be
// null.
void timesChannels(const float* a, ptrdiff_t aStride, bool kMajor, int rows, const HeadShape& h,
                   const float* panels, const float* factor, float* to, ptrdiff_t stride) {
  float out[kTileRows * kPanel];  // (rows, columns)
  for (int first = 0; first < h.channels; first += h.columns) {
    const float* panel = panels + (ptrdiff_t)first * h.tokens;
    if (h.columns == kPanel) {
      tile<Fp32Word, 2>(rows, a, aStride, kMajor, h.tokens, panel, out, false);
    } else {
      tile<Fp32Word, 1>(rows, a, aStride, kMajor, h.tokens, panel, out, false);
    }
    for (int i = 0; i < rows; ++i) {
      for (int c = 0; c < h.columns; c += kLanes) {
        const int count = least(kLanes, h.headWidth - first - c);
        if (count <= 0) break;
        Vec value = load(out + i * h.columns + c);
        if (factor) value *= factor[i];
        saveUpTo(to + i * stride + first + c, value, count);
      }
    }
  }
}

// ---- Forward

// Scores of a row become e^(scale (s - max)), zero behind `tokens`. Returns their sum; `shift`
// becomes scale * max.
float softmaxRow(float* scores, const HeadShape& h, float* shift) {
  Vec highest = splat(-3.0e38f);
  for (int j = 0; j < h.tokens; j += kLanes) {
    const int count = least(kLanes, h.tokens - j);
    const Vec s = firstLanes(load(scores + j), count, splat(-3.0e38f));
    highest = s > highest ? s : highest;
  }
  *shift = maximum(highest) * h.scale;

  Vec total{};
  for (int j = 0; j < h.tokens; j += kLanes) {
    const int count = least(kLanes, h.tokens - j);
    const Vec e = firstLanes(exponential(load(scores + j) * h.scale - *shift), count, Vec{});
    save(scores + j, e);
    total += e;
  }
  return sum(total);
}

// scores (rows, keys) *= mask of the weights' rows [firstRow, firstRow + rows).
void maskScores(const Dropout& dropout, const HeadShape& h, int64_t firstRow, int rows,
                float* scores) {
  if (!dropout.active()) return;
  forEachVector(dropout, h.tokens, firstRow, firstRow + rows,
                [&](int64_t row, int column, int, Vec mask) {
                  float* s = scores + (row - firstRow) * h.keys + column;
                  save(s, load(s) * mask);
                });
}

void attentionForward(const AttentionForward& op, int window, int head, float* scratch) {
  const HeadShape h(op.tokens, op.width, op.heads);
  const float* q = op.qkv.floats() + h.begin(window, head, h.stride);
  float* out = op.out.floats() + h.begin(window, head, op.width);
  const int64_t firstRow = h.firstRow(window, head);

  // Panels of K^T and V.
  float* keyPanels = scratch;                                        // K^T (keys, headWidth)
  float* valuePanels = keyPanels + (ptrdiff_t)h.keys * h.headWidth;  // V (channels, tokens)
  float* scores = valuePanels + (ptrdiff_t)h.channels * h.tokens;    // (kTileRows, keys)
  packTransposed(q + op.width, h.stride, h, keyPanels);
  packChannels(q + 2 * op.width, h.stride, h, valuePanels);
  if (head + 1 < op.heads) prefetchNextHead(q, h);
  prefetchNextWindow(op.qkv.floats(), h.stride, op.batch, window, head, h);

  for (int begin = 0; begin < op.tokens; begin += kTileRows) {
    // Powers of the scores, and the logarithm of their sum.
    const int rows = least(kTileRows, op.tokens - begin);
    timesTransposed(q + begin * h.stride, h.stride, rows, h, keyPanels, scores);
    float factor[kTileRows];  // (rows): 1 / sum
    for (int i = 0; i < rows; ++i) {
      float shift;
      const float total = softmaxRow(scores + (ptrdiff_t)i * h.keys, h, &shift);
      factor[i] = 1.0f / total;
      op.logSumExp[firstRow + begin + i] = shift + __builtin_logf(total);
    }

    // Dropout, then V; the sum divides the rows of the output, fewer than the weights.
    maskScores(op.dropout, h, firstRow + begin, rows, scores);
    timesChannels(scores, h.keys, false, rows, h, valuePanels, factor,
                  out + (ptrdiff_t)begin * op.width, op.width);
  }
}

// maps (B, heads, tokens, tokens) = P.
void attentionMaps(const AttentionMaps& op, int window, int head, float* scratch) {
  const HeadShape h(op.tokens, op.width, op.heads);
  const float* q = op.qkv.floats() + h.begin(window, head, h.stride);
  float* keyPanels = scratch;                                   // K^T (keys, headWidth)
  float* scores = keyPanels + (ptrdiff_t)h.keys * h.headWidth;  // (kTileRows, keys)
  packTransposed(q + op.width, h.stride, h, keyPanels);

  for (int begin = 0; begin < op.tokens; begin += kTileRows) {
    const int rows = least(kTileRows, op.tokens - begin);
    timesTransposed(q + begin * h.stride, h.stride, rows, h, keyPanels, scores);
    for (int i = 0; i < rows; ++i) {
      float shift;
      float* row = scores + (ptrdiff_t)i * h.keys;
      const float factor = 1.0f / softmaxRow(row, h, &shift);
      float* map = op.maps + (h.firstRow(window, head) + begin + i) * op.tokens;
      for (int j = 0; j < op.tokens; ++j) map[j] = row[j] * factor;
    }
  }
}

// ---- Backward

// dots[i] = D of row i: the sum over the head's channels of out * dOut, rows `stride` apart.
void rowDots(const float* out, const float* dOut, ptrdiff_t stride, int rows, const HeadShape& h,
             float* dots) {
  for (int i = 0; i < rows; ++i) {
    Vec dot{};
    for (int c = 0; c < h.headWidth; c += kLanes) {
      const int count = least(kLanes, h.headWidth - c);
      dot += loadUpTo(out + i * stride + c, count) * loadUpTo(dOut + i * stride + c, count);
    }
    dots[i] = sum(dot);
  }
}

// Of a tile of rows: p (rows, keys), in: Q K^T, out: Pd; d (rows, keys), in: dO V^T, out: dS.
// logSumExp and dropout's mask count rows from firstRow.
void scoreGradients(const AttentionBackward& op, const HeadShape& h, int64_t firstRow, int rows,
                    const float* dots, float* p, float* d) {
  // By value: a store might change what is read through a reference.
  const float scale = h.scale, *logSumExp = op.logSumExp;
  const ptrdiff_t keys = h.keys;
  forEachVector(op.dropout, op.tokens, firstRow, firstRow + rows,
                [=](int64_t row, int column, int count, Vec mask) {
                  const ptrdiff_t i = row - firstRow;
                  float* pAt = p + i * keys + column;
                  float* dAt = d + i * keys + column;
                  const Vec weight = exponential(load(pAt) * scale - logSumExp[row]);
                  save(pAt, firstLanes(weight * mask, count, Vec{}));
                  save(dAt,
                       firstLanes(weight * (load(dAt) * mask - dots[i]) * scale, count, Vec{}));
                });
}

// What the phases of a head's backward share.
struct BackwardHead {
  HeadShape shape;
  int64_t firstRow;                     // of the head's weights
  const float *q, *k, *v, *out, *dOut;  // (tokens, headWidth): q, k, v `shape.stride` apart, out
                                        // and dOut `shape.width`
  float *dQ, *dK, *dV;                  // (tokens, headWidth), `shape.stride` apart
  float* panels[2];                     // (keys, channels) each
  float* weights;                       // Pd (tokens, keys)
  float* dScores;                       // dS (tokens, keys)
};

BackwardHead backwardHead(const AttentionBackward& op, int window, int head, float* scratch) {
  const HeadShape h(op.tokens, op.width, op.heads);
  const ptrdiff_t qkv = h.begin(window, head, h.stride), out = h.begin(window, head, op.width);
  const ptrdiff_t panel = (ptrdiff_t)h.keys * h.channels, scores = (ptrdiff_t)h.tokens * h.keys;
  const float* q = op.qkv.floats() + qkv;
  float* dQ = op.dQkv.floats() + qkv;
  float* weights = scratch + 2 * panel;
  return {.shape = h,
          .firstRow = h.firstRow(window, head),
          .q = q,
          .k = q + op.width,
          .v = q + 2 * op.width,
          .out = op.out.floats() + out,
          .dOut = op.dOut.floats() + out,
          .dQ = dQ,
          .dK = dQ + op.width,
          .dV = dQ + 2 * op.width,
          .panels = {scratch, scratch + panel},
          .weights = weights,
          .dScores = weights + scores};
}

void prefetchNextBackward(const AttentionBackward& op, const BackwardHead& b, int window,
                          int head) {
  const HeadShape& h = b.shape;
  if (head + 1 < op.heads) {
    prefetchNextHead(b.q, h);
    prefetchRows(b.out + h.headWidth, op.width, h);
    prefetchRows(b.dOut + h.headWidth, op.width, h);
  }
  prefetchNextWindow(op.qkv.floats(), h.stride, op.batch, window, head, h);
  prefetchNextWindow(op.out.floats(), op.width, op.batch, window, head, h);
  prefetchNextWindow(op.dOut.floats(), op.width, op.batch, window, head, h);
}

// Pd and dS of a tile of rows that begins at row `begin`; panels hold K^T and V^T.
void tileScoreGradients(const AttentionBackward& op, const BackwardHead& b, int begin, int rows) {
  const HeadShape& h = b.shape;
  const ptrdiff_t at = (ptrdiff_t)begin * op.width;
  float* p = b.weights + (ptrdiff_t)begin * h.keys;
  float* d = b.dScores + (ptrdiff_t)begin * h.keys;
  timesTransposed(b.q + begin * h.stride, h.stride, rows, h, b.panels[0], p);
  timesTransposed(b.dOut + at, op.width, rows, h, b.panels[1], d);
  float dots[kTileRows];  // (rows)
  rowDots(b.out + at, b.dOut + at, op.width, rows, h, dots);
  scoreGradients(op, h, b.firstRow + begin, rows, dots, p, d);
}

void attentionBackward(const AttentionBackward& op, int window, int head, float* scratch) {
  const BackwardHead b = backwardHead(op, window, head, scratch);
  const HeadShape& h = b.shape;

  // Pd and dS of all rows, tile by tile.
  packTransposed(b.k, h.stride, h, b.panels[0]);
  packTransposed(b.v, h.stride, h, b.panels[1]);
  prefetchNextBackward(op, b, window, head);
  for (int begin = 0; begin < op.tokens; begin += kTileRows)
    tileScoreGradients(op, b, begin, least(kTileRows, op.tokens - begin));

  // dQ = dS K.
  packChannels(b.k, h.stride, h, b.panels[0]);
  for (int begin = 0; begin < op.tokens; begin += kTileRows) {
    timesChannels(b.dScores + (ptrdiff_t)begin * h.keys, h.keys, false,
                  least(kTileRows, op.tokens - begin), h, b.panels[0], nullptr,
                  b.dQ + begin * h.stride, h.stride);
  }

  // dK = dS^T Q and dV = Pd^T dO: a tile is kTileRows columns of dS and Pd.
  packChannels(b.q, h.stride, h, b.panels[0]);
  packChannels(b.dOut, op.width, h, b.panels[1]);
  for (int begin = 0; begin < op.tokens; begin += kTileRows) {
    const int rows = least(kTileRows, op.tokens - begin);
    timesChannels(b.dScores + begin, h.keys, true, rows, h, b.panels[0], nullptr,
                  b.dK + begin * h.stride, h.stride);
    timesChannels(b.weights + begin, h.keys, true, rows, h, b.panels[1], nullptr,
                  b.dV + begin * h.stride, h.stride);
  }
}
