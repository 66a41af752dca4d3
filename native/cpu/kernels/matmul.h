// The innermost matmul: a tile of rows times a panel, sums in registers, and the epilogue that
// writes a tile. Included by kernels.inl alone.
//
//   out[i, n] = or += sum over p of a[i, p] panel[p, n]     i < rows <= kTileRows, n < panel
//   columns
//
// Shapes: a (rows, steps), or k-major (steps, rows); panel (steps, NV kLanes); out (rows, NV
// kLanes), always in fp32. A step is one 32-bit word of a row: a float, or two bf16 neighbours.
//
// Loop: a step loads NV vectors of the panel and broadcasts one word of each row; MR * NV sums, the
// panel's vectors and the broadcast fill the registers without a spill.
//
// Deterministic: each element adds its steps in order, with one fused multiply-add each (bf16: the
// instruction's two). Whether a sum begins at zero or at `out` is the only difference between a
// block of steps and the whole.
#pragma once

// ---- Tiles

template <typename Word, int MR, int NV, bool kMajor>
void tileOf(const float* __restrict a, ptrdiff_t stride, int steps, const float* __restrict panel,
            float* __restrict out, bool accumulate) {
  // From zero, or from where the block of steps before this one left off.
  Vec sums[MR][NV];
#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v)
      sums[i][v] = accumulate ? load(out + (i * NV + v) * kLanes) : Vec{};
  }

  // A step: one row of the panel, times one word of each row of the tile.
  for (int p = 0; p < steps; ++p) {
    Vec b[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) b[v] = load(panel + (p * NV + v) * kLanes);
#pragma GCC unroll 9
    for (int i = 0; i < MR; ++i) {
      const float* word = kMajor ? a + p * stride + i : a + i * stride + p;
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) Word::multiplyAdd(sums[i][v], word, b[v]);
    }
  }

#pragma GCC unroll 9
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) save(out + (i * NV + v) * kLanes, sums[i][v]);
  }
}

// The tile of `rows` rows: one function each, so that sums stay in registers.
using TileFunction = void (*)(const float*, ptrdiff_t, int, const float*, float*, bool);

template <typename Word, int NV, bool kMajor>
constexpr TileFunction kTiles[kTileRows + 1] = {
    nullptr,
    tileOf<Word, 1, NV, kMajor>,
    tileOf<Word, 2, NV, kMajor>,
    tileOf<Word, 3, NV, kMajor>,
    tileOf<Word, 4, NV, kMajor>,
    tileOf<Word, 5, NV, kMajor>,
    tileOf<Word, 6, NV, kMajor>,
#if PSTMO_VECTOR_BYTES == 64
    tileOf<Word, 7, NV, kMajor>,
    tileOf<Word, 8, NV, kMajor>,
    tileOf<Word, 9, NV, kMajor>,
#endif
};

// NV: 2 for a whole panel, 1 for half of one.
template <typename Word, int NV>
void tile(int rows, const void* a, ptrdiff_t stride, bool kMajor, int steps, const void* panel,
          float* out, bool accumulate) {
  const TileFunction function =
      kMajor ? kTiles<Word, NV, true>[rows] : kTiles<Word, NV, false>[rows];
  function(static_cast<const float*>(a), stride, steps, static_cast<const float*>(panel), out,
           accumulate);
}

// ---- Rounding to bf16 words

#if defined(__AVX512BF16__)
// words[i] = x[2 i] in the low half, x[2 i + 1] in the high half (0 after `count`), rounded to
// nearest even.
void roundRow(const float* x, int count, uint32_t* words) {
  int i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i));
    _mm512_storeu_si512(words + i / 2, (__m512i)both);
  }
  for (; i < count; i += 2) {
    const __m128bh both = _mm_cvtneps_pbh(_mm_set_ps(0, 0, i + 1 < count ? x[i + 1] : 0.0f, x[i]));
    words[i / 2] = (uint32_t)_mm_cvtsi128_si32((__m128i)both);
  }
}

// words[i] = x[i] in the low half, y[i] in the high half.
void roundRowPair(const float* x, const float* y, int count, uint32_t* words) {
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
      _mm512_storeu_si512(words + i, both);
    } else {
      _mm512_mask_storeu_epi32(words + i, mask, both);
    }
  }
}
#endif

// ---- Epilogue

// What most tiles need: bias, ReLU, whole vectors.
void storeBiasRelu(const Epilogue& e, const float* sums, int row, int rows, int column) {
  const Vec bias0 = e.bias ? load(e.bias + column) : Vec{},
            bias1 = e.bias ? load(e.bias + column + kLanes) : Vec{};
  const Vec floor = splat(e.relu ? 0.0f : -__builtin_inff());
  float* y = e.y + (int64_t)row * e.width + column;
  for (int i = 0; i < rows; ++i, y += e.width, sums += kPanel) {
    const Vec first = load(sums) + bias0, second = load(sums + kLanes) + bias1;
    save(y, first < floor ? floor : first);
    save(y + kLanes, second < floor ? floor : second);
  }
}

// Row of y that row r of the matmul goes to, or -1: see Epilogue::taps.
int64_t outputRow(const Epilogue& e, int64_t r, int tap) {
  if (e.taps == 1) return r;
  const int64_t token = r % e.outTokens * e.stride + tap - 1;
  return token < 0 || token >= e.tokens ? -1 : r / e.outTokens * e.tokens + token;
}

// Columns [c, c + count) of y, one vector of each row of the tile: sums (rows, kPanel).
void storeLanes(const Epilogue& e, const float* sums, int row, int rows, int tap, int c,
                int count) {
  const Vec bias = e.bias ? loadUpTo(e.bias + c, count) : Vec{};
  VecPhilox words{};
  int64_t wordsPair = -1;  // the pair of rows that `words` belong to
  for (int i = 0; i < rows; ++i) {
    const int64_t r = outputRow(e, row + i, tap);
    if (r < 0) continue;
    float* y = e.y + r * e.width + c;

    // Bias, ReLU, dropout. Two rows share their random words: drawn once for both.
    Vec value = load(sums + i * kPanel) + bias;
    if (e.relu) value = value < 0.0f ? Vec{} : value;
    if (e.dropout.active()) {
      if (wordsPair != r / 2) words = dropoutWords(e.dropout, e.width, wordsPair = r / 2, c);
      value *= dropoutMask(e.dropout, words, r, c);
    }
    // Backward of the layer before: through its ReLU and dropout.
    if (e.reluOutput) {
      const Vec output = loadUpTo(e.reluOutput + r * e.width + c, count);
      value = output > 0.0f ? value * e.reluScale : Vec{};
    }
    // Residual, of every `stride`-th token after a strided convolution.
    if (e.residual) {
      const int64_t from =
          e.outTokens == e.tokens ? r : r / e.outTokens * e.tokens + r % e.outTokens * e.stride;
      value += loadUpTo(e.residual + from * e.width + c, count);
    }
    if (e.accumulate) value += loadUpTo(y, count);
    saveUpTo(y, value, count);
  }
}

void storeTile(const Epilogue& e, const float* sums, int row, int rows, int column) {
  // Taps 3: the panel lies within one tap, whose columns are those of y.
  const int tap = e.taps == 1 ? 0 : column / e.width;
  column -= tap * e.width;
  if (e.taps == 1 && column + kPanel <= e.width && !e.dropout.active() && !e.reluOutput &&
      !e.residual && !e.accumulate) {
    return storeBiasRelu(e, sums, row, rows, column);
  }
  for (int v = 0; v < 2; ++v) {
    const int c = column + v * kLanes, count = least(kLanes, e.width - c);
    if (count > 0) storeLanes(e, sums + v * kLanes, row, rows, tap, c, count);
  }
}

// ---- Peak: as many independent fused multiply-adds as hide the latency of one, on registers.

double multiplyAdds(long iterations) {
  Vec sums[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) sums[i] = splat(1.0f + (float)i);
  const Vec a = splat(0.999999f), b = splat(1e-7f);
  for (long n = 0; n < iterations; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      sums[i] = sums[i] * a + b;
      keepInRegister(sums[i]);
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
      keepInRegister(sums[i]);
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
