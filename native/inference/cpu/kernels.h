// The kernels of the evaluation-only plan, compiled once for each instruction set like those of
// kernels.h: products whose epilogue is fused into the store, attention of one head with its scores
// in the first-level cache, and what goes row by row. Rows are padded to whole panels: what lies
// behind the last channel is zero, stays zero, and is read and written as the rest is.
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
// of y, scale and residual are numbered through the groups. The sum over `inner` runs in one order
// whatever the number of rows.
struct PlanProduct {
  int rows = 0;
  int groups = 1;
  const void* a = nullptr;  // floats, or bf16 where the panels are
  ptrdiff_t aStride = 0;    // elements from row to row
  ptrdiff_t aGroup = 0;     // and from group to group
  int inner = 0;            // bf16: even
  const void* panels =
      nullptr;  // (panelCount, inner, panelColumns); bf16: (panelCount, inner / 2, panelColumns, 2)
  int panelCount = 0;
  const float* scale = nullptr;  // (rows)
  const float* bias = nullptr;   // (panelCount * panelColumns)
  float slope = 1;               // of the activation where it is negative: 1 none, 0 ReLU
  const float* residual = nullptr;
  RowMap residualMap = {};
  float* y = nullptr;  // may be the residual itself; or null
  RowMap yMap = {};
  Bf16* yBf16 = nullptr;  // the same rounded; or null
  RowMap yBf16Map = {};
};

// One head of one window: out = softmax2(q k^T) v, softmax2 with powers of two, so that log2(e) /
// sqrt(width) belongs into q. exp2 is a polynomial on [-0.5, 0.5]: relative error at most 2.2e-7 in
// fp32, 7.5e-5 in bf16 (whose own rounding is 2e-3).
struct PlanAttention {
  int queries = 0, keys = 0;
  int width = 0;  // channels of a head; bf16: even
  const void* q =
      nullptr;  // floats or bf16, all rows `stride` elements apart: width rounded up to a panel
  const void* k = nullptr;
  const void* v = nullptr;
  ptrdiff_t stride = 0;
  void* out = nullptr;
  ptrdiff_t outStride = 0;
  // Without subtracting the greatest score of a row where |q| max |k| says that no power can leave
  // the range of floats.
  bool skipMaximum = true;
};

// y = (x - mean) t a + b with t = 1 / (std + 1e-6), std unbiased, of each row; a and b both or
// neither. scaled false: t = 1.
struct PlanNormalize {
  int rows = 0, channels = 0;
  const float* x = nullptr;
  ptrdiff_t stride = 0;
  const float* a = nullptr;
  const float* b = nullptr;
  bool scaled = true;
  float* y = nullptr;  // one of the two, rows `stride` apart
  Bf16* yBf16 = nullptr;
};

// y = leaky(x scale + shift) + residual, column by column; rows `stride` apart. For what is not
// folded into a product.
struct PlanAffine {
  int rows = 0, channels = 0;
  const float* x = nullptr;
  ptrdiff_t stride = 0;
  const float* scale = nullptr;
  const float* shift = nullptr;
  float slope = 1;
  const float* residual = nullptr;
  float* y = nullptr;
  Bf16* yBf16 = nullptr;
};

// Rows of the first layer's Q, K and V of one head, of a frame's part and a position's: out =
// scale[i] (frame + position) + bias.
struct PlanCombine {
  int rows = 0, columns = 0;
  const float* frames = nullptr;
  const int32_t* frameRows = nullptr;  // (rows): which row of `frames`
  ptrdiff_t frameStride = 0;
  const float* positions = nullptr;  // row i
  ptrdiff_t positionStride = 0;
  const float* scale = nullptr;  // (rows)
  const float* bias = nullptr;   // (columns)
  void* out = nullptr;           // floats or bf16
  ptrdiff_t outStride = 0;
  bool bf16 = false;
};

struct PlanKernels {
  int lanes;
  int panelColumns;
  int tileRows;
  void (*product)(const PlanProduct&);
  void (*productBf16)(const PlanProduct&);  // null without the instructions
  void (*attention)(const PlanAttention&, float* scratch);
  void (*attentionBf16)(const PlanAttention&, float* scratch);
  // scale[row] = 1 / (std + 1e-6)
  void (*rowScales)(const float* x, ptrdiff_t stride, int channels, int rows, float* scale);
  void (*normalizeRows)(const PlanNormalize&);
  void (*affineRows)(const PlanAffine&);
  // y[i] = x[xRows[i]] + table[i]; xRows null: i. table null: a copy. y may be x where xRows is
  // null.
  void (*addRows)(const float* x, const int32_t* xRows, ptrdiff_t stride, const float* table,
                  RowMap tableMap, int channels, int rows, float* y);
  void (*combineRows)(const PlanCombine&);
};

// Floats of scratch that attention over `keys` keys of `width` channels takes, any instruction set.
size_t planAttentionScratch(int keys, int width);

// For an instruction set as cpu-backend.h names them.
const PlanKernels& planKernels(Precision precision, const std::string& isa);

const PlanKernels& portablePlanKernels();
#if defined(__x86_64__)
const PlanKernels& avx2PlanKernels();
const PlanKernels& avx512PlanKernels();
const PlanKernels& avx512Bf16PlanKernels();
#endif

}  // namespace pstmo::inference
