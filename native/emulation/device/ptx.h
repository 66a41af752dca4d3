// Twin of native/cuda/device/ptx.h: the instructions in C++, lane by lane as PTX says.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "shared-array.h"
#include "warp.h"

namespace pstmo::cuda {

inline uint32_t bitsOf(float value) { return std::bit_cast<uint32_t>(value); }
inline float floatOf(uint32_t bits) { return std::bit_cast<float>(bits); }

inline uint32_t toTensorFloat(float value) { return (bitsOf(value) + 0x1000u) & 0xFFFFE000u; }
// A NaN stays one.
inline uint32_t toBrainFloat(float value) {
  if (value != value) return 0x7FFFu;
  const uint32_t bits = bitsOf(value);
  return (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
}
inline uint32_t brainFloatPair(float low, float high) {
  return toBrainFloat(low) | toBrainFloat(high) << 16;
}

struct WideProduct {
  uint32_t low, high;
};
inline WideProduct multiplyWide(uint32_t a, uint32_t b) {
  const uint64_t product = static_cast<uint64_t>(a) * b;
  return {static_cast<uint32_t>(product), static_cast<uint32_t>(product >> 32)};
}
inline uint32_t xorOfThree(uint32_t a, uint32_t b, uint32_t c) { return a ^ b ^ c; }

struct LeftRegisters {
  uint32_t r[4];
};
struct RightRegisters {
  uint32_t r[2];
};

inline uint64_t twoWords(uint32_t low, uint32_t high) {
  return static_cast<uint64_t>(high) << 32 | low;
}

// c += a b for one warp. ofLeft(row, k, word) and ofRight(k, column, word) give an element of the
// caller's format, where word(lane, i) is register i of a lane: 0 to 3 are the left side's.
template <int kInner, typename OfLeft, typename OfRight>
void multiplyFragments(float (&c)[4], const LeftRegisters& a, const RightRegisters& b,
                       OfLeft ofLeft, OfRight ofRight, emulation::Place place) {
  const emulation::Words* lanes = emulation::Block::current().collective(
      kAllLanes, {twoWords(a.r[0], a.r[1]), twoWords(a.r[2], a.r[3]), twoWords(b.r[0], b.r[1])},
      false, place);
  const auto word = [&](int lane, int i) {
    return static_cast<uint32_t>(lanes[lane][static_cast<size_t>(i / 2)] >> (i % 2 * 32));
  };
  const int g = laneOfWarp() / 4, t = laneOfWarp() % 4;
  for (int e = 0; e < 4; ++e) {
    const int row = g + e / 2 * 8, column = 2 * t + e % 2;
    float sum = 0;
    for (int k = 0; k < kInner; ++k) sum += ofLeft(row, k, word) * ofRight(k, column, word);
    c[e] += sum;
  }
}

struct TensorFloatMultiply {
  static constexpr int kInner = 8;

  static void multiplyAdd(float (&c)[4], const LeftRegisters& a, const RightRegisters& b,
                          emulation::Place place = emulation::Place::current()) {
    multiplyFragments<kInner>(
        c, a, b,
        [](int row, int k, auto word) {
          return floatOf(word(row % 8 * 4 + k % 4, row / 8 + k / 4 * 2));
        },
        [](int k, int column, auto word) { return floatOf(word(column * 4 + k % 4, 4 + k / 4)); },
        place);
  }

  static void multiply(float (&c)[4], const LeftRegisters& a, const RightRegisters& b,
                       emulation::Place place = emulation::Place::current()) {
    for (float& sum : c) sum = 0;
    multiplyAdd(c, a, b, place);
  }
};

struct BrainFloatMultiply {
  static constexpr int kInner = 16;

  static void multiplyAdd(float (&c)[4], const LeftRegisters& a, const RightRegisters& b,
                          emulation::Place place = emulation::Place::current()) {
    const auto half = [](uint32_t pair, int k) {
      return floatOf(k % 2 ? pair & 0xFFFF0000u : pair << 16);
    };
    multiplyFragments<kInner>(
        c, a, b,
        [half](int row, int k, auto word) {
          return half(word(row % 8 * 4 + k % 8 / 2, row / 8 + k / 8 * 2), k);
        },
        [half](int k, int column, auto word) {
          return half(word(column * 4 + k % 8 / 2, 4 + k / 8), k);
        },
        place);
  }

  static void multiply(float (&c)[4], const LeftRegisters& a, const RightRegisters& b,
                       emulation::Place place = emulation::Place::current()) {
    for (float& sum : c) sum = 0;
    multiplyAdd(c, a, b, place);
  }
};

inline int here(int value) { return value; }

inline float exp2Approx(float x) {
  const float y = std::exp2(x);
  return std::fpclassify(y) == FP_SUBNORMAL ? 0.0f : y;
}

template <int kColumns>
class MatrixRow {
 public:
  MatrixRow(const SharedWords& from, int row, int word,
            emulation::Place place = emulation::Place::current())
      : from_(from), row_(row), word_(word) {
    (void)from.at4(row, word, place);
  }

  template <int kRows, int kWords>
  void load(uint32_t (&to)[4], emulation::Place place = emulation::Place::current()) const {
    const emulation::Words* rows = given<kRows, kWords>(place);
    const int lane = laneOfWarp(), g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      to[i] = static_cast<uint32_t>(rows[8 * i + g][static_cast<size_t>(t / 2)] >> (t % 2 * 32));
    }
  }
  template <int kRows, int kWords>
  void loadTransposed(uint32_t (&to)[4],
                      emulation::Place place = emulation::Place::current()) const {
    const emulation::Words* rows = given<kRows, kWords>(place);
    const int lane = laneOfWarp(), g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      const auto half = [&](int row) {
        return static_cast<uint32_t>(rows[8 * i + row][static_cast<size_t>(g / 4)] >> (g % 4 * 16) &
                                     0xFFFFu);
      };
      to[i] = half(2 * t) | half(2 * t + 1) << 16;
    }
  }

 private:
  // The four words of each lane's row.
  template <int kRows, int kWords>
  const emulation::Words* given(emulation::Place place) const {
    if (kRows != 0 && from_.columns != kColumns)
      emulation::Block::current().fail("loads matrices from rows of another length", place);
    const uint4 own = from_.get4(row_ + kRows, word_ + kWords, place);
    return emulation::Block::current().collective(
        kAllLanes, {twoWords(own.x, own.y), twoWords(own.z, own.w)}, false, place);
  }

  SharedWords from_;
  int row_, word_;
};

// Copies land as late as they may, when they are waited for, and spoil their target as early as
// they may, when they start.
class AsyncCopies {
 public:
  void copy4(const SharedWords& to, int row, int column, const uint32_t* from, bool present,
             emulation::Place place = emulation::Place::current()) {
    uint32_t* target = to.at4(row, column, place);
    if (reinterpret_cast<uintptr_t>(from) % 16 != 0)
      emulation::Block::current().fail("copies from an address that is no multiple of 16", place);
    if (count_ == kMost)
      emulation::Block::current().fail(
          "has more than " + std::to_string(kMost) + " copies under way", place);
    note(target, place);
    for (int i = 0; i < 4; ++i) target[i] = 0xFFFFFFFFu;
    under_[count_++] = {target, present ? from : nullptr};
  }
  void land(emulation::Place place = emulation::Place::current()) {
    for (int copy = 0; copy < count_; ++copy) {
      const auto [target, from] = under_[copy];
      note(target, place);
      for (int i = 0; i < 4; ++i) target[i] = from ? from[i] : 0;
    }
    count_ = 0;
  }

 private:
  static constexpr int kMost = 256;
  struct Copy {
    uint32_t* to;
    const uint32_t* from;
  };
  static void note(const uint32_t* target, emulation::Place place) {
    for (int i = 0; i < 4; ++i) emulation::Block::current().noteWrite(target + i, place);
  }
  Copy under_[kMost];
  int count_ = 0;
};

}  // namespace pstmo::cuda
