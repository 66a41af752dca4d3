// Instructions that C++ has no word for: roundings, products of 16 x 8 fragments by the tensor
// cores, and ways into and out of shared memory. PTX says which lane holds which element: with g =
// lane / 4 and t = lane % 4, an accumulator's four are (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8,
// 2t + 1).
#pragma once

#include <cstdint>

#include "shared-array.h"
#include "warp.h"

namespace pstmo::cuda {

__device__ __forceinline__ uint32_t bitsOf(float value) { return __float_as_uint(value); }
__device__ __forceinline__ float floatOf(uint32_t bits) { return __uint_as_float(bits); }

// To tf32: half a unit in the last place is rounded away from zero.
__device__ __forceinline__ uint32_t toTensorFloat(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}
// To bf16, in the low half: to nearest, ties to even.
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

// The low and high words of a product.
struct WideProduct {
  uint32_t low, high;
};
__device__ __forceinline__ WideProduct multiplyWide(uint32_t a, uint32_t b) {
  uint64_t wide;
  asm("mul.wide.u32 %0, %1, %2;" : "=l"(wide) : "r"(a), "r"(b));
  WideProduct product;
  asm("mov.b64 {%0, %1}, %2;" : "=r"(product.low), "=r"(product.high) : "l"(wide));
  return product;
}
__device__ __forceinline__ uint32_t xorOfThree(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t result;
  asm("lop3.b32 %0, %1, %2, %3, 0x96;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
  return result;
}

// A lane's part of a left fragment (16 x inner) and of a right one (inner x 8).
struct LeftRegisters {
  uint32_t r[4];
};
struct RightRegisters {
  uint32_t r[2];
};

// c += a b in tf32, m16n8k8. A: (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4); B: (t, g), (t + 4,
// g).
struct TensorFloatMultiply {
  static constexpr int kInner = 8;

  __device__ __forceinline__ static void multiplyAdd(float (&c)[4], const LeftRegisters& a,
                                                     const RightRegisters& b) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  }

  // c = a b.
  __device__ __forceinline__ static void multiply(float (&c)[4], const LeftRegisters& a,
                                                  const RightRegisters& b) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%10,%10,%10,%10};"
        : "=f"(c[0]), "=f"(c[1]), "=f"(c[2]), "=f"(c[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]), "f"(0.0f));
  }
};

// c += a b in bf16, m16n8k16, two neighbours along the inner dimension in a register, the first in
// its low half. A: (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8); B: (2t, g), (2t + 8, g).
struct BrainFloatMultiply {
  static constexpr int kInner = 16;

  __device__ __forceinline__ static void multiplyAdd(float (&c)[4], const LeftRegisters& a,
                                                     const RightRegisters& b) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
  }

  // c = a b.
  __device__ __forceinline__ static void multiply(float (&c)[4], const LeftRegisters& a,
                                                  const RightRegisters& b) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%10,%10,%10,%10};"
        : "=f"(c[0]), "=f"(c[1]), "=f"(c[2]), "=f"(c[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]), "f"(0.0f));
  }
};

// `value`, of which the compiler knows nothing: what depends on it is worked out where it is used,
// and takes no registers before.
__device__ __forceinline__ int here(int value) {
  asm volatile("" : "+r"(value));
  return value;
}

// 2^x; the hardware's: at most 2 units in the last place off, subnormal results are 0.
__device__ __forceinline__ float exp2Approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Rows of four words that a lane gives to ldmatrix, worked out once. Four matrices of 8 rows: lanes
// 8 i to 8 i + 7 give the rows of matrix i, and lane (g, t) gets its word t of row g in register i.
// kColumns: of the rows, where load() goes to other ones.
template <int kColumns>
class MatrixRow {
 public:
  __device__ __forceinline__ MatrixRow(const SharedWords& from, int row, int word)
      : address_(static_cast<uint32_t>(__cvta_generic_to_shared(from.at4(row, word)))) {}

  // From kRows rows and kWords words further on.
  template <int kRows, int kWords>
  __device__ __forceinline__ void load(uint32_t (&to)[4]) const {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4+%5];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address_), "n"((kRows * (kColumns + kWordPad) + kWords) * 4)
                 : "memory");
  }
  // The same with each matrix's halves transposed: lane (g, t) gets the halves 2t and 2t + 1 of
  // column g.
  template <int kRows, int kWords>
  __device__ __forceinline__ void loadTransposed(uint32_t (&to)[4]) const {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4+%5];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address_), "n"((kRows * (kColumns + kWordPad) + kWords) * 4)
                 : "memory");
  }

 private:
  uint32_t address_;
};

// Copies from device memory to shared memory that pass the registers by.
class AsyncCopies {
 public:
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
};

}  // namespace pstmo::cuda
