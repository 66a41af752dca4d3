// Products on packed panels: out (MR, NV vectors) = or += a (MR, k) panel (k, NV vectors), sums
// held in registers. Included by kernels.inl alone.
#pragma once

#if PSTMO_VECTOR_BYTES == 64
constexpr int kTileRows = 9;  // 18 sums + 2 panel vectors + 1 broadcast of 32 registers; nine
                              // divides every token count of the model
#else
constexpr int kTileRows = 6;  // 12 sums of 16 registers
#endif

template <int MR, int NV, bool kMajor>
void tileOf(const float* __restrict a, ptrdiff_t stride, int k, const float* __restrict panel,
            float* __restrict out, bool accumulate) {
  Vec sums[MR][NV];
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v)
      sums[i][v] = accumulate ? load(out + (i * NV + v) * kLanes) : Vec{};
  }
  for (int p = 0; p < k; ++p) {
    Vec b[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) b[v] = load(panel + (p * NV + v) * kLanes);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      const float value = kMajor ? a[p * stride + i] : a[i * stride + p];
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sums[i][v] += value * b[v];
    }
  }
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) save(out + (i * NV + v) * kLanes, sums[i][v]);
  }
}

using TileFunction = void (*)(const float*, ptrdiff_t, int, const float*, float*, bool);

template <int NV, bool kMajor>
TileFunction tileFor(int rows) {
  switch (rows) {
    case 1:
      return tileOf<1, NV, kMajor>;
    case 2:
      return tileOf<2, NV, kMajor>;
    case 3:
      return tileOf<3, NV, kMajor>;
    case 4:
      return tileOf<4, NV, kMajor>;
    case 5:
      return tileOf<5, NV, kMajor>;
    case 6:
      return tileOf<6, NV, kMajor>;
#if PSTMO_VECTOR_BYTES == 64
    case 7:
      return tileOf<7, NV, kMajor>;
    case 8:
      return tileOf<8, NV, kMajor>;
    default:
      return tileOf<9, NV, kMajor>;
#else
    default:
      return tileOf<6, NV, kMajor>;
#endif
  }
}

void tile(int rows, const float* a, ptrdiff_t stride, bool kMajor, int k, const float* panel,
          int columns, float* out, bool accumulate) {
  TileFunction function;
  if (columns == kPanel) {
    function = kMajor ? tileFor<2, true>(rows) : tileFor<2, false>(rows);
  } else {
    function = kMajor ? tileFor<1, true>(rows) : tileFor<1, false>(rows);
  }
  function(a, stride, k, panel, out, accumulate);
}

#if defined(__AVX512BF16__)
template <int MR, bool kMajor>
void tileBf16Of(const uint32_t* __restrict a, ptrdiff_t stride, int pairs,
                const uint32_t* __restrict panel, float* __restrict out, bool accumulate) {
  __m512 sums[MR][2];
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v)
      sums[i][v] = accumulate ? _mm512_loadu_ps(out + (i * 2 + v) * 16) : _mm512_setzero_ps();
  }
  for (int p = 0; p < pairs; ++p) {
    const __m512i b0 = _mm512_loadu_si512(panel + p * 32),
                  b1 = _mm512_loadu_si512(panel + p * 32 + 16);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      const __m512i value =
          _mm512_set1_epi32((int)(kMajor ? a[p * stride + i] : a[i * stride + p]));
      sums[i][0] = _mm512_dpbf16_ps(sums[i][0], (__m512bh)value, (__m512bh)b0);
      sums[i][1] = _mm512_dpbf16_ps(sums[i][1], (__m512bh)value, (__m512bh)b1);
    }
  }
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) _mm512_storeu_ps(out + (i * 2 + v) * 16, sums[i][v]);
  }
}

template <bool kMajor>
void tileBf16For(int rows, const uint32_t* a, ptrdiff_t stride, int pairs, const uint32_t* panel,
                 float* out, bool accumulate) {
  switch (rows) {
    case 1:
      return tileBf16Of<1, kMajor>(a, stride, pairs, panel, out, accumulate);
    case 2:
      return tileBf16Of<2, kMajor>(a, stride, pairs, panel, out, accumulate);
    case 3:
      return tileBf16Of<3, kMajor>(a, stride, pairs, panel, out, accumulate);
    case 4:
      return tileBf16Of<4, kMajor>(a, stride, pairs, panel, out, accumulate);
    case 5:
      return tileBf16Of<5, kMajor>(a, stride, pairs, panel, out, accumulate);
    case 6:
      return tileBf16Of<6, kMajor>(a, stride, pairs, panel, out, accumulate);
    case 7:
      return tileBf16Of<7, kMajor>(a, stride, pairs, panel, out, accumulate);
    case 8:
      return tileBf16Of<8, kMajor>(a, stride, pairs, panel, out, accumulate);
    default:
      return tileBf16Of<9, kMajor>(a, stride, pairs, panel, out, accumulate);
  }
}

void tileBf16(int rows, const uint32_t* a, ptrdiff_t stride, bool kMajor, int pairs,
              const uint32_t* panel, float* out, bool accumulate) {
  if (kMajor) {
    tileBf16For<true>(rows, a, stride, pairs, panel, out, accumulate);
  } else {
    tileBf16For<false>(rows, a, stride, pairs, panel, out, accumulate);
  }
}

// Rounds to nearest even, 32 values to 16 pairs of neighbours.
void pairsOfRow(const float* x, int count, uint32_t* pairs) {
  int i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i));
    _mm512_storeu_si512(pairs + i / 2, (__m512i)both);
  }
  for (; i < count; i += 2) {
    const __m128bh both = _mm_cvtneps_pbh(_mm_set_ps(0, 0, i + 1 < count ? x[i + 1] : 0.0f, x[i]));
    pairs[i / 2] = (uint32_t)_mm_cvtsi128_si32((__m128i)both);
  }
}

// pairs[i] = x[i] in the low half, y[i] in the high half.
void pairsOfRows(const float* x, const float* y, int count, uint32_t* pairs) {
  // Word k of the result: even k takes value k / 2 of the low half (x), odd k of the high half (y).
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i order =
      _mm512_or_si512(lane, _mm512_slli_epi32(_mm512_add_epi32(lane, _mm512_set1_epi32(16)), 16));
  for (int i = 0; i < count; i += 16) {
    const int n = least(16, count - i);
    const __mmask16 mask = (__mmask16)((1u << n) - 1);
    const __m512 low = n == 16 ? _mm512_loadu_ps(x + i) : _mm512_maskz_loadu_ps(mask, x + i);
    const __m512 high = n == 16 ? _mm512_loadu_ps(y + i) : _mm512_maskz_loadu_ps(mask, y + i);
    const __m512i both = _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    if (n == 16) {
      _mm512_storeu_si512(pairs + i, both);
    } else {
      _mm512_mask_storeu_epi32(pairs + i, mask, both);
    }
  }
}
#endif

// What most tiles need: bias, ReLU, whole vectors.
void storeBiasRelu(const TileStore& s, const float* out, int row, int rows, int column) {
  const Vec bias0 = s.bias ? load(s.bias + column) : Vec{},
            bias1 = s.bias ? load(s.bias + column + kLanes) : Vec{};
  const Vec floor = splat(s.relu ? 0.0f : -__builtin_inff());
  float* y = s.y + (int64_t)row * s.width + column;
  for (int i = 0; i < rows; ++i, y += s.width, out += kPanel) {
    const Vec first = load(out) + bias0, second = load(out + kLanes) + bias1;
    save(y, first < floor ? floor : first);
    save(y + kLanes, second < floor ? floor : second);
  }
}

// Row of y that row r of a tile goes to, or -1: see TileStore::taps.
int64_t storeRow(const TileStore& s, int64_t r, int tap) {
  if (s.taps == 1) return r;
  const int64_t token = r % s.outTokens * s.stride + tap - 1;
  return token < 0 || token >= s.tokens ? -1 : r / s.outTokens * s.tokens + token;
}

void storeTile(const TileStore& s, const float* out, int row, int rows, int column) {
  const int tap = s.taps == 1 ? 0 : column / s.width;
  column -= tap * s.width;
  if (s.taps == 1 && column + kPanel <= s.width && !s.dropout.active() && !s.reluOutput &&
      !s.residual && !s.accumulate) {
    return storeBiasRelu(s, out, row, rows, column);
  }
  for (int v = 0; v < 2; ++v) {
    const int c = column + v * kLanes, count = least(kLanes, s.width - c);
    if (count <= 0) return;
    const Vec bias = s.bias ? loadUpTo(s.bias + c, count) : Vec{};
    VecPhilox words{};
    int64_t pair = -1;
    for (int i = 0; i < rows; ++i) {
      const int64_t r = storeRow(s, row + i, tap);
      if (r < 0) continue;
      float* y = s.y + r * s.width + c;
      Vec value = load(out + (i * 2 + v) * kLanes) + bias;
      if (s.relu) value = value < 0.0f ? Vec{} : value;
      if (s.dropout.active()) {
        if (pair != r / 2) words = dropoutWords(s.dropout, s.width, pair = r / 2, c);
        value *= dropoutFactor(s.dropout, words, r, c);
      }
      if (s.reluOutput)
        value =
            loadUpTo(s.reluOutput + r * s.width + c, count) > 0.0f ? value * s.reluScale : Vec{};
      if (s.residual) {
        const int64_t from =
            s.outTokens == s.tokens ? r : r / s.outTokens * s.tokens + r % s.outTokens * s.stride;
        value += loadUpTo(s.residual + from * s.width + c, count);
      }
      if (s.accumulate) value += loadUpTo(y, count);
      saveUpTo(y, value, count);
    }
  }
}

double multiplyAdds(long iterations) {
  Vec sums[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) sums[i] = splat(1.0f + (float)i);
  const Vec a = splat(0.999999f), b = splat(1e-7f);
  for (long n = 0; n < iterations; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      sums[i] = sums[i] * a + b;
      asm volatile("" : "+v"(sums[i]));
    }
  }
  Vec total{};
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) total += sums[i];
  volatile float keep = sum(total);
  (void)keep;
  return 2.0 * 16 * kLanes * (double)iterations;
}

#if defined(__AVX512BF16__)
double multiplyAddsBf16(long iterations) {
  __m512 sums[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) sums[i] = _mm512_set1_ps((float)i);
  const __m512bh a = (__m512bh)_mm512_set1_epi32(0x3f803f80),
                 b = (__m512bh)_mm512_set1_epi32(0x00013f80);
  for (long n = 0; n < iterations; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      sums[i] = _mm512_dpbf16_ps(sums[i], a, b);
      asm volatile("" : "+v"(sums[i]));
    }
  }
  __m512 total = _mm512_setzero_ps();
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) total = _mm512_add_ps(total, sums[i]);
  volatile float keep = _mm512_reduce_add_ps(total);
  (void)keep;
  return 4.0 * 16 * 16 * (double)iterations;
}
#endif
