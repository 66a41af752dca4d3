// Instructions that C++ has no word for, each with a twin on the host: products of 16 x 8 fragments
// by the tensor cores, and ways into and out of shared memory. Which lane holds which element is
// PTX's: with g = lane / 4 and t = lane % 4, an accumulator's four are (g, 2t), (g, 2t + 1), (g +
// 8, 2t), (g + 8, 2t + 1).
#pragma once

#include <cstdint>

#include "runtime.h"
#include "warp.h"

namespace pstmo::cuda {

__device__ __forceinline__ int laneOfWarp() { return static_cast<int>(threadIdx.x) % kWarp; }

#if defined(PSTMO_CUDA_EMULATED)
inline uint32_t bitsOf(float value) { return std::bit_cast<uint32_t>(value); }
inline float floatOf(uint32_t bits) { return std::bit_cast<float>(bits); }
// Half a unit in the last place away from zero, as cvt.rna does.
inline uint32_t toTensorFloat(float value) { return (bitsOf(value) + 0x1000u) & 0xFFFFE000u; }
// To nearest, ties to even, as cvt.rn does; no number stays none.
inline uint32_t toBrainFloat(float value) {
  if (value != value) return 0x7FFFu;
  const uint32_t bits = bitsOf(value);
  return (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
}
inline uint32_t brainFloatPair(float low, float high) {
  return toBrainFloat(low) | toBrainFloat(high) << 16;
}
#else
__device__ __forceinline__ uint32_t bitsOf(float value) { return __float_as_uint(value); }
__device__ __forceinline__ float floatOf(uint32_t bits) { return __uint_as_float(bits); }
__device__ __forceinline__ uint32_t toTensorFloat(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}
__device__ __forceinline__ uint32_t toBrainFloat(float value) {
  uint16_t bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
__device__ __forceinline__ uint32_t brainFloatPair(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
#endif

struct LeftRegisters {
  uint32_t r[4];
};
struct RightRegisters {
  uint32_t r[2];
};

#if defined(PSTMO_CUDA_EMULATED)
// c += a b for one warp; elementA(registers of a lane, which half of a register) as the caller's
// format says.
template <int kInner, typename OfLeft, typename OfRight>
void multiplyFragments(float (&c)[4], const LeftRegisters& a, const RightRegisters& b,
                       OfLeft ofLeft, OfRight ofRight, emulation::Place place) {
  const auto two = [](uint32_t low, uint32_t high) {
    return static_cast<uint64_t>(high) << 32 | low;
  };
  const emulation::Words* lanes = emulation::Block::current().collective(
      kAllLanes, {two(a.r[0], a.r[1]), two(a.r[2], a.r[3]), two(b.r[0], b.r[1])}, false, place);
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
#endif

// tf32, m16n8k8. A: (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4); B: (t, g), (t + 4, g).
struct TensorFloat {
  static constexpr int kInner = 8;
  using Left = LeftRegisters;
  using Right = RightRegisters;

  template <typename At>
  __device__ __forceinline__ static Left left(const At& at) {
    const int g = laneOfWarp() / 4, t = laneOfWarp() % 4;
    return {{toTensorFloat(at(g, t)), toTensorFloat(at(g + 8, t)), toTensorFloat(at(g, t + 4)),
             toTensorFloat(at(g + 8, t + 4))}};
  }
  template <typename At>
  __device__ __forceinline__ static Right right(const At& at) {
    const int g = laneOfWarp() / 4, t = laneOfWarp() % 4;
    return {{toTensorFloat(at(t, g)), toTensorFloat(at(t + 4, g))}};
  }
#if defined(PSTMO_CUDA_EMULATED)
  static void multiplyAdd(float (&c)[4], const Left& a, const Right& b,
                          emulation::Place place = emulation::Place::current()) {
    multiplyFragments<kInner>(
        c, a, b,
        [](int row, int k, auto word) {
          return floatOf(word(row % 8 * 4 + k % 4, row / 8 + k / 4 * 2));
        },
        [](int k, int column, auto word) { return floatOf(word(column * 4 + k % 4, 4 + k / 4)); },
        place);
  }
#else
  __device__ __forceinline__ static void multiplyAdd(float (&c)[4], const Left& a, const Right& b) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  }
#endif
};

// bf16, m16n8k16, two neighbours along the inner dimension in a register, the first in its low
// half. A: (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8); B: (2t, g), (2t + 8, g).
struct BrainFloat {
  static constexpr int kInner = 16;
  using Left = LeftRegisters;
  using Right = RightRegisters;

  template <typename At>
  __device__ __forceinline__ static Left left(const At& at) {
    const int g = laneOfWarp() / 4, t = laneOfWarp() % 4 * 2;
    return {{brainFloatPair(at(g, t), at(g, t + 1)), brainFloatPair(at(g + 8, t), at(g + 8, t + 1)),
             brainFloatPair(at(g, t + 8), at(g, t + 9)),
             brainFloatPair(at(g + 8, t + 8), at(g + 8, t + 9))}};
  }
  template <typename At>
  __device__ __forceinline__ static Right right(const At& at) {
    const int g = laneOfWarp() / 4, t = laneOfWarp() % 4 * 2;
    return {{brainFloatPair(at(t, g), at(t + 1, g)), brainFloatPair(at(t + 8, g), at(t + 9, g))}};
  }
#if defined(PSTMO_CUDA_EMULATED)
  static void multiplyAdd(float (&c)[4], const Left& a, const Right& b,
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
#else
  __device__ __forceinline__ static void multiplyAdd(float (&c)[4], const Left& a, const Right& b) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  }
#endif
};

// Two right fragments of bf16 from rows [row, row + 16) and the sixteen halves from `word` on, a
// row holding what one inner index has: ldmatrix with four matrices of 8 x 8, transposed.
#if defined(PSTMO_CUDA_EMULATED)
inline void loadTransposed(RightRegisters (&right)[2], const SharedWords& from, int row, int word,
                           emulation::Place place = emulation::Place::current()) {
  const int lane = laneOfWarp(), g = lane / 4, t = lane % 4;
  const uint4 own = from.get4(row + lane % 16, word + lane / 16 * 4, place);
  const auto two = [](uint32_t low, uint32_t high) {
    return static_cast<uint64_t>(high) << 32 | low;
  };
  const emulation::Words* rows = emulation::Block::current().collective(
      kAllLanes, {two(own.x, own.y), two(own.z, own.w)}, false, place);
  for (int matrix = 0; matrix < 4; ++matrix) {
    const auto half = [&](int i) {
      return static_cast<uint32_t>(
          rows[matrix * 8 + i][static_cast<size_t>(g / 4)] >> (g % 4 * 16) & 0xFFFFu);
    };
    right[matrix / 2].r[matrix % 2] = half(2 * t) | half(2 * t + 1) << 16;
  }
}
#else
__device__ __forceinline__ void loadTransposed(RightRegisters (&right)[2], const SharedWords& from,
                                               int row, int word) {
  const int lane = laneOfWarp();
  const auto address = static_cast<uint32_t>(
      __cvta_generic_to_shared(from.at4(row + lane % 16, word + lane / 16 * 4)));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(right[0].r[0]), "=r"(right[0].r[1]), "=r"(right[1].r[0]), "=r"(right[1].r[1])
               : "r"(address)
               : "memory");
}
#endif

// Copies from device memory to shared memory that pass the registers by. On the emulated device
// they land as late as they may, when they are waited for, and spoil their target as early as they
// may, when they start.
class AsyncCopies {
 public:
#if defined(PSTMO_CUDA_EMULATED)
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
#else
  // Starts to copy four words to column `column`, a multiple of 4, of a row; zeros where not
  // `present`, and then `from` is not read.
  __device__ __forceinline__ void copy4(const SharedWords& to, int row, int column,
                                        const uint32_t* from, bool present) {
    const auto target = static_cast<uint32_t>(__cvta_generic_to_shared(to.at4(row, column)));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target),
                 "l"(__cvta_generic_to_global(from)), "r"(present ? 16 : 0)
                 : "memory");
  }
  // Waits for this thread's copies; a barrier shows them to the others.
  __device__ __forceinline__ void land() { asm volatile("cp.async.wait_all;" ::: "memory"); }
#endif
};

}  // namespace pstmo::cuda
