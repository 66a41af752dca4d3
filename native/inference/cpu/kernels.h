// The CPU kernels of the compiled lifter, inference alone, compiled once for each instruction set
// like those of native/cpu/kernels: matmuls whose epilogue runs on the registers of a tile,
// attention of one head with its scores in the first-level cache, and what goes row by row.
//
// Rows are padded to whole panels: the channels behind the last are zero, stay zero, and are read
// and written as the rest is, so no kernel has a tail. The lifter splits the work; kernels never
// allocate and never start threads, and a row's bits do not depend on the rows beside it.
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>

#include "../../ops/backend.h"

namespace pstmo::inference {

using Bf16 = uint16_t;

// Where row r stands, with q = r + start: q / rows * group + q % rows * stride, in elements.
struct RowMap {
  ptrdiff_t stride = 0;
  int rows = INT_MAX;
  ptrdiff_t group = 0;
  int start = 0;
};

// y = activation(scale[row] * (a panels) + bias) + residual, for `groups` times `rows` rows. Rows
// of y, scale and residual are numbered through the groups.
struct Matmul {
  int rows = 0;
  int groups = 1;
  const void* a = nullptr;  // floats, or bf16 where the panels are
  ptrdiff_t aStride = 0;    // elements from row to row
  ptrdiff_t aGroup = 0;     // and from group to group
  int inner = 0;            // bf16: even
  // (panelCount, inner, panelColumns); bf16: (panelCount, inner / 2, panelColumns, 2)
  const void* panels = nullptr;
  int panelCount = 0;
  const float* scale = nullptr;  // (rows)
  const float* bias = nullptr;   // (panelCount * panelColumns)
  float slope = 1;               // of the activation where it is negative: 1 none, 0 ReLU
  const float* residual = nullptr;
  RowMap residualMap = {};
  float* y = nullptr;  // may be the residual itself (in place); or null
  RowMap yMap = {};
  Bf16* yBf16 = nullptr;  // the same rounded; or null
  RowMap yBf16Map = {};
};

// One head of one window: out = softmax2(q k^T) v, softmax2 with powers of two, so that log2(e) /
// sqrt(width) belongs into q. exp2 is a polynomial on [-0.5, 0.5]: relative error at most 2.2e-7 in
// fp32, 7.5e-5 in bf16 (whose own rounding is 2e-3).
struct Attention {
  int queries = 0, keys = 0;
  int width = 0;  // channels of a head; bf16: even
  // q (queries, stride); k, v (keys, stride), floats or bf16: stride is width rounded up to a panel
  const void* q = nullptr;
  const void* k = nullptr;
  const void* v = nullptr;
  ptrdiff_t stride = 0;
  void* out = nullptr;  // (queries, outStride): `width` channels of each row, unpadded
  ptrdiff_t outStride = 0;
};

// y = (x - mean) t, rounded, with t = 1 / (std + 1e-6), std unbiased, of each row. scaled false:
// t = 1. The norm's scale and shift are in the next weights.
struct LayerNorm {
  int rows = 0, channels = 0;
  const float* x = nullptr;  // (rows, stride)
  ptrdiff_t stride = 0;
  bool scaled = true;
  Bf16* y = nullptr;  // (rows, stride)
};

// Rows of the first layer's Q, K or V of one head, of a frame's part and a position's: out[i] =
// scale[i] (frames[frameRows[i]] + positions[i]) + bias.
struct CombineRows {
  int rows = 0, columns = 0;
  const float* frames = nullptr;
  const int32_t* frameRows = nullptr;  // (rows)
  ptrdiff_t frameStride = 0;
  const float* positions = nullptr;  // (rows, positionStride)
  ptrdiff_t positionStride = 0;
  const float* scale = nullptr;  // (rows)
  const float* bias = nullptr;   // (columns)
  void* out = nullptr;           // (rows, outStride), floats or bf16
  ptrdiff_t outStride = 0;
  bool bf16 = false;
};

struct Kernels {
  int panelColumns;
  int tileRows;
  void (*matmul)(const Matmul&);
  void (*matmulBf16)(const Matmul&);  // null without the instructions
  // scratch of attentionScratch floats
  void (*attention)(const Attention&, float* scratch);
  void (*attentionBf16)(const Attention&, float* scratch);
  // scale[row] = 1 / (std + 1e-6)
  void (*rowScales)(const float* x, ptrdiff_t stride, int channels, int rows, float* scale);
  void (*layerNorm)(const LayerNorm&);  // null without the bf16 instructions
  // y[i] = x[xRows[i]] + table[i]; xRows null: i. table null: a copy. y may be x where xRows is
  // null.
  void (*addRows)(const float* x, const int32_t* xRows, ptrdiff_t stride, const float* table,
                  RowMap tableMap, int channels, int rows, float* y);
  void (*combineRows)(const CombineRows&);
};

// Floats of scratch that attention over `keys` keys of `width` channels takes, any instruction set.
size_t attentionScratch(int keys, int width);

// For an instruction set as cpu-backend.h names them.
const Kernels& chooseKernels(Precision precision, const std::string& isa);

const Kernels& portableKernels();
#if defined(__x86_64__)
const Kernels& avx2Kernels();
const Kernels& avx512Kernels();
const Kernels& avx512bf16Kernels();
#endif

}  // namespace pstmo::inference
