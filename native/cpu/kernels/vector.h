// Vectors of PSTMO_VECTOR_BYTES, written with the compiler's vector extension: the same source
// serves every instruction set, and every room's kernels. Loads and stores, lanes, the words of a
// matmul, e^x, dropout's random words.
//
// Included by the kernels.inl files alone, inside the namespace of one instruction set, so that no
// inline function of one can stand in for another's at link time. For the same reason nothing here
// calls an inline function of the standard library.
//
// Deterministic: a reduction over lanes is a fixed tree (halves added to each other). Instruction
// sets differ in their bits: another number of lanes is another order, and the portable one has no
// fused multiply-add.
#pragma once

typedef float Vec __attribute__((vector_size(PSTMO_VECTOR_BYTES)));
typedef int32_t VecInt __attribute__((vector_size(PSTMO_VECTOR_BYTES)));
typedef uint32_t VecWord __attribute__((vector_size(PSTMO_VECTOR_BYTES)));
typedef uint64_t VecLong __attribute__((vector_size(PSTMO_VECTOR_BYTES)));

constexpr int kLanes = PSTMO_VECTOR_BYTES / 4;
constexpr int kPanel = 2 * kLanes;  // columns of a matmul's panel

// Rows of a tile: with two vectors of sums a row, two of the panel and a broadcast, as many as the
// registers hold.
#if PSTMO_VECTOR_BYTES == 64
constexpr int kTileRows = 9;  // 18 sums of 32 registers; divides every token count of the model
#else
constexpr int kTileRows = 6;  // 12 sums of 16 registers
#endif

inline int least(int a, int b) { return a < b ? a : b; }

// ---- Loads and stores

inline Vec load(const float* from) {
  Vec v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
inline void save(float* to, Vec v) { __builtin_memcpy(to, &v, sizeof v); }
inline Vec splat(float value) { return Vec{} + value; }
// The first `count` lanes, zero behind them.
inline Vec loadFirst(const float* from, int count) {
  Vec v{};
  __builtin_memcpy(&v, from, static_cast<size_t>(count) * 4);
  return v;
}
inline void saveFirst(float* to, Vec v, int count) {
  __builtin_memcpy(to, &v, static_cast<size_t>(count) * 4);
}
// Either, by count <= kLanes.
inline Vec loadUpTo(const float* from, int count) {
  return count == kLanes ? load(from) : loadFirst(from, count);
}
inline void saveUpTo(float* to, Vec v, int count) {
  if (count == kLanes) {
    save(to, v);
  } else {
    saveFirst(to, v, count);
  }
}

// ---- Lanes

// 0, 1, 2, ... one a lane.
inline VecInt laneNumbers() {
  VecInt lanes{};
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) lanes[i] = i;
  return lanes;
}
// v in the first `count` lanes, `other` behind them.
inline Vec firstLanes(Vec v, int count, Vec other) { return laneNumbers() < count ? v : other; }

// Over all lanes: halves, quarters, ... of the vector meet, so every lane ends with the result.
inline float sum(Vec v) {
#pragma GCC unroll 4
  for (int width = kLanes / 2; width > 0; width /= 2) v += shuffle(v, laneNumbers() ^ width);
  return v[0];
}
inline float maximum(Vec v) {
#pragma GCC unroll 4
  for (int width = kLanes / 2; width > 0; width /= 2) {
    const Vec other = shuffle(v, laneNumbers() ^ width);
    v = v > other ? v : other;
  }
  return v[0];
}

// rows[i][j] becomes rows[j][i]: the bits of row and lane change places one after the other. A
// shuffle's index takes lane i of the first vector, kLanes + i of the second.
inline void transpose(Vec (&rows)[kLanes]) {
  const VecInt lane = laneNumbers();
#pragma GCC unroll 4
  for (int bit = 1; bit < kLanes; bit *= 2) {
    const VecInt odd = (lane & bit) != 0;
    const VecInt first = odd ? lane - bit + kLanes : lane,
                 second = odd ? lane + kLanes : lane + bit;
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if (i & bit) continue;
      const Vec a = rows[i], b = rows[i + bit];
      rows[i] = shuffle(a, b, first);
      rows[i + bit] = shuffle(a, b, second);
    }
  }
}

// Saves the first `count` vectors of a transposed block as rows of a panel.
inline void saveBlock(float* panel, const Vec (&block)[kLanes], int count) {
  if (count >= kLanes) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) save(panel + i * kPanel, block[i]);
  } else {
    for (int i = 0; i < count; ++i) save(panel + i * kPanel, block[i]);
  }
}

// ---- Words of a matmul

// A matmul walks its inner dimension in 32-bit words of kElements neighbours: a float, or two bf16.
// multiplyAdd: sum += *a * b, the word at `a` in every lane.
struct Fp32Word {
  static constexpr int kElements = 1;
  static inline void multiplyAdd(Vec& sum, const float* a, Vec b) { sum += *a * b; }
};

#if defined(__AVX512BF16__)
struct Bf16Word {
  static constexpr int kElements = 2;
  static inline void multiplyAdd(Vec& sum, const float* a, Vec b) {
    int pair;
    __builtin_memcpy(&pair, a, 4);
    sum = (Vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(pair), (__m512bh)b);
  }
};
#endif

// ---- Powers

// 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits.
constexpr float kRoundingShift = 12582912.0f;

// e^x, |relative error| < 2e-7 for x in [-87, 88]; outside it stays at e^-87 or e^88, so never a
// denormal or infinity. e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2.
inline Vec exponential(Vec x) {
  const Vec magic = splat(kRoundingShift);
  x = x < -87.0f ? splat(-87.0f) : x;
  x = x > 88.0f ? splat(88.0f) : x;

  // r = x - n ln 2, with ln 2 in two parts: the first has 15 bits, so its product with n is exact.
  const Vec shifted = x * 1.44269504088896341f + magic;
  const Vec n = shifted - magic;
  Vec r = x - n * 0.693145751953125f;
  r = r - n * 1.42860677e-6f;

  // Taylor's polynomial of e^r, of degree 7.
  Vec p = splat(1.98412698e-4f);
  p = p * r + 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;

  // n added to the exponent's bits.
  const VecInt power = ((VecInt)shifted - (VecInt)magic) << 23;
  return (Vec)((VecInt)p + power);
}

// ---- Dropout: Philox 4x32-10 in lanes, see core/philox.h and core/dropout.h

// Products of the even 32-bit lanes, as 64 bits.
inline VecLong multiplyEven(VecWord a, VecWord b) {
#if PSTMO_VECTOR_BYTES == 64
  return (VecLong)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif PSTMO_VECTOR_BYTES == 32
  return (VecLong)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (VecLong)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return ((VecLong)a & 0xffffffffu) * ((VecLong)b & 0xffffffffu);
#endif
}

// a * b in 64 bits, as two words.
inline void multiplyWide(VecWord a, uint32_t b, VecWord& high, VecWord& low) {
  const VecWord factor = VecWord{} + b;
  const VecLong even = multiplyEven(a, factor),
                odd = multiplyEven((VecWord)((VecLong)a >> 32), factor);
  high = (VecWord)((even >> 32) | (odd & 0xffffffff00000000u));
  low = (VecWord)((even & 0xffffffffu) | (odd << 32));
}

// Philox words of the counters first, first + 1, ... one a lane (first + kLanes must not carry out
// of 32 bits).
struct VecPhilox {
  VecWord word[4];
};
inline VecPhilox philoxLanes(const Dropout& dropout, uint64_t first) {
  VecWord c0 = (VecWord)laneNumbers() + (uint32_t)first, c1 = VecWord{} + (uint32_t)(first >> 32),
          c2 = VecWord{} + dropout.step, c3 = VecWord{} + dropout.site;
  uint32_t k0 = (uint32_t)dropout.seed, k1 = (uint32_t)(dropout.seed >> 32);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    VecWord high0, low0, high1, low1;
    multiplyWide(c0, kPhiloxMultiplier0, high0, low0);
    multiplyWide(c2, kPhiloxMultiplier1, high1, low1);
    c0 = high1 ^ c1 ^ k0;
    c2 = high0 ^ c3 ^ k1;
    c1 = low1;
    c3 = low0;
    k0 += kPhiloxWeyl0;
    k1 += kPhiloxWeyl1;
  }
  return {{c0, c1, c2, c3}};
}

// The words of rows 2 p and 2 p + 1 in the vector of columns that begins at `column` (a multiple of
// kLanes), and in the vector 16 columns further of the same 32: see core/dropout.h.
inline VecPhilox dropoutWords(const Dropout& dropout, int width, int64_t rowPair, int column) {
  const uint64_t block =
      (uint64_t)rowPair * (uint64_t)((width + 31) / 32) + (uint64_t)(column >> 5);
  return philoxLanes(dropout, block * 16 + (uint64_t)(column & 15));
}
// The mask of one vector of a row: 1 / (1 - rate) in the lanes that are kept, 0 in the others.
inline Vec dropoutMask(const Dropout& dropout, const VecPhilox& words, int64_t row, int column) {
  const VecWord word = words.word[(row & 1) * 2 + ((column >> 4) & 1)];
  return word >= dropout.threshold() ? splat(dropout.scale()) : Vec{};
}

// Calls body(row, column, count, mask) for every vector of rows [begin, end): count < kLanes at the
// end of a row, mask dropout's multiplier (1 without dropout). Two rows share their random words,
// so rows go in pairs; a pair's columns come in the order of its words.
template <typename Body>
inline void forEachVector(const Dropout& dropout, int width, int64_t begin, int64_t end,
                          Body body) {
  // Without dropout: row after row.
  if (!dropout.active()) {
    for (int64_t row = begin; row < end; ++row) {
      for (int column = 0; column < width; column += kLanes)
        body(row, column, least(kLanes, width - column), splat(1.0f));
    }
    return;
  }
  // A vector of words serves both rows of the pair, and two vectors of columns of each.
  for (int64_t pair = begin / 2; pair * 2 < end; ++pair) {
    for (int base = 0; base < width; base += 32) {
      for (int lane = 0; lane < 16; lane += kLanes) {
        const VecPhilox words = dropoutWords(dropout, width, pair, base + lane);
        for (int64_t row = pair * 2; row < pair * 2 + 2; ++row) {
          if (row < begin || row >= end) continue;
          for (int half = 0; half < 32; half += 16) {
            const int column = base + half + lane;
            if (column < width)
              body(row, column, least(kLanes, width - column),
                   dropoutMask(dropout, words, row, column));
          }
        }
      }
    }
  }
}
