// Tokens of a window: position tables, masking, concatenation, addition.
#pragma once

#include <algorithm>
#include <cstddef>

#include "fields.h"

namespace pstmo {

// Sizes and row lists, which both ways have. Returns the rows of the table, 0 where there is none.
template <typename Visitor, typename Op>
int positionsFields(Visitor& v, Op& op, bool hasTable) {
  v.sizes("batch", op.batch, "tokens", op.tokens, "outTokens", op.outTokens, "channels",
          op.channels);
  const int tableLength = v.length("tableLength", 0, hasTable ? op.outTokens : 0);
  v.shape(op.batch, "x", op.outTokens, "x", op.channels);
  v.indices("rows", op.rows, {op.outTokens}, 0, op.tokens - 1, {.optional = true});
  v.indices("tableRows", op.tableRows, {op.outTokens}, 0, std::max(tableLength - 1, 0),
            {.optional = true});
  v.require((op.rows || op.outTokens <= op.tokens) &&
                (op.tableRows || op.outTokens <= tableLength || tableLength == 0),
            "attributes.outTokens: beyond the rows that there are.");
  return tableLength;
}

// y[b, i] = x[b, rows[i]] + table[tableRows[i]] for i < outTokens; null row lists mean 0, 1, 2,
// ...; without a table it is a gather.
struct PositionsForward {
  int batch, tokens, outTokens, channels;
  const float* x;
  const float* table;
  const int* rows;
  const int* tableRows;
  float* y;  // may be x where rows is null
};

template <typename Visitor>
void fields(Visitor& v, PositionsForward& op) {
  const int tableLength = positionsFields(v, op, op.table != nullptr);
  v.in("x", op.x, {op.batch, op.tokens, op.channels},
       {.elements = double(op.batch) * op.outTokens * op.channels});
  if (tableLength > 0) v.in("table", op.table, {tableLength, op.channels});
  v.out("y", op.y, {op.batch, op.outTokens, op.channels});
}

// dX[b, rows[i]] = dY[b, i] (zero elsewhere; null dX: skipped, as where dX is dY);
// dTable[tableRows[i]] += sum over b.
struct PositionsBackward {
  int batch, tokens, outTokens, channels;
  const float* dY;
  const int* rows;
  const int* tableRows;
  float* dX;
  float* dTable;
};

template <typename Visitor>
void fields(Visitor& v, PositionsBackward& op) {
  const int tableLength = positionsFields(v, op, op.dTable != nullptr);
  v.in("dY", op.dY, {op.batch, op.outTokens, op.channels});
  v.out("dX", op.dX, {op.batch, op.tokens, op.channels}, {.optional = true});
  if (tableLength > 0) v.add("dTable", op.dTable, {tableLength, op.channels});
}

// Stage I decoder input: y[b, i] = x[b, i] + table[order[i]] for the first `visible` tokens, token
// + table[order[i]] after them.
struct DecoderInputForward {
  int batch, visible, tokens, channels;
  const float* x;
  const float* token;
  const float* table;
  const int* order;  // visible frames first, masked ones after
  float* y;
};

template <typename Visitor>
void fields(Visitor& v, DecoderInputForward& op) {
  v.sizes("batch", op.batch, "tokens", op.tokens, "channels", op.channels);
  v.whole("visible", op.visible, 0, op.tokens);
  v.shape(op.batch, "x", op.tokens, "x", op.channels);
  v.in("x", op.x, {op.batch, op.visible, op.channels});
  v.in("token", op.token, {op.channels});
  v.in("table", op.table, {op.tokens, op.channels});
  v.indices("order", op.order, {op.tokens}, 0, op.tokens - 1);
  v.out("y", op.y, {op.batch, op.tokens, op.channels});
}

struct DecoderInputBackward {
  int batch, visible, tokens, channels;
  const float* dY;
  const int* order;
  float* dX;
  float* dToken;
  float* dTable;
};

template <typename Visitor>
void fields(Visitor& v, DecoderInputBackward& op) {
  v.sizes("batch", op.batch, "tokens", op.tokens, "channels", op.channels);
  v.whole("visible", op.visible, 0, op.tokens);
  v.shape(op.batch, "x", op.tokens, "x", op.channels);
  v.in("dY", op.dY, {op.batch, op.tokens, op.channels});
  v.indices("order", op.order, {op.tokens}, 0, op.tokens - 1);
  v.out("dX", op.dX, {op.batch, op.visible, op.channels});
  v.add("dToken", op.dToken, {op.channels});
  v.add("dTable", op.dTable, {op.tokens, op.channels});
}

// Spatial masking: y[b, n, j] = mask[n, j] ? token : x[b, n, j].
struct JointMaskForward {
  int batch, frames, joints;
  const float* x;
  const uint8_t* mask;
  const float* token;
  float* y;
};

template <typename Visitor>
void fields(Visitor& v, JointMaskForward& op) {
  v.sizes("batch", op.batch, "frames", op.frames, "joints", op.joints);
  v.shape(op.batch, "x", op.frames, "x", op.joints);
  v.in("x", op.x, {op.batch, op.frames, op.joints, 2});
  v.in("mask", op.mask, {op.frames, op.joints});
  v.in("token", op.token, {2}, {.times = 0});  // two numbers, as good as attributes
  v.out("y", op.y, {op.batch, op.frames, op.joints, 2});
}

struct JointMaskBackward {
  int batch, frames, joints;
  const float* dY;
  const uint8_t* mask;
  float* dToken;
};

template <typename Visitor>
void fields(Visitor& v, JointMaskBackward& op) {
  v.sizes("batch", op.batch, "frames", op.frames, "joints", op.joints);
  v.shape(op.batch, "x", op.frames, "x", op.joints);
  v.in("dY", op.dY, {op.batch, op.frames, op.joints, 2});
  v.in("mask", op.mask, {op.frames, op.joints});
  v.add("dToken", op.dToken, {2}, {.times = 0});
}

// y = concatenation of a and b along the last axis; backward: split.
struct ConcatForward {
  int rows, left, right;
  const float* a;
  const float* b;
  float* y;
};

template <typename Visitor>
void fields(Visitor& v, ConcatForward& op) {
  v.sizes("rows", op.rows, "left", op.left, "right", op.right);
  v.shape(op.rows, "x", op.left + op.right);
  v.in("a", op.a, {op.rows, op.left});
  v.in("b", op.b, {op.rows, op.right});
  v.out("y", op.y, {op.rows, op.left + op.right});
}

struct ConcatBackward {
  int rows, left, right;
  const float* dY;
  float* dA;
  float* dB;
};

template <typename Visitor>
void fields(Visitor& v, ConcatBackward& op) {
  v.sizes("rows", op.rows, "left", op.left, "right", op.right);
  v.shape(op.rows, "x", op.left + op.right);
  v.in("dY", op.dY, {op.rows, op.left + op.right});
  v.add("dA", op.dA, {op.rows, op.left});
  v.add("dB", op.dB, {op.rows, op.right});
}

// y += x.
struct AddForward {
  size_t count;
  const float* x;
  float* y;
};

template <typename Visitor>
void fields(Visitor& v, AddForward& op) {
  v.sizes("count", op.count);
  v.shape(op.count);
  v.in("x", op.x, {int64_t(op.count)});
  v.add("y", op.y, {int64_t(op.count)});
}

#define PSTMO_TOKEN_OPS(X) \
  X(PositionsForward)      \
  X(PositionsBackward)     \
  X(DecoderInputForward)   \
  X(DecoderInputBackward)  \
  X(JointMaskForward)      \
  X(JointMaskBackward)     \
  X(ConcatForward)         \
  X(ConcatBackward)        \
  X(AddForward)

}  // namespace pstmo
