// Attention of the compiled lifter: one head of one window. Included by kernels.inl alone.
//
//   s = q k^T, p = 2^s (or 2^(s - max)), out = p v / rowsum(p)        kernels.h: Attention
//
// Shapes: q (queries, stride), k and v (keys, stride), out (queries, outStride); all in 32-bit
// words: floats, or pairs of bf16 channels.
//
// Memory: scratch holds K^T in panels of keys (columns / kPanel, units, kPanel), the scores of one
// tile of queries (kTileRows, scoreStride), which stay in the first-level cache, and in bf16 V in
// pairs of keys.
//
// Loop: tiles of kTileRows queries. Phase 1, keys in the vector lanes: scores of a tile with one
// panel of keys in registers, exp2 on those registers, powers saved, row sums kept in vectors.
// Phase 2, channels in the lanes: powers times V, divided by the row sums on the way out.
//
// No maximum is subtracted where the bound |q| |k| of Cauchy and Schwarz keeps every power in
// range; else the scores are computed twice, the first time for their maximum.
//
// Deterministic: scores add their channels in order, row sums their panels in order and then the
// lanes in a fixed tree, outputs their keys in order. The choice above is made for MR rows
// together: a tile's rows are the same whatever the number of threads.
#pragma once

// 2^64 times some hundred keys and values of any use stay floats.
constexpr float kLargestExponent = 64.0f;

// ---- Powers

// 2^x for x in [-126, 126]; below it stays at 2^-126, so never a denormal (clamped; else the caller
// knows the range). 2^x = 2^n 2^r with n = round(x): coefficients of 2^r of least greatest relative
// error on [-0.5, 0.5].
template <bool clamped>
inline Vec exp2Of(Vec x) {
  const Vec magic = splat(kRoundingShift);
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

// Words as vector.h has them, with what attention needs beside a multiply-add.
struct Fp32Scores : Fp32Word {
  static inline Vec square(Vec v) { return v * v; }
  // Powers of one panel of keys, saved where phase 2 reads them.
  static inline void savePowers(float* row, int first, Vec low, Vec high) {
    save(row + first, low);
    save(row + first + kLanes, high);
  }
};

#if defined(__AVX512BF16__)
struct Bf16Scores : Bf16Word {
  static inline Vec square(Vec v) {
    return (Vec)_mm512_dpbf16_ps(_mm512_setzero_ps(), (__m512bh)v, (__m512bh)v);
  }
  static inline void savePowers(float* row, int first, Vec low, Vec high) {
    saveBf16((Bf16*)row + first, low, high);
  }
};
#endif

// ---- The head

// What the phases share, in 32-bit words.
struct Head {
  int queries, keys;
  int units;         // words of a row of q, k and v that hold channels
  int columns;       // keys rounded up to panels
  ptrdiff_t stride;  // of a row of q, k and v
  float* panels;     // K^T: (columns / kPanel, units, kPanel)
  float* scores;     // (kTileRows, scoreStride); of bf16 powers the first half of each row
  int scoreStride;
  float greatestKeySquare;  // max |k|^2
};

// K into panels of its transpose.
inline void packKeys(const Head& h, const float* k) {
  for (int first = 0; first < h.columns; first += kLanes) {
    float* panel = h.panels + (ptrdiff_t)(first / kPanel) * kPanel * h.units + first % kPanel;
    const int count = h.keys - first;
    for (int unit = 0; unit < h.units; unit += kLanes) {
      Vec block[kLanes];  // (keys, units), then (units, keys)
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i)
        block[i] = i < count ? load(k + (first + i) * h.stride + unit) : Vec{};
      transpose(block);
      saveBlock(panel + unit * kPanel, block, h.units - unit);
    }
  }
}

// max |k|^2, from the panels.
template <typename Word>
inline float greatestKeySquareOf(const Head& h) {
  Vec greatest{};
  for (int first = 0; first < h.columns; first += kPanel) {
    const float* panel = h.panels + (ptrdiff_t)first * h.units;
    Vec low{}, high{};
    for (int unit = 0; unit < h.units; ++unit) {
      low += Word::square(load(panel + unit * kPanel));
      high += Word::square(load(panel + unit * kPanel + kLanes));
    }
    low = low > high ? low : high;
    greatest = greatest > low ? greatest : low;
  }
  return maximum(greatest);
}

template <typename Word>
inline Head prepareHead(const Attention& op, float* scratch) {
  Head h;
  h.queries = op.queries;
  h.keys = op.keys;
  h.units = op.width / Word::kElements;
  h.columns = (op.keys + kPanel - 1) / kPanel * kPanel;
  h.stride = op.stride / Word::kElements;
  h.panels = scratch;
  h.scores = scratch + (ptrdiff_t)h.columns * h.units;
  h.scoreStride = h.columns + 16;
  packKeys(h, static_cast<const float*>(op.k));
  h.greatestKeySquare = greatestKeySquareOf<Word>(h);
  return h;
}

// ---- Phase 1: powers of the scores of MR queries

// Greatest |q|^2 of the rows. What pads a row of q is zero.
template <typename Word, int MR>
inline float greatestQuerySquare(const Head& h, const float* q) {
  float greatest = 0;
  for (int i = 0; i < MR; ++i) {
    Vec squares{};
    for (int unit = 0; unit < h.units; unit += kLanes)
      squares += Word::square(load(q + i * h.stride + unit));
    const float square = sum(squares);
    greatest = square > greatest ? square : greatest;
  }
  return greatest;
}

// s = scores of MR queries with the keys of one panel (its first vector alone with NV = 1).
template <typename Word, int MR, int NV>
inline void scoresOf(const Head& h, const float* q, const float* panel, Vec (&s)[MR][2]) {
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) s[i][0] = s[i][1] = Vec{};
  for (int unit = 0; unit < h.units; ++unit) {
    const Vec b0 = load(panel + unit * kPanel);
    Vec b1;
    if (NV == 2) b1 = load(panel + unit * kPanel + kLanes);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      Word::multiplyAdd(s[i][0], q + i * h.stride + unit, b0);
      if (NV == 2) Word::multiplyAdd(s[i][1], q + i * h.stride + unit, b1);
    }
  }
}

// Powers of the scores of the panel at key `first`, saved; their sums added to totals. shifted:
// shift[i] is subtracted from row i. Keys behind the last have power 0.
template <typename Word, int MR, int NV, bool shifted>
inline void powersOf(const Head& h, const float* q, int first, const float* shift,
                     Vec (&totals)[MR]) {
  Vec s[MR][2];
  scoresOf<Word, MR, NV>(h, q, h.panels + (ptrdiff_t)first * h.units, s);

  // Exponents to powers; a key behind the last counts for nothing.
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
    Word::savePowers(h.scores + (ptrdiff_t)i * h.scoreStride, first, low, high);
  }
}

// greatest[i] = the greatest score of row i.
template <typename Word, int MR>
void greatestScores(const Head& h, const float* q, float* greatest) {
  Vec highest[MR];
  for (int i = 0; i < MR; ++i) highest[i] = splat(-3.0e38f);
  for (int first = 0; first < h.columns; first += kPanel) {
    Vec s[MR][2];
    scoresOf<Word, MR, 2>(h, q, h.panels + (ptrdiff_t)first * h.units, s);
    for (int i = 0; i < MR; ++i) {
      for (int v = 0; v < 2; ++v) {
        const Vec valid = firstLanes(s[i][v], h.keys - first - v * kLanes, splat(-3.0e38f));
        highest[i] = valid > highest[i] ? valid : highest[i];
      }
    }
  }
  for (int i = 0; i < MR; ++i) greatest[i] = maximum(highest[i]);
}

// Powers of all keys, panel by panel; a last panel of one vector is half the work.
template <typename Word, int MR, bool shifted>
inline void panelPowers(const Head& h, const float* q, const float* shift, Vec (&totals)[MR]) {
  for (int first = 0; first < h.keys; first += kPanel) {
    if (h.keys - first > kLanes) {
      powersOf<Word, MR, 2, shifted>(h, q, first, shift, totals);
    } else {
      powersOf<Word, MR, 1, shifted>(h, q, first, shift, totals);
    }
  }
}

// Powers of MR rows into h.scores; factor[i] = 1 / their sum.
template <typename Word, int MR>
inline void softmaxRows(const Head& h, const float* q, float* factor) {
  // Whether a maximum must be subtracted, for all MR rows alike.
  float greatest[MR];
  bool shifted = false;
  if (!(greatestQuerySquare<Word, MR>(h, q) * h.greatestKeySquare <=
        kLargestExponent * kLargestExponent)) {
    greatestScores<Word, MR>(h, q, greatest);
    shifted = true;
  }

  Vec totals[MR] = {};  // row sums, a lane's keys each
  if (shifted) {
    panelPowers<Word, MR, true>(h, q, greatest, totals);
  } else {
    panelPowers<Word, MR, false>(h, q, nullptr, totals);
  }
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) factor[i] = 1.0f / sum(totals[i]);
}

// ---- Phase 2: powers times V

// out (MR, width) of MR queries; v (keys, stride).
template <int MR>
void attendRows(const Head& h, const float* q, const float* v, int width, void* out,
                ptrdiff_t outStride) {
  float factor[MR];  // 1 / row sum
  softmaxRows<Fp32Scores, MR>(h, q, factor);

  for (int first = 0; first < width; first += kPanel) {
    // Sum over keys, channels in the lanes.
    Vec sums[MR][2] = {};  // (MR, kPanel) of channels from `first`
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

    // Divided by the row sum; out has no padding.
    const int count = width - first;
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      float* to = static_cast<float*>(out) + i * outStride + first;
      saveUpTo(to, sums[i][0] * factor[i], least(kLanes, count));
      if (count > kLanes)
        saveUpTo(to + kLanes, sums[i][1] * factor[i], least(kLanes, count - kLanes));
    }
  }
}

// One function for each number of rows, so that sums stay in registers.
using AttendRows = void (*)(const Head&, const float*, const float*, int, void*, ptrdiff_t);
constexpr AttendRows kAttendRows[kTileRows + 1] = {
    nullptr,       attendRows<1>, attendRows<2>, attendRows<3>,
    attendRows<4>, attendRows<5>, attendRows<6>,
#if PSTMO_VECTOR_BYTES == 64
    attendRows<7>, attendRows<8>, attendRows<9>,
#endif
};

void attention(const Attention& op, float* scratch) {
  const Head h = prepareHead<Fp32Scores>(op, scratch);
  for (int row = 0; row < op.queries; row += kTileRows) {
    kAttendRows[least(kTileRows, op.queries - row)](
        h, static_cast<const float*>(op.q) + row * h.stride, static_cast<const float*>(op.v),
        op.width, static_cast<float*>(op.out) + row * op.outStride, op.outStride);
  }
}

// ---- The same in bf16

#if defined(__AVX512BF16__)
// v (keys, stride) in bf16 to words of two keys, the inner dimension of phase 2: (panels of 32
// channels, keys / 2, 32), zeros for an odd last key.
inline void packValues(const Head& h, const Bf16* v, int width, uint32_t* words) {
  // Lane k of the result takes channel k / 2 of the even key or, 32 further, of the odd one.
  alignas(64) static constexpr uint16_t kLow[32] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                    37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                    11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(kLow), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  const ptrdiff_t stride = 2 * h.stride;  // in bf16
  for (int first = 0; first < width; first += 32) {
    for (int key = 0; key < h.keys; key += 2) {
      const __m512i even = _mm512_loadu_si512(v + key * stride + first);
      const __m512i odd = key + 1 < h.keys ? _mm512_loadu_si512(v + (key + 1) * stride + first)
                                           : _mm512_setzero_si512();
      _mm512_storeu_si512(words, _mm512_permutex2var_epi16(even, low, odd));
      _mm512_storeu_si512(words + 16, _mm512_permutex2var_epi16(even, high, odd));
      words += 32;
    }
  }
}

// v: words as packValues lays them; out in bf16.
template <int MR>
void attendRowsBf16(const Head& h, const float* q, const float* v, int width, void* out,
                    ptrdiff_t outStride) {
  float factor[MR];  // 1 / row sum
  softmaxRows<Bf16Scores, MR>(h, q, factor);

  const int pairs = (h.keys + 1) / 2;
  for (int first = 0; first < width; first += 32) {
    // Sum over pairs of keys, channels in the lanes.
    Vec sums[MR][2] = {};  // (MR, 32) of channels from `first`, in fp32
    for (int pair = 0; pair < pairs; ++pair) {
      const Vec b0 = load(v + pair * 32), b1 = load(v + pair * 32 + 16);
#pragma GCC unroll 9
      for (int i = 0; i < MR; ++i) {
        const float* weight =
            (const float*)((const Bf16*)(h.scores + (ptrdiff_t)i * h.scoreStride) + 2 * pair);
        Bf16Word::multiplyAdd(sums[i][0], weight, b0);
        Bf16Word::multiplyAdd(sums[i][1], weight, b1);
      }
    }
    v += pairs * 32;

    // Divided by the row sum and rounded; out has no padding.
    const int count = width - first;
    const __mmask32 mask = count >= 32 ? 0xffffffffu : (1u << count) - 1;
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      const __m512bh both =
          _mm512_cvtne2ps_pbh((__m512)(sums[i][1] * factor[i]), (__m512)(sums[i][0] * factor[i]));
      _mm512_mask_storeu_epi16(static_cast<Bf16*>(out) + i * outStride + first, mask,
                               (__m512i)both);
    }
  }
}

constexpr AttendRows kAttendRowsBf16[kTileRows + 1] = {
    nullptr,           attendRowsBf16<1>, attendRowsBf16<2>, attendRowsBf16<3>, attendRowsBf16<4>,
    attendRowsBf16<5>, attendRowsBf16<6>, attendRowsBf16<7>, attendRowsBf16<8>, attendRowsBf16<9>,
};

void attentionBf16(const Attention& op, float* scratch) {
  const Head h = prepareHead<Bf16Scores>(op, scratch);
  float* values = h.scores + (ptrdiff_t)kTileRows * h.scoreStride;
  packValues(h, static_cast<const Bf16*>(op.v), op.width, reinterpret_cast<uint32_t*>(values));
  for (int row = 0; row < op.queries; row += kTileRows) {
    kAttendRowsBf16[least(kTileRows, op.queries - row)](
        h, static_cast<const float*>(op.q) + row * h.stride, values, op.width,
        static_cast<Bf16*>(op.out) + row * op.outStride, op.outStride);
  }
}
#endif
