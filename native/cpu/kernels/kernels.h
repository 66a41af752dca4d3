// The part of the CPU backend that is compiled once for each instruction set: a table of functions
// over ranges. Who calls them (the operations) decides how work is split; they never allocate and
// never start threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../ops/backend.h"

namespace pstmo::cpu {

// What happens to a tile of products on its way to memory, in this order: + bias, ReLU, dropout,
// mask of an earlier ReLU,
// + residual, + what y held.
struct TileStore {
  float* y;  // (rows, width)
  int width;
  const float* bias = nullptr;
  bool relu = false;
  Dropout dropout = {};
  const float* reluOutput = nullptr;  // (rows, width)
  float reluScale = 1;
  const float* residual =
      nullptr;  // row r of y takes row (r / outTokens) * tokens + (r % outTokens) * stride
  int outTokens = 1, tokens = 1, stride = 1;
  bool accumulate = false;
  // 3: the columns are (tap, width) and row r belongs to the tokens around the one that residual
  // would be read from: tap t goes to that token - 1 + t, nowhere outside of a window. A panel must
  // not cross taps.
  int taps = 1;
};

// y = residual + dropout(leaky((x - mean) inverseStd gamma + beta, slope)); slope 1 is plain batch
// norm.
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
  float* dU;          // (rows, channels): first pass out, dY through dropout and activation
  const float* sums;  // (2, channels) second pass in: sum of dU, sum of dU * xhat
  float inverseRows = 0;
  float* dX;  // second pass out; may be dU
  bool accumulate = false;
};

struct Kernels {
  const char* name;
  int tileRows;      // rows of a full tile
  int lanes;         // floats of a vector
  int panelColumns;  // columns of a panel: two vectors

  // out (rows, columns) = or += a b. a: row-major with row stride `stride`, or k-major (a[k *
  // stride + row]). Panel: (k, columns). columns is panelColumns or half of it.
  void (*tile)(int rows, const float* a, ptrdiff_t stride, bool kMajor, int k, const float* panel,
               int columns, float* out, bool accumulate);
  // The same in bf16 pairs: a (rows, pairs) or k-major (pairs, rows); panel (pairs, panelColumns).
  // Null without the instructions.
  void (*tileBf16)(int rows, const uint32_t* a, ptrdiff_t stride, bool kMajor, int pairs,
                   const uint32_t* panel, float* out, bool accumulate);
  void (*store)(const TileStore&, const float* tile, int row, int rows, int column);
  // Pairs along a row: pairs[i] = x[2 i] and x[2 i + 1] in bf16 (0 after `count`). Pairs of two
  // rows: x[i] and y[i].
  void (*pairsOfRow)(const float* x, int count, uint32_t* pairs);
  void (*pairsOfRows)(const float* x, const float* y, int count, uint32_t* pairs);

  // One window and head; scratch of attentionScratch floats.
  void (*attentionForward)(const AttentionForward&, int window, int head, float* scratch);
  void (*attentionBackward)(const AttentionBackward&, int window, int head, float* scratch);
  void (*attentionMaps)(const AttentionMaps&, int window, int head, float* scratch);

  void (*layerNormForward)(const LayerNormForward&, int begin, int end);
  void (*layerNormBackward)(const LayerNormBackward&, int begin, int end,
                            float* sums);  // sums (2, channels): dA, dB of these rows
  void (*columnMoments)(const float* x, int channels, int begin, int end,
                        float* moments);  // (2, channels): mean, sum of squared deviations
  void (*columnSums)(const float* x, int channels, int begin, int end, float* sums);
  void (*normalize)(const Normalize&, int begin, int end);
  void (*normalizeBackwardSums)(const NormalizeBackward&, int begin, int end, float* sums);
  void (*normalizeBackward)(const NormalizeBackward&, int begin, int end);
  void (*dropoutBackward)(const DropoutBackward&, int begin, int end);
  void (*adam)(const AdamStep&, size_t begin, size_t end);

  double (*multiplyAdds)(
      long iterations);  // runs them on registers; returns how many floating-point operations
  double (*multiplyAddsBf16)(long iterations);
};

// Floats that the attention kernels need for `tokens` and head width `width`, any instruction set.
size_t attentionScratch(int tokens, int width);

const Kernels& portableKernels();
#if defined(__x86_64__)
const Kernels& avx2Kernels();
const Kernels& avx512Kernels();
const Kernels& avx512Bf16Kernels();
#endif

}  // namespace pstmo::cpu
