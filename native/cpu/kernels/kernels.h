// The part of the CPU backend that is compiled once for each instruction set: a table of functions
// over ranges. The operations that call them split the work; they never allocate and never start
// threads.
//
// Words of every kernel. Lane: a float of a vector. Panel: panelColumns columns of a matmul's right
// operand, two vectors, laid together row after row. Tile: up to tileRows rows of the left operand,
// whose sums with one panel stay in registers. bf16 word: 32 bits, two neighbours of the inner
// dimension, the first in the low half.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../ops/backend.h"

namespace pstmo::cpu {

// The widest panel and the tallest tile of any instruction set.
constexpr int kWidestPanel = 32, kTallestTile = 9;

// What a tile of sums goes through on its way to memory, in this order: + bias, ReLU, dropout, mask
// of an earlier ReLU, + residual, + what y held (accumulate).
struct Epilogue {
  float* y;  // (rows, width)
  int width;
  const float* bias = nullptr;  // (width)
  bool relu = false;
  Dropout dropout = {};
  const float* reluOutput = nullptr;  // (rows, width): y *= reluOutput > 0 ? reluScale : 0
  float reluScale = 1;
  // Row r of y takes row (r / outTokens) * tokens + (r % outTokens) * stride.
  const float* residual = nullptr;
  int outTokens = 1, tokens = 1, stride = 1;
  bool accumulate = false;
  // 3: the columns are (tap, width) and row r belongs to the tokens around the one that residual
  // would be read from: tap t goes to that token - 1 + t, nowhere outside of a window. A panel must
  // not cross taps.
  int taps = 1;
};

// y = residual + dropout(leaky((x - mean) inverseStd gamma + beta, slope)); slope 1 is plain batch
// norm. x, residual, y (rows, channels); the rest (channels).
struct Normalize {
  int channels;
  const float* x;
  const float* mean;
  const float* inverseStd;
  const float* gamma;
  const float* beta;
  float slope = 1;
  const float* residual = nullptr;
  Dropout dropout = {};
  float* y;
};

// Its backward in two passes, as dX needs column sums over all rows:
//   dU = dY through dropout and activation; sums of dU and of dU xhat
//   dX = gamma inverseStd (dU - mean(dU) - xhat mean(dU xhat)), xhat = (x - mean) inverseStd
struct NormalizeBackward {
  int channels;
  const float* dY;
  const float* x;
  const float* mean;
  const float* inverseStd;
  const float* gamma;
  const float* beta;  // null with slope 1
  float slope = 1;
  Dropout dropout = {};
  float* dU;              // (rows, channels): first pass out
  const float* sums;      // (2, channels): second pass in, of dU and of dU xhat
  float inverseRows = 0;  // second pass: 1 / rows
  float* dX;              // (rows, channels): second pass out; may be dU
  bool accumulate = false;
};

struct Kernels {
  const char* name;
  int tileRows;      // rows of a full tile
  int panelColumns;  // columns of a panel: two vectors

  // out (rows, panelColumns) = or += (accumulate) a panel. a: row-major (rows, steps) with row
  // stride `stride`, or k-major (steps, rows): a[p * stride + row]. panel (steps, panelColumns).
  // a and panel in floats; of tileBf16 in bf16 words, and null without the instructions.
  void (*tile)(int rows, const void* a, ptrdiff_t stride, bool kMajor, int steps, const void* panel,
               float* out, bool accumulate);
  void (*tileBf16)(int rows, const void* a, ptrdiff_t stride, bool kMajor, int steps,
                   const void* panel, float* out, bool accumulate);
  // Rows [row, row + rows) and the panel at `column` of a matmul, out of a tile (rows,
  // panelColumns).
  void (*storeTile)(const Epilogue&, const float* tile, int row, int rows, int column);
  // Round to bf16 words. roundRow: words[i] = x[2 i], x[2 i + 1] (0 after `count`).
  // roundRowPair: words[i] = x[i], y[i]. Null without the instructions.
  void (*roundRow)(const float* x, int count, uint32_t* words);
  void (*roundRowPair)(const float* x, const float* y, int count, uint32_t* words);

  // One head of one window; scratch of attentionScratch floats.
  void (*attentionForward)(const AttentionForward&, int window, int head, float* scratch);
  void (*attentionBackward)(const AttentionBackward&, int window, int head, float* scratch);
  void (*attentionMaps)(const AttentionMaps&, int window, int head, float* scratch);

  // Rows [begin, end). Sums overwrite: those of these rows alone.
  void (*layerNormForward)(const LayerNormForward&, int begin, int end);
  // sums (2, channels): dA, dB.
  void (*layerNormBackward)(const LayerNormBackward&, int begin, int end, float* sums);
  // moments (2, channels): mean, sum of squared deviations.
  void (*columnMoments)(const float* x, int channels, int begin, int end, float* moments);
  // sums (channels).
  void (*columnSums)(const float* x, int channels, int begin, int end, float* sums);
  void (*normalize)(const Normalize&, int begin, int end);
  // sums (2, channels): dU, dU xhat.
  void (*normalizeBackwardSums)(const NormalizeBackward&, int begin, int end, float* sums);
  void (*normalizeBackward)(const NormalizeBackward&, int begin, int end);
  void (*dropoutBackward)(const DropoutBackward&, int begin, int end);
  // Parameters [begin, end).
  void (*adam)(const AdamStep&, size_t begin, size_t end);

  // For the benches: runs fused multiply-adds on registers, returns how many floating-point
  // operations they were.
  double (*multiplyAdds)(long iterations);
  double (*multiplyAddsBf16)(long iterations);
};

// Floats that the attention kernels need for `tokens` and head width `width`, any instruction set.
size_t attentionScratch(int tokens, int width);

const Kernels& portableKernels();
#if defined(__x86_64__)
const Kernels& avx2Kernels();
const Kernels& avx512Kernels();
const Kernels& avx512bf16Kernels();
#endif

}  // namespace pstmo::cpu
