// Multi-head attention of one window and one head, scores in scratch, products through the tiles of
// kernels-product.h. Included by kernels.inl alone.
#pragma once

// Sizes shared by the three functions. Keys are padded to whole panels; what pads them is zero.
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
};

// A head's rows are a few cache lines each, far apart: while one head is worked on, the lines of
// the next are asked for.
void prefetchRows(const float* x, ptrdiff_t stride, const HeadShape& h) {
  for (int t = 0; t < h.tokens; ++t) {
    for (int c = 0; c < h.headWidth; c += 16) __builtin_prefetch(x + t * stride + c);
  }
}

// Short windows: while head i of one is worked on, the i-th part of the next window's rows goes to
// the second-level cache.
void prefetchNextWindow(const float* x, ptrdiff_t stride, int batch, int window, int head,
                        const HeadShape& h) {
  constexpr ptrdiff_t kShort = 256
                               << 10;  // bytes: two windows and what a head needs fit side by side
  const ptrdiff_t floats = h.tokens * stride;
  if (window + 1 >= batch || floats * 4 > kShort) return;
  const float* next = x + (window + 1) * floats;
  for (ptrdiff_t i = floats * head / h.heads; i < floats * (head + 1) / h.heads; i += 16)
    __builtin_prefetch(next + i, 0, 1);
}

// x (tokens, headWidth) with row stride -> panels over tokens: [token / kPanel][channel][kPanel].
void packTransposed(const float* x, ptrdiff_t stride, const HeadShape& h, float* panels) {
  for (int first = 0; first < h.keys; first += kLanes) {
    float* panel = panels + (ptrdiff_t)(first / kPanel) * kPanel * h.headWidth + first % kPanel;
    const int count = h.tokens - first;
    for (int channel = 0; channel < h.headWidth; channel += kLanes) {
      const int channels = least(kLanes, h.headWidth - channel);
      Vec block[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i)
        block[i] = i < count ? loadUpTo(x + (first + i) * stride + channel, channels) : Vec{};
      transpose(block);
      if (channels == kLanes) {
#pragma GCC unroll 16
        for (int c = 0; c < kLanes; ++c) save(panel + (channel + c) * kPanel, block[c]);
      } else {
        for (int c = 0; c < channels; ++c) save(panel + (channel + c) * kPanel, block[c]);
      }
    }
  }
}

// x (tokens, headWidth) -> panels over channels: [channel / columns][token][columns].
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

// rows (rows, keys) = a (rows, headWidth) times transposed panels.
void timesTransposed(const float* a, ptrdiff_t stride, int rows, const HeadShape& h,
                     const float* panels, float* to) {
  float out[kTileRows * kPanel];
  for (int first = 0; first < h.keys; first += kPanel) {
    tile(rows, a, stride, false, h.headWidth, panels + (ptrdiff_t)first * h.headWidth, kPanel, out,
         false);
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
  float out[kTileRows * kPanel];
  for (int first = 0; first < h.channels; first += h.columns) {
    tile(rows, a, aStride, kMajor, h.tokens, panels + (ptrdiff_t)first * h.tokens, h.columns, out,
         false);
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

// Scores of a row become e^(scale (s - max)), zero behind `tokens`. Returns the sum; `top` becomes
// scale * max.
float softmaxRow(float* scores, const HeadShape& h, float* top) {
  Vec highest = splat(-3.0e38f);
  for (int j = 0; j < h.tokens; j += kLanes) {
    const int count = least(kLanes, h.tokens - j);
    const Vec s = firstLanes(load(scores + j), count, splat(-3.0e38f));
    highest = s > highest ? s : highest;
  }
  const float shift = maximum(highest) * h.scale;
  Vec total{};
  for (int j = 0; j < h.tokens; j += kLanes) {
    const int count = least(kLanes, h.tokens - j);
    const Vec e = firstLanes(exponential(load(scores + j) * h.scale - shift), count, Vec{});
    save(scores + j, e);
    total += e;
  }
  *top = shift;
  return sum(total);
}

void attentionForward(const AttentionForward& op, int window, int head, float* scratch) {
  const HeadShape h(op.tokens, op.width, op.heads);
  const float* q = op.qkv.floats() + (ptrdiff_t)window * op.tokens * h.stride + head * h.headWidth;
  float* keyPanels = scratch;
  float* valuePanels = keyPanels + (ptrdiff_t)h.keys * h.headWidth;
  float* scores = valuePanels + (ptrdiff_t)h.channels * h.tokens;
  packTransposed(q + op.width, h.stride, h, keyPanels);
  packChannels(q + 2 * op.width, h.stride, h, valuePanels);
  if (head + 1 < op.heads) {
    for (int part = 0; part < 3; ++part)
      prefetchRows(q + part * op.width + h.headWidth, h.stride, h);
  }
  prefetchNextWindow(op.qkv.floats(), h.stride, op.batch, window, head, h);
  const int64_t firstRow = ((int64_t)window * op.heads + head) * op.tokens;
  for (int begin = 0; begin < op.tokens; begin += kTileRows) {
    const int rows = least(kTileRows, op.tokens - begin);
    timesTransposed(q + begin * h.stride, h.stride, rows, h, keyPanels, scores);
    float factor[kTileRows];
    for (int i = 0; i < rows; ++i) {
      float top;
      const float total = softmaxRow(scores + (ptrdiff_t)i * h.keys, h, &top);
      factor[i] = 1.0f / total;
      op.logSumExp[firstRow + begin + i] = top + __builtin_logf(total);
    }
    if (op.dropout.active()) {
      forEachVector(op.dropout, op.tokens, firstRow + begin, firstRow + begin + rows,
                    [&](int64_t row, int column, int, Vec keep) {
                      float* s = scores + (row - firstRow - begin) * h.keys + column;
                      save(s, load(s) * keep);
                    });
    }
    float* out =
        op.out.floats() + ((ptrdiff_t)window * op.tokens + begin) * op.width + head * h.headWidth;
    timesChannels(scores, h.keys, false, rows, h, valuePanels, factor, out, op.width);
  }
}

void attentionMaps(const AttentionMaps& op, int window, int head, float* scratch) {
  const HeadShape h(op.tokens, op.width, op.heads);
  const float* q = op.qkv.floats() + (ptrdiff_t)window * op.tokens * h.stride + head * h.headWidth;
  float* keyPanels = scratch;
  float* scores = keyPanels + (ptrdiff_t)h.keys * h.headWidth;
  packTransposed(q + op.width, h.stride, h, keyPanels);
  for (int begin = 0; begin < op.tokens; begin += kTileRows) {
    const int rows = least(kTileRows, op.tokens - begin);
    timesTransposed(q + begin * h.stride, h.stride, rows, h, keyPanels, scores);
    for (int i = 0; i < rows; ++i) {
      float top;
      float* row = scores + (ptrdiff_t)i * h.keys;
      const float factor = 1.0f / softmaxRow(row, h, &top);
      float* map =
          op.maps + (((ptrdiff_t)window * op.heads + head) * op.tokens + begin + i) * op.tokens;
      for (int j = 0; j < op.tokens; ++j) map[j] = row[j] * factor;
    }
  }
}

// P = softmax, Pd = P * keep: dV = Pd^T dO; dP = keep * (dO V^T); dS = scale * P * (dP - rowsum(dO
// * O)); dQ = dS K; dK = dS^T Q.
void attentionBackward(const AttentionBackward& op, int window, int head, float* scratch) {
  const HeadShape h(op.tokens, op.width, op.heads);
  const ptrdiff_t firstToken = (ptrdiff_t)window * op.tokens;
  const float* q = op.qkv.floats() + firstToken * h.stride + head * h.headWidth;
  const float* out = op.out.floats() + firstToken * op.width + head * h.headWidth;
  const float* dOut = op.dOut.floats() + firstToken * op.width + head * h.headWidth;
  float* dQ = op.dQkv.floats() + firstToken * h.stride + head * h.headWidth;
  float* panels = scratch;  // one at a time: K^T, then V^T, then channel panels
  float* valuePanels = panels + (ptrdiff_t)h.keys * h.channels;
  float* weights = valuePanels + (ptrdiff_t)h.keys * h.channels;  // (tokens, keys)
  float* dScores = weights + (ptrdiff_t)h.tokens * h.keys;        // (tokens, keys)
  packTransposed(q + op.width, h.stride, h, panels);
  packTransposed(q + 2 * op.width, h.stride, h, valuePanels);
  if (head + 1 < op.heads) {
    for (int part = 0; part < 3; ++part)
      prefetchRows(q + part * op.width + h.headWidth, h.stride, h);
    prefetchRows(out + h.headWidth, op.width, h);
    prefetchRows(dOut + h.headWidth, op.width, h);
  }
  prefetchNextWindow(op.qkv.floats(), h.stride, op.batch, window, head, h);
  prefetchNextWindow(op.out.floats(), op.width, op.batch, window, head, h);
  prefetchNextWindow(op.dOut.floats(), op.width, op.batch, window, head, h);
  const int64_t firstRow = ((int64_t)window * op.heads + head) * op.tokens;
  for (int begin = 0; begin < op.tokens; begin += kTileRows) {
    const int rows = least(kTileRows, op.tokens - begin);
    float* p = weights + (ptrdiff_t)begin * h.keys;
    float* d = dScores + (ptrdiff_t)begin * h.keys;
    timesTransposed(q + begin * h.stride, h.stride, rows, h, panels, p);
    timesTransposed(dOut + (ptrdiff_t)begin * op.width, op.width, rows, h, valuePanels, d);
    float dots[kTileRows];
    for (int i = 0; i < rows; ++i) {
      Vec dot{};
      const ptrdiff_t at = (ptrdiff_t)(begin + i) * op.width;
      for (int c = 0; c < h.headWidth; c += kLanes) {
        const int count = least(kLanes, h.headWidth - c);
        dot += loadUpTo(out + at + c, count) * loadUpTo(dOut + at + c, count);
      }
      dots[i] = sum(dot);
    }
    forEachVector(op.dropout, op.tokens, firstRow + begin, firstRow + begin + rows,
                  [&](int64_t row, int column, int count, Vec keep) {
                    const ptrdiff_t i = row - firstRow - begin;
                    float* pAt = p + i * h.keys + column;
                    float* dAt = d + i * h.keys + column;
                    const Vec weight = exponential(load(pAt) * h.scale - op.logSumExp[row]);
                    save(pAt, firstLanes(weight * keep, count, Vec{}));
                    save(dAt,
                         firstLanes(weight * (load(dAt) * keep - dots[i]) * h.scale, count, Vec{}));
                  });
  }
  packChannels(q + op.width, h.stride, h, panels);
  for (int begin = 0; begin < op.tokens; begin += kTileRows) {
    timesChannels(dScores + (ptrdiff_t)begin * h.keys, h.keys, false,
                  least(kTileRows, op.tokens - begin), h, panels, nullptr, dQ + begin * h.stride,
                  h.stride);
  }
  packChannels(q, h.stride, h, panels);
  packChannels(dOut, op.width, h, valuePanels);
  for (int begin = 0; begin < op.tokens; begin += kTileRows) {
    const int rows = least(kTileRows, op.tokens - begin);
    timesChannels(dScores + begin, h.keys, true, rows, h, panels, nullptr,
                  dQ + op.width + begin * h.stride, h.stride);
    timesChannels(weights + begin, h.keys, true, rows, h, valuePanels, nullptr,
                  dQ + 2 * op.width + begin * h.stride, h.stride);
  }
}
