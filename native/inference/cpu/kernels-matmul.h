// Products of the plan: tiles of kPlanRows rows and one panel of two vectors, sums in registers,
// the epilogue on those registers. Panels outside, rows inside: a panel is read from the
// second-level cache once for each tile and the rows once for each panel. Included by
// plan-kernels.inl alone.
#pragma once

#if PSTMO_VECTOR_BYTES == 64
constexpr int kPlanRows = 9;  // 18 sums, 2 panel vectors and a broadcast of 32 registers; nine
                              // divides every token count of the model
#else
constexpr int kPlanRows = 6;  // 12 sums of 16 registers
#endif

// Goes through consecutive rows of a RowMap with one division.
struct RowWalk {
  ptrdiff_t at;
  int left;
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

#if defined(__AVX512BF16__)
inline void saveBf16(Bf16* to, Vec low, Vec high) {
  _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low));
}
#endif

template <int MR>
inline void planStore(const PlanProduct& op, Vec (&sums)[MR][2], int row, int column) {
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

// The panel behind the one in use, of which each step over `inner` asks the second-level cache for
// a few bytes: a network's weights are larger.
struct NextPanel {
  const char* at;
  ptrdiff_t step;

  void fetch() {
    __builtin_prefetch(at, 0, 2);
    at += step;
  }
};

template <int MR>
void planTile(const PlanProduct& op, const void* rows, const void* panel, int row, int column,
              NextPanel next) {
  const float* a = static_cast<const float*>(rows);
  const float* b = static_cast<const float*>(panel);
  const ptrdiff_t stride = op.aStride;
  const int inner = op.inner;
  Vec sums[MR][2] = {};
  for (int p = 0; p < inner; ++p) {
    next.fetch();
    const Vec b0 = load(b + (ptrdiff_t)p * kPanel), b1 = load(b + (ptrdiff_t)p * kPanel + kLanes);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      const float value = a[i * stride + p];
      sums[i][0] += value * b0;
      sums[i][1] += value * b1;
    }
  }
  planStore<MR>(op, sums, row, column);
}

#if defined(__AVX512BF16__)
template <int MR>
void planTileBf16(const PlanProduct& op, const void* rows, const void* panel, int row, int column,
                  NextPanel next) {
  const uint32_t* a = static_cast<const uint32_t*>(rows);
  const uint32_t* b = static_cast<const uint32_t*>(panel);
  const ptrdiff_t stride = op.aStride / 2;
  const int pairs = op.inner / 2;
  Vec sums[MR][2] = {};
  for (int p = 0; p < pairs; ++p) {
    next.fetch();
    const __m512bh b0 = (__m512bh)_mm512_loadu_si512(b + (ptrdiff_t)p * 32),
                   b1 = (__m512bh)_mm512_loadu_si512(b + (ptrdiff_t)p * 32 + 16);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      const __m512bh value = (__m512bh)_mm512_set1_epi32((int)a[i * stride + p]);
      sums[i][0] = (Vec)_mm512_dpbf16_ps((__m512)sums[i][0], value, b0);
      sums[i][1] = (Vec)_mm512_dpbf16_ps((__m512)sums[i][1], value, b1);
    }
  }
  planStore<MR>(op, sums, row, column);
}
#endif

using PlanTile = void (*)(const PlanProduct&, const void*, const void*, int, int, NextPanel);

constexpr PlanTile kPlanTiles[kPlanRows + 1] = {
    nullptr,     planTile<1>, planTile<2>, planTile<3>, planTile<4>, planTile<5>, planTile<6>,
#if PSTMO_VECTOR_BYTES == 64
    planTile<7>, planTile<8>, planTile<9>,
#endif
};

// stepElements: elements of a row that one step over `inner` takes.
inline void planTiles(const PlanProduct& op, const PlanTile (&tiles)[kPlanRows + 1],
                      int elementBytes, int stepElements) {
  const char* a = static_cast<const char*>(op.a);
  const ptrdiff_t panelBytes = (ptrdiff_t)op.inner * kPanel * elementBytes;
  const ptrdiff_t steps = op.inner / stepElements,
                  tilesOfPanel = op.groups * ((op.rows + kPlanRows - 1) / kPlanRows);
  for (int panel = 0; panel < op.panelCount; ++panel) {
    const char* b = static_cast<const char*>(op.panels) + panel * panelBytes;
    NextPanel next{b + panelBytes, panelBytes / (tilesOfPanel * steps) + 1};
    for (int group = 0; group < op.groups; ++group) {
      const char* rows = a + group * op.aGroup * elementBytes;
      for (int row = 0; row < op.rows; row += kPlanRows) {
        tiles[least(kPlanRows, op.rows - row)](op, rows + row * op.aStride * elementBytes, b,
                                               group * op.rows + row, panel * kPanel, next);
        next.at += next.step * steps;
      }
    }
  }
}

void planProduct(const PlanProduct& op) { planTiles(op, kPlanTiles, 4, 1); }

#if defined(__AVX512BF16__)
constexpr PlanTile kPlanTilesBf16[kPlanRows + 1] = {
    nullptr,         planTileBf16<1>, planTileBf16<2>, planTileBf16<3>, planTileBf16<4>,
    planTileBf16<5>, planTileBf16<6>, planTileBf16<7>, planTileBf16<8>, planTileBf16<9>,
};
void planProductBf16(const PlanProduct& op) { planTiles(op, kPlanTilesBf16, 2, 2); }
#endif
