// Attention of one head of one window for the plan: K transposed into panels of keys, kPlanRows
// queries at a time, their scores in the first-level cache, exp2 on the sums while they are in
// registers. Included by plan-kernels.inl alone.
#pragma once

constexpr float kLargestExponent =
    64.0f;  // 2^64 times some hundred keys and values of any use stay floats

// 2^x for x in [-126, 126]; below it stays at 2^-126, so never a denormal. Coefficients: least
// greatest relative error on [-0.5, 0.5].
template <bool clamped>
inline Vec exp2Of(Vec x) {
  const Vec magic =
      splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits
  if (clamped) x = x < -126.0f ? splat(-126.0f) : x;
  const Vec shifted = x + magic;
  const Vec r = x - (shifted - magic);
#if defined(__AVX512BF16__)
  Vec p = splat(5.517166e-2f);
  p = p * r + 2.4261112e-1f;
  p = p * r + 6.9326097e-1f;
  p = p * r + 9.9992807e-1f;
#else
  Vec p = splat(1.3276472e-3f);
  p = p * r + 9.6755413e-3f;
  p = p * r + 5.5507133e-2f;
  p = p * r + 2.4022120e-1f;
  p = p * r + 6.9314697e-1f;
  p = p * r + 1.0000001f;
#endif
  return (Vec)((VecInt)p + ((VecInt)shifted << 23));
}

// What the functions below share. Elements are floats, or bf16 pairs: units of 32 bits either way.
struct HeadPlan {
  int queries, keys, units, columns;  // columns: keys rounded up to panels
  ptrdiff_t stride;                   // of a row of q, k and v, in units
  bool skipMaximum;
  float* panels;  // K^T: (columns / kPanel, units, kPanel)
  float* scores;  // (kPlanRows, scoreStride)
  int scoreStride;
  float greatestKeySquare;  // max |k|^2
};

inline void packKeys(const HeadPlan& h, const float* k) {
  for (int first = 0; first < h.columns; first += kLanes) {
    float* panel = h.panels + (ptrdiff_t)(first / kPanel) * kPanel * h.units + first % kPanel;
    const int count = h.keys - first;
    for (int unit = 0; unit < h.units; unit += kLanes) {
      Vec block[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i)
        block[i] = i < count ? load(k + (first + i) * h.stride + unit) : Vec{};
      transpose(block);
      if (unit + kLanes <= h.units) {
#pragma GCC unroll 16
        for (int c = 0; c < kLanes; ++c) save(panel + (unit + c) * kPanel, block[c]);
      } else {
        for (int c = 0; c < h.units - unit; ++c) save(panel + (unit + c) * kPanel, block[c]);
      }
    }
  }
}

struct FloatUnits {
  static inline void multiplyAdd(Vec& sum, const float* a, Vec b) { sum += *a * b; }
  static inline Vec square(Vec v) { return v * v; }
  // Powers of one panel of keys, saved where the sums over keys will read them.
  static inline void savePowers(float* row, int first, Vec low, Vec high) {
    save(row + first, low);
    save(row + first + kLanes, high);
  }
};

#if defined(__AVX512BF16__)
struct Bf16Units {
  static inline void multiplyAdd(Vec& sum, const float* a, Vec b) {
    int pair;
    __builtin_memcpy(&pair, a, 4);
    sum = (Vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(pair), (__m512bh)b);
  }
  static inline Vec square(Vec v) {
    return (Vec)_mm512_dpbf16_ps(_mm512_setzero_ps(), (__m512bh)v, (__m512bh)v);
  }
  static inline void savePowers(float* row, int first, Vec low, Vec high) {
    saveBf16((Bf16*)row + first, low, high);
  }
};
#endif

// max |k|^2, from the panels.
template <typename Units>
inline float greatestKeySquareOf(const HeadPlan& h) {
  Vec greatest{};
  for (int first = 0; first < h.columns; first += kPanel) {
    const float* panel = h.panels + (ptrdiff_t)first * h.units;
    Vec low{}, high{};
    for (int unit = 0; unit < h.units; ++unit) {
      low += Units::square(load(panel + unit * kPanel));
      high += Units::square(load(panel + unit * kPanel + kLanes));
    }
    low = low > high ? low : high;
    greatest = greatest > low ? greatest : low;
  }
  return maximum(greatest);
}

// Greatest |q|^2 of the rows. What pads a row of q is zero.
template <typename Units, int MR>
inline float greatestQuerySquare(const HeadPlan& h, const float* q) {
  float greatest = 0;
  for (int i = 0; i < MR; ++i) {
    Vec squares{};
    for (int unit = 0; unit < h.units; unit += kLanes)
      squares += Units::square(load(q + i * h.stride + unit));
    const float square = sum(squares);
    greatest = square > greatest ? square : greatest;
  }
  return greatest;
}

// Scores of MR queries with the keys of one panel (its first vector alone with NV = 1).
template <typename Units, int MR, int NV>
inline void scoresOf(const HeadPlan& h, const float* q, const float* panel, Vec (&s)[MR][2]) {
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) s[i][0] = s[i][1] = Vec{};
  for (int unit = 0; unit < h.units; ++unit) {
    const Vec b0 = load(panel + unit * kPanel);
    Vec b1;
    if (NV == 2) b1 = load(panel + unit * kPanel + kLanes);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      Units::multiplyAdd(s[i][0], q + i * h.stride + unit, b0);
      if (NV == 2) Units::multiplyAdd(s[i][1], q + i * h.stride + unit, b1);
    }
  }
}

// Powers of the scores of one panel, saved; their sums added to totals. shifted: `shift` is
// subtracted from each row.
template <typename Units, int MR, int NV, bool shifted>
inline void powersOf(const HeadPlan& h, const float* q, int first, const float* shift,
                     Vec (&totals)[MR]) {
  Vec s[MR][2];
  scoresOf<Units, MR, NV>(h, q, h.panels + (ptrdiff_t)first * h.units, s);
  const int valid = h.keys - first;
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) {
    if (shifted) {
      s[i][0] -= shift[i];
      s[i][1] -= shift[i];
    }
    Vec low = exp2Of<shifted>(s[i][0]), high = NV == 2 ? exp2Of<shifted>(s[i][1]) : Vec{};
    if (valid < NV * kLanes) {
      if (NV == 1) {
        low = firstLanes(low, valid, Vec{});
      } else {
        high = firstLanes(high, valid - kLanes, Vec{});
      }
    }
    totals[i] += NV == 2 ? low + high : low;
    Units::savePowers(h.scores + (ptrdiff_t)i * h.scoreStride, first, low, high);
  }
}

// The greatest score of each row.
template <typename Units, int MR>
void greatestScores(const HeadPlan& h, const float* q, float* greatest) {
  Vec highest[MR];
  for (int i = 0; i < MR; ++i) highest[i] = splat(-3.0e38f);
  for (int first = 0; first < h.columns; first += kPanel) {
    Vec s[MR][2];
    scoresOf<Units, MR, 2>(h, q, h.panels + (ptrdiff_t)first * h.units, s);
    for (int i = 0; i < MR; ++i) {
      for (int v = 0; v < 2; ++v) {
        const Vec valid = firstLanes(s[i][v], h.keys - first - v * kLanes, splat(-3.0e38f));
        highest[i] = valid > highest[i] ? valid : highest[i];
      }
    }
  }
  for (int i = 0; i < MR; ++i) greatest[i] = maximum(highest[i]);
}

template <typename Units, int MR, bool shifted>
inline void panelPowers(const HeadPlan& h, const float* q, const float* shift, Vec (&totals)[MR]) {
  for (int first = 0; first < h.keys; first += kPanel) {
    if (h.keys - first > kLanes) {
      powersOf<Units, MR, 2, shifted>(h, q, first, shift, totals);
    } else {
      powersOf<Units, MR, 1, shifted>(h, q, first, shift, totals);
    }
  }
}

// Powers of MR rows into h.scores; factor[i] = 1 / their sum. Where the bound of Cauchy and Schwarz
// keeps every exponent small, nothing is subtracted; else the scores are computed twice, the first
// time for their greatest.
template <typename Units, int MR>
inline void softmaxRows(const HeadPlan& h, const float* q, float* factor) {
  float greatest[MR];
  bool shifted = false;
  if (!h.skipMaximum || !(greatestQuerySquare<Units, MR>(h, q) * h.greatestKeySquare <=
                          kLargestExponent * kLargestExponent)) {
    greatestScores<Units, MR>(h, q, greatest);
    shifted = true;
  }
  Vec totals[MR] = {};
  if (shifted) {
    panelPowers<Units, MR, true>(h, q, greatest, totals);
  } else {
    panelPowers<Units, MR, false>(h, q, nullptr, totals);
  }
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) factor[i] = 1.0f / sum(totals[i]);
}

template <int MR>
void attendRows(const HeadPlan& h, const float* q, const float* v, int width, float* out,
                ptrdiff_t outStride) {
  float factor[MR];
  softmaxRows<FloatUnits, MR>(h, q, factor);
  for (int first = 0; first < width; first += kPanel) {
    Vec sums[MR][2] = {};
    for (int key = 0; key < h.keys; ++key) {
      const Vec b0 = load(v + key * h.stride + first),
                b1 = load(v + key * h.stride + first + kLanes);
#pragma GCC unroll 9
      for (int i = 0; i < MR; ++i) {
        const float weight = h.scores[(ptrdiff_t)i * h.scoreStride + key];
        sums[i][0] += weight * b0;
        sums[i][1] += weight * b1;
      }
    }
    const int count = width - first;
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      float* to = out + i * outStride + first;
      saveUpTo(to, sums[i][0] * factor[i], least(kLanes, count));
      if (count > kLanes)
        saveUpTo(to + kLanes, sums[i][1] * factor[i], least(kLanes, count - kLanes));
    }
  }
}

using AttendRows = void (*)(const HeadPlan&, const float*, const float*, int, float*, ptrdiff_t);
constexpr AttendRows kAttendRows[kPlanRows + 1] = {
    nullptr,       attendRows<1>, attendRows<2>, attendRows<3>,
    attendRows<4>, attendRows<5>, attendRows<6>,
#if PSTMO_VECTOR_BYTES == 64
    attendRows<7>, attendRows<8>, attendRows<9>,
#endif
};

inline HeadPlan headPlan(const PlanAttention& op, int units, int unitsOfStride, float* scratch) {
  HeadPlan h;
  h.queries = op.queries;
  h.keys = op.keys;
  h.units = units;
  h.columns = (op.keys + kPanel - 1) / kPanel * kPanel;
  h.stride = unitsOfStride;
  h.skipMaximum = op.skipMaximum;
  h.panels = scratch;
  h.scores = scratch + (ptrdiff_t)h.columns * units;
  h.scoreStride = h.columns + 16;
  h.greatestKeySquare = 0;
  return h;
}

void planAttention(const PlanAttention& op, float* scratch) {
  HeadPlan h = headPlan(op, op.width, (int)op.stride, scratch);
  packKeys(h, static_cast<const float*>(op.k));
  if (h.skipMaximum) h.greatestKeySquare = greatestKeySquareOf<FloatUnits>(h);
  for (int row = 0; row < op.queries; row += kPlanRows) {
    kAttendRows[least(kPlanRows, op.queries - row)](
        h, static_cast<const float*>(op.q) + row * h.stride, static_cast<const float*>(op.v),
        op.width, static_cast<float*>(op.out) + row * op.outStride, op.outStride);
  }
}

#if defined(__AVX512BF16__)
// v (keys, stride) in bf16 to pairs of keys: (keys / 2, channels, 2), channels in panels of 32 one
// after the other.
inline void packValues(const HeadPlan& h, const Bf16* v, int width, uint32_t* pairs) {
  alignas(64) static constexpr uint16_t kLow[32] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                    37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                    11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(kLow), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  const ptrdiff_t stride = 2 * h.stride;
  for (int first = 0; first < width; first += 32) {
    for (int key = 0; key < h.keys; key += 2) {
      const __m512i even = _mm512_loadu_si512(v + key * stride + first);
      const __m512i odd = key + 1 < h.keys ? _mm512_loadu_si512(v + (key + 1) * stride + first)
                                           : _mm512_setzero_si512();
      _mm512_storeu_si512(pairs, _mm512_permutex2var_epi16(even, low, odd));
      _mm512_storeu_si512(pairs + 16, _mm512_permutex2var_epi16(even, high, odd));
      pairs += 32;
    }
  }
}

template <int MR>
void attendRowsBf16(const HeadPlan& h, const float* q, const float* v, int width, float* out,
                    ptrdiff_t outStride) {
  float factor[MR];
  softmaxRows<Bf16Units, MR>(h, q, factor);
  const int pairs = (h.keys + 1) / 2;
  for (int first = 0; first < width; first += 32) {
    Vec sums[MR][2] = {};
    for (int pair = 0; pair < pairs; ++pair) {
      const Vec b0 = load(v + pair * 32), b1 = load(v + pair * 32 + 16);
#pragma GCC unroll 9
      for (int i = 0; i < MR; ++i) {
        const float* weight =
            (const float*)((const Bf16*)(h.scores + (ptrdiff_t)i * h.scoreStride) + 2 * pair);
        Bf16Units::multiplyAdd(sums[i][0], weight, b0);
        Bf16Units::multiplyAdd(sums[i][1], weight, b1);
      }
    }
    v += pairs * 32;
    const int count = width - first;
    const __mmask32 mask = count >= 32 ? 0xffffffffu : (1u << count) - 1;
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      const __m512bh both =
          _mm512_cvtne2ps_pbh((__m512)(sums[i][1] * factor[i]), (__m512)(sums[i][0] * factor[i]));
      _mm512_mask_storeu_epi16((Bf16*)out + i * outStride + first, mask, (__m512i)both);
    }
  }
}

constexpr AttendRows kAttendRowsBf16[kPlanRows + 1] = {
    nullptr,           attendRowsBf16<1>, attendRowsBf16<2>, attendRowsBf16<3>, attendRowsBf16<4>,
    attendRowsBf16<5>, attendRowsBf16<6>, attendRowsBf16<7>, attendRowsBf16<8>, attendRowsBf16<9>,
};

void planAttentionBf16(const PlanAttention& op, float* scratch) {
  HeadPlan h = headPlan(op, op.width / 2, (int)op.stride / 2, scratch);
  packKeys(h, static_cast<const float*>(op.k));
  if (h.skipMaximum) h.greatestKeySquare = greatestKeySquareOf<Bf16Units>(h);
  float* values = h.scores + (ptrdiff_t)kPlanRows * h.scoreStride;
  packValues(h, static_cast<const Bf16*>(op.v), op.width, reinterpret_cast<uint32_t*>(values));
  for (int row = 0; row < op.queries; row += kPlanRows) {
    kAttendRowsBf16[least(kPlanRows, op.queries - row)](
        h, static_cast<const float*>(op.q) + row * h.stride, values, op.width,
        reinterpret_cast<float*>(static_cast<Bf16*>(op.out) + row * op.outStride), op.outStride);
  }
}
#endif
