// Matmul of the compiled lifter: a tile of rows times a panel, sums in registers, and the epilogue
// on those registers, so that a result is written once. Included by kernels.inl alone.
//
//   y = activation(scale[row] * (a panels) + bias) + residual        kernels.h: Matmul
//
// Shapes: a (groups, rows, inner), panels (panelCount, inner, kPanel), y (groups * rows, panelCount
// * kPanel), all in whole panels. In bf16 a 32-bit word holds two neighbours of `inner`.
//
// Loop: panels outside, tiles of kTileRows rows inside: a panel is read from the second-level cache
// once for each tile, the rows once for each panel. A step over `inner` loads two vectors of the
// panel and broadcasts one word of each row; it prefetches a few bytes of the panel behind it into
// the second-level cache, as a network's weights are larger.
//
// Deterministic: each element adds its steps over `inner` in order, from zero, whatever the number
// of rows, groups or threads.
#pragma once

// Goes through consecutive rows of a RowMap with one division.
struct RowWalk {
  ptrdiff_t at;  // where the row begins, in elements
  int left;      // rows of its group, this one included
  ptrdiff_t stride, jump;

  RowWalk(const RowMap& map, int row)
      : at(row * map.stride), left(INT_MAX), stride(map.stride), jump(0) {
    if (map.rows == INT_MAX) return;
    row += map.start;
    const int group = row / map.rows, inside = row - group * map.rows;
    at = group * map.group + inside * map.stride;
    left = map.rows - inside;
    rows = map.rows;
    jump = map.group - (map.rows - 1) * map.stride;
  }
  void next() {
    if (--left == 0) {
      at += jump;
      left = rows;
    } else {
      at += stride;
    }
  }

 private:
  int rows = INT_MAX;
};

// ---- Epilogue: on the sums of MR rows from `row` and one panel from `column`, in registers.

#if defined(__AVX512BF16__)
inline void saveBf16(Bf16* to, Vec low, Vec high) {
  _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low));
}
#endif

// sums = activation(scale * sums + bias)
template <int MR>
inline void scaleAndActivate(const Matmul& op, Vec (&sums)[MR][2], int row, int column) {
  // Row scale: a layer norm folded into the weights.
  if (op.scale) {
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      const Vec factor = splat(op.scale[row + i]);
      sums[i][0] *= factor;
      sums[i][1] *= factor;
    }
  }
  if (op.bias) {
    const Vec bias0 = load(op.bias + column), bias1 = load(op.bias + column + kLanes);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      sums[i][0] += bias0;
      sums[i][1] += bias1;
    }
  }
  // Leaky ReLU as max(x, slope x).
  if (op.slope != 1.0f) {
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        const Vec below = sums[i][v] * op.slope;
        sums[i][v] = sums[i][v] > below ? sums[i][v] : below;
      }
    }
  }
}

// The residual is read before y is written, as the two may be one.
template <int MR>
inline void epilogue(const Matmul& op, Vec (&sums)[MR][2], int row, int column) {
  scaleAndActivate<MR>(op, sums, row, column);
  if (op.residual) {
    RowWalk walk(op.residualMap, row);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      const float* residual = op.residual + walk.at + column;
      sums[i][0] += load(residual);
      sums[i][1] += load(residual + kLanes);
      walk.next();
    }
  }
  // To memory in fp32, in bf16, or in both.
  if (op.y) {
    RowWalk walk(op.yMap, row);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      float* y = op.y + walk.at + column;
      save(y, sums[i][0]);
      save(y + kLanes, sums[i][1]);
      walk.next();
    }
  }
#if defined(__AVX512BF16__)
  if (op.yBf16) {
    RowWalk walk(op.yBf16Map, row);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      saveBf16(op.yBf16 + walk.at + column, sums[i][0], sums[i][1]);
      walk.next();
    }
  }
#endif
}

// ---- Tiles

// The panel behind the one in use: each step over `inner` prefetches `step` bytes of it.
struct NextPanel {
  const char* at;
  ptrdiff_t step;

  void fetch() {
    __builtin_prefetch(at, 0, 2);
    at += step;
  }
};

// MR rows from `rows`, `stride` words apart, times a panel (steps, kPanel).
template <typename Word, int MR>
void tile(const Matmul& op, const float* rows, ptrdiff_t stride, int steps, const float* panel,
          int row, int column, NextPanel next) {
  Vec sums[MR][2] = {};
  for (int p = 0; p < steps; ++p) {
    next.fetch();
    const Vec b0 = load(panel + (ptrdiff_t)p * kPanel),
              b1 = load(panel + (ptrdiff_t)p * kPanel + kLanes);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      Word::multiplyAdd(sums[i][0], rows + i * stride + p, b0);
      Word::multiplyAdd(sums[i][1], rows + i * stride + p, b1);
    }
  }
  epilogue<MR>(op, sums, row, column);
}

// The tile of MR rows: one function each, so that sums stay in registers.
using Tile = void (*)(const Matmul&, const float*, ptrdiff_t, int, const float*, int, int,
                      NextPanel);
template <typename Word>
constexpr Tile kTiles[kTileRows + 1] = {
    nullptr,       tile<Word, 1>, tile<Word, 2>, tile<Word, 3>,
    tile<Word, 4>, tile<Word, 5>, tile<Word, 6>,
#if PSTMO_VECTOR_BYTES == 64
    tile<Word, 7>, tile<Word, 8>, tile<Word, 9>,
#endif
};

template <typename Word>
void matmul(const Matmul& op) {
  // All in words, so that both precisions walk the same way.
  const float* a = static_cast<const float*>(op.a);
  const float* panels = static_cast<const float*>(op.panels);
  const ptrdiff_t stride = op.aStride / Word::kElements, group = op.aGroup / Word::kElements;
  const int steps = op.inner / Word::kElements;
  const ptrdiff_t panelWords = (ptrdiff_t)steps * kPanel, panelBytes = panelWords * 4;
  const ptrdiff_t tilesOfPanel = op.groups * ((op.rows + kTileRows - 1) / kTileRows);

  for (int panel = 0; panel < op.panelCount; ++panel) {
    // The next panel is prefetched evenly over the steps of this one's tiles.
    const float* b = panels + panel * panelWords;
    NextPanel next{reinterpret_cast<const char*>(b + panelWords),
                   panelBytes / (tilesOfPanel * steps) + 1};
    for (int g = 0; g < op.groups; ++g) {
      for (int row = 0; row < op.rows; row += kTileRows) {
        kTiles<Word>[least(kTileRows, op.rows - row)](op, a + g * group + row * stride, stride,
                                                      steps, b, g * op.rows + row, panel * kPanel,
                                                      next);
        next.at += next.step * steps;
      }
    }
  }
}
