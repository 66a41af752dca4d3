// The operations. Each is a struct in the header of its noun, with its formula above it and its
// fields below it (fields.h); PSTMO_FOR_EACH_OP lists them all.
//
// Conventions. Activations are row-major, channels last: a matrix (rows, channels), where rows = B
// * n for n tokens a window. Fields of type Activations are those that a device may keep in
// bfloat16 (activations.h); all other numbers are float32. Weights are as PyTorch stores them:
// linear (out, in), convolution (out, in, 3). Pointers are device pointers of this backend. A
// gradient that is an `out` field is overwritten, one that is an `add` field is added to: parameter
// gradients (dWeight, dBias, dGamma, dTable, ...) are always added to, activation gradients are
// overwritten unless a field says otherwise. A null gradient pointer skips that gradient. Every
// operation is deterministic and gives the same result for every number of threads.
#pragma once

#include "adam.h"
#include "attention.h"
#include "linear.h"
#include "normalization.h"
#include "poses.h"
#include "strided-conv.h"
#include "tokens.h"

namespace pstmo {

// X(LinearForward) X(LinearBackward) ...: every op. The declarations of each device, the timing of
// each op and the table for tests are made from it.
#define PSTMO_FOR_EACH_OP(X) \
  PSTMO_LINEAR_OPS(X)        \
  PSTMO_NORMALIZATION_OPS(X) \
  PSTMO_ATTENTION_OPS(X)     \
  PSTMO_STRIDED_CONV_OPS(X)  \
  PSTMO_TOKEN_OPS(X)         \
  PSTMO_POSE_OPS(X)          \
  PSTMO_ADAM_OPS(X)

// nameOf(LinearForward{}) is "linearForward".
template <size_t size>
struct OpName {
  constexpr explicit OpName(const char (&type)[size]) {
    for (size_t i = 0; i < size; ++i) text[i] = type[i];
    text[0] += 'a' - 'A';
  }
  char text[size];
};
#define PSTMO_NAME_OP(Op)                   \
  inline constexpr OpName k##Op##Name{#Op}; \
  constexpr const char* nameOf(const Op&) { return k##Op##Name.text; }
PSTMO_FOR_EACH_OP(PSTMO_NAME_OP)
#undef PSTMO_NAME_OP

}  // namespace pstmo
