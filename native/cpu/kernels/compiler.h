// Differences between GCC and clang: shuffles of lanes, a value kept in a vector register, false
// warnings. Included by the kernels.inl files alone, inside the namespace of one instruction set,
// before vector.h.
#pragma once

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wunused-function"
#else
// GCC 12 takes the deliberately undefined operands of its own AVX-512 intrinsics for uninitialised
// variables.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

// Lane i becomes lane lanes[i] of v.
template <typename Vector, typename Lanes>
inline Vector shuffle(Vector v, Lanes lanes) {
#if defined(__clang__)
  // Without GCC's builtin; after unrolling, one shuffle where `lanes` is a constant.
  constexpr int count = sizeof(Vector) / sizeof(v[0]);
  Vector shuffled{};
#pragma unroll
  for (int i = 0; i < count; ++i) shuffled[i] = v[lanes[i]];
  return shuffled;
#else
  return __builtin_shuffle(v, lanes);
#endif
}

// The same of a and b laid end to end.
template <typename Vector, typename Lanes>
inline Vector shuffle(Vector a, Vector b, Lanes lanes) {
#if defined(__clang__)
  constexpr int count = sizeof(Vector) / sizeof(a[0]);
  Vector shuffled{};
#pragma unroll
  for (int i = 0; i < count; ++i)
    shuffled[i] = lanes[i] < count ? a[lanes[i]] : b[lanes[i] - count];
  return shuffled;
#else
  return __builtin_shuffle(a, b, lanes);
#endif
}

// Keeps v in a register: the compiler neither folds nor drops the arithmetic before it.
template <typename Vector>
inline void keepInRegister(Vector& v) {
#if defined(__x86_64__)
  asm volatile("" : "+v"(v));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(v));
#else
  asm volatile("" : "+m"(v));
#endif
}
