// Attention among the n tokens of each window.
#pragma once

#include "fields.h"

namespace pstmo {

// The sizes of every attention, and Q, K and V.
template <typename Visitor, typename Op>
void attentionFields(Visitor& v, Op& op, const Access& access = {}) {
  v.sizes("batch", op.batch, "tokens", op.tokens, "width", op.width, "heads", op.heads);
  v.require(op.width % op.heads == 0 && op.width / op.heads <= 128,
            "attributes.width: expected a multiple of heads, at most 128 a head.");
  v.shape(op.batch, "x", op.tokens, "x", op.width);
  v.in("qkv", op.qkv, {op.batch, op.tokens, 3, op.width}, access);
}

// FLOPs of one matmul of (n, w) by (w, n) in every head of every window.
template <typename Op>
double scoreFlops(const Op& op) {
  return 2.0 * op.batch * op.tokens * op.tokens * op.width;
}

// softmax(Q K^T / sqrt(w)) V a head, w = width / heads; dropout on the weights, whose matrix has B
// * heads * n rows of n columns.
struct AttentionForward {
  int batch, tokens, width, heads;
  // Q, K, V side by side; head i takes columns i w .. (i + 1) w of each.
  ConstActivations qkv;
  Activations out;
  float* logSumExp;  // kept for backward: log of the softmax denominator, scores scaled
  Dropout dropout = {};
};

template <typename Visitor>
void fields(Visitor& v, AttentionForward& op) {
  attentionFields(v, op);
  v.flops(2 * scoreFlops(op));
  v.out("out", op.out, {op.batch, op.tokens, op.width});
  v.out("logSumExp", op.logSumExp, {op.batch, op.heads, op.tokens});
  v.dropout(op.dropout);
}

struct AttentionBackward {
  int batch, tokens, width, heads;
  ConstActivations qkv;
  ConstActivations out;
  const float* logSumExp;
  ConstActivations dOut;
  Activations dQkv;
  Dropout dropout = {};
};

template <typename Visitor>
void fields(Visitor& v, AttentionBackward& op) {
  attentionFields(v, op);
  v.flops(5 * scoreFlops(op));  // scores once more, then dV, dP, dQ and dK
  v.in("out", op.out, {op.batch, op.tokens, op.width});
  v.in("logSumExp", op.logSumExp, {op.batch, op.heads, op.tokens});
  v.in("dOut", op.dOut, {op.batch, op.tokens, op.width});
  v.out("dQkv", op.dQkv, {op.batch, op.tokens, 3, op.width});
  v.dropout(op.dropout);
}

// The weights themselves, before dropout.
struct AttentionMaps {
  int batch, tokens, width, heads;
  ConstActivations qkv;
  float* maps;
};

template <typename Visitor>
void fields(Visitor& v, AttentionMaps& op) {
  attentionFields(v, op, {.elements = 2.0 * op.batch * op.tokens * op.width});  // Q and K
  v.flops(scoreFlops(op));
  v.out("maps", op.maps, {op.batch, op.heads, op.tokens, op.tokens});
}

#define PSTMO_ATTENTION_OPS(X) \
  X(AttentionForward)          \
  X(AttentionBackward)         \
  X(AttentionMaps)

}  // namespace pstmo
