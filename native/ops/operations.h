// The operations: one struct each, with its formula, its shapes and what it writes. backend.h lists
// them for the devices.
//
// Conventions. Activations are row-major, channels last: a matrix (rows, channels), where rows = B
// * n for n tokens a window. Fields of type Activations are those that a device may keep in
// bfloat16 (activations.h); all other numbers are float32. Weights are as PyTorch stores them:
// linear (out, in), convolution (out, in, 3). Pointers are device pointers of this backend. A
// gradient written with `=` overwrites, with `+=` adds: parameter gradients (dWeight, dBias,
// dGamma, dTable, ...) are always `+=`; activation gradients are `=` unless the field says
// otherwise. A null gradient pointer skips that gradient. Every operation is deterministic and
// gives the same result for every number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/dropout.h"
#include "activations.h"

namespace pstmo {

// y = residual + dropout(activation(x weight^T + bias)); residual and bias may be null.
struct LinearForward {
  int rows, in, out;
  ConstActivations x;               // (rows, in)
  const float* weight;              // (out, in)
  const float* bias;                // (out) or null
  Activations y;                    // (rows, out)
  const float* residual = nullptr;  // (rows, out) or null; may be y itself
  bool relu = false;
  Dropout dropout = {};
};

// Of z = x weight^T + bias, given dZ. The way back through ReLU and dropout of the layer before is
// an epilogue of dX.
struct LinearBackward {
  int rows, in, out;
  ConstActivations dZ;  // (rows, out)
  ConstActivations x;   // (rows, in)
  const float* weight;  // (out, in)
  Activations dX;       // (rows, in) =, or += if accumulate; or null
  float* dWeight;       // (out, in) +=, or null
  float* dBias;         // (out) +=, or null
  bool accumulate = false;
  ConstActivations reluOutput =
      {};  // (rows, in) output of relu + dropout that made x: dX *= reluOutput > 0 ? reluScale : 0
  float reluScale = 1;
};

// The spatial MLP block of SEM: z = x weight^T + bias; y = residual +
// dropout(leakyRelu(batchNorm(z), 0.2)). Training: mean and variance over the rows (biased
// variance; eps 1e-5), running statistics moved by momentum 0.1 (running variance takes the
// unbiased one). Evaluation: running statistics.
struct SpatialBlockForward {
  int rows, in, out;
  ConstActivations x;         // (rows, in)
  const float* weight;        // (out, in)
  const float* bias;          // (out)
  const float* gamma;         // (out)
  const float* beta;          // (out)
  float* runningMean;         // (out), moved when training
  float* runningVariance;     // (out), moved when training
  ConstActivations residual;  // (rows, out) or null
  Activations z;              // (rows, out) kept for backward; may equal y in evaluation
  float* mean;                // (out) kept for backward; unused in evaluation
  float* inverseStd;          // (out) kept for backward; unused in evaluation
  Activations y;              // (rows, out)
  bool training;
  Dropout dropout = {};
};

// Batch statistics, training only. dY is left as it is; the residual's gradient is dY itself.
struct SpatialBlockBackward {
  int rows, in, out;
  ConstActivations dY;  // (rows, out)
  ConstActivations x;
  const float* weight;
  const float* gamma;
  const float* beta;
  ConstActivations z;
  const float* mean;
  const float* inverseStd;
  Activations dZ;  // (rows, out) scratch
  Activations dX;  // (rows, in) =, or += if accumulate; or null
  float* dWeight;  // +=
  float* dBias;    // += (zero in theory: batch norm follows)
  float* dGamma;   // +=
  float* dBeta;    // +=
  bool accumulate = false;
  Dropout dropout = {};
};

// Batch norm alone (in front of the heads): y = gamma (x - mean) inverseStd + beta, statistics as
// in SpatialBlockForward.
struct BatchNormForward {
  int rows, channels;
  const float* x;
  const float* gamma;
  const float* beta;
  float* runningMean;
  float* runningVariance;
  float* mean;        // (channels) kept for backward
  float* inverseStd;  // (channels) kept for backward
  float* y;
  bool training;
};
struct BatchNormBackward {
  int rows, channels;
  ConstActivations dY;
  ConstActivations x;
  const float* gamma;
  const float* mean;
  const float* inverseStd;
  Activations dX;  // = or += if accumulate
  float* dGamma;   // +=
  float* dBeta;    // +=
  bool accumulate = false;
};

// y = a (x - mean) / (std + 1e-6) + b, std unbiased (channels - 1).
struct LayerNormForward {
  int rows, channels;
  const float* x;
  const float* a;
  const float* b;
  Activations y;
  float* mean;  // (rows) kept for backward
  float* std;   // (rows) kept for backward
};
struct LayerNormBackward {
  int rows, channels;
  ConstActivations dY;
  const float* x;
  const float* a;
  const float* mean;
  const float* std;
  float* dX;  // = or += if accumulate
  float* dA;  // +=
  float* dB;  // +=
  bool accumulate = false;
};

// softmax(Q K^T / sqrt(w)) V a head, w = width / heads; dropout on the weights, whose matrix has B
// * heads * n rows of n columns.
struct AttentionForward {
  int batch, tokens, width, heads;
  ConstActivations
      qkv;  // (B n, 3 width): Q, K, V side by side; head i takes columns i w .. (i + 1) w of each
  Activations out;  // (B n, width)
  float*
      logSumExp;  // (B, heads, n) kept for backward: log of the softmax denominator, scores scaled
  Dropout dropout = {};
};
struct AttentionBackward {
  int batch, tokens, width, heads;
  ConstActivations qkv;
  ConstActivations out;
  const float* logSumExp;
  ConstActivations dOut;  // (B n, width)
  Activations dQkv;       // (B n, 3 width) =
  Dropout dropout = {};
};
// The weights themselves, before dropout: maps (B, heads, n, n).
struct AttentionMaps {
  int batch, tokens, width, heads;
  ConstActivations qkv;
  float* maps;
};

// Convolution over time, kernel 3, padding 1, with its strided residual:
// y[b, i] = residual[b, s i] + dropout(sum over taps t of weight[:, :, t] x[b, s i + t - 1] +
// bias), i < ceil(tokens / s).
struct StridedConvForward {
  int batch, tokens, stride, in, out;
  ConstActivations x;     // (B, n, in)
  const float* weight;    // (out, in, 3)
  const float* bias;      // (out)
  const float* residual;  // (B, n, out)
  float* y;               // (B, ceil(n / s), out)
  Dropout dropout = {};
};
struct StridedConvBackward {
  int batch, tokens, stride, in, out;
  ConstActivations dZ;  // (B, ceil(n / s), out): dY through the dropout
  ConstActivations x;
  const float* weight;
  Activations dX;                    // (B, n, in) =, zero where no tap reads
  float* dWeight;                    // +=
  float* dBias;                      // +=
  ConstActivations reluOutput = {};  // as in LinearBackward
  float reluScale = 1;
};
// dResidual[b, s i] += dY[b, i].
struct StridedResidualBackward {
  int batch, tokens, stride, channels;
  const float* dY;
  float* dResidual;  // (B, n, channels) +=
};

// Dropout's own way back: dX = dY * mask / (1 - rate). dX may be dY.
struct DropoutBackward {
  int rows, channels;
  const float* dY;
  Activations dX;
  Dropout dropout = {};
};

// y[b, i] = x[b, rows[i]] + table[tableRows[i]] for i < outTokens; null row lists mean 0, 1, 2,
// ...; table may be null (a gather), y may be x where rows is null.
struct PositionsForward {
  int batch, tokens, outTokens, channels;
  const float* x;        // (B, tokens, channels)
  const float* table;    // (>= max(tableRows) + 1, channels) or null
  const int* rows;       // (outTokens) or null
  const int* tableRows;  // (outTokens) or null
  float* y;              // (B, outTokens, channels)
};
// dX[b, rows[i]] = dY[b, i] (zero elsewhere; null dX: skipped, as where dX is dY);
// dTable[tableRows[i]] += sum over b.
struct PositionsBackward {
  int batch, tokens, outTokens, channels;
  const float* dY;
  const int* rows;
  const int* tableRows;
  float* dX;      // = or null
  float* dTable;  // += or null
};

// Stage I decoder input: y[b, i] = x[b, i] + table[order[i]] for the first `visible` tokens, token
// + table[order[i]] after them.
struct DecoderInputForward {
  int batch, visible, tokens, channels;
  const float* x;      // (B, visible, channels)
  const float* token;  // (channels)
  const float* table;  // (tokens, channels)
  const int* order;    // (tokens): visible frames first, masked ones after
  float* y;            // (B, tokens, channels)
};
struct DecoderInputBackward {
  int batch, visible, tokens, channels;
  const float* dY;
  const int* order;
  float* dX;      // (B, visible, channels) =
  float* dToken;  // +=
  float* dTable;  // +=
};

// Spatial masking: y[b, n, j] = mask[n, j] ? token : x[b, n, j].
struct JointMaskForward {
  int batch, frames, joints;
  const float* x;       // (B, N, J, 2)
  const uint8_t* mask;  // (N, J)
  const float* token;   // (2)
  float* y;
};
struct JointMaskBackward {
  int batch, frames, joints;
  const float* dY;
  const uint8_t* mask;
  float* dToken;  // +=
};

// loss += weight * mean over (rows, joints) of |predicted - target|; dPredicted = weight / (rows
// joints) * (p - t) / |p - t| (0 where p = t).
struct PoseLoss {
  int rows, joints, coordinates;
  const float* predicted;  // (rows, joints, coordinates)
  const float* target;
  float weight;
  double* loss;       // scalar, +=
  float* dPredicted;  // = or null
};

// Adam with amsgrad, PyTorch's order of operations; one call for all parameters.
struct AdamStep {
  size_t count;
  float* value;
  const float* gradient;
  float* mean;
  float* variance;
  float* maximum;
  double learningRate;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  int64_t step;  // 1 for the first
};

// Windows out of sequences that lie one after the other: sequence i has frames [start[i], start[i]
// + frames[i]). Window of centre t: frames t + stride (i - (N - 1) / 2), the first or last frame
// repeated outside; mirrored: x to -x and joints swapped.
struct WindowGather {
  int batch, frames, stride;
  const int64_t* start;
  const int32_t* length;
  const int32_t* samples;   // (B, 3): sequence, centre frame, mirrored (0 or 1)
  int joints, coordinates;  // of `source`: 2 for keypoints, 3 for poses
  const float* source;      // (all frames, joints, coordinates)
  const int32_t* mirror;    // (joints): which joint each takes when mirrored
  int rootJoint = -1;       // its row becomes 0 (targets); -1: none
  bool shuffle = false;     // Table 8 "RS": a permutation of the window's frames, drawn from seed,
                            // step and sample
  uint64_t seed = 0;
  uint32_t step = 0;
  float* y;  // (B, N, joints, coordinates)
};

// Mean of a pose and the un-mirrored pose of the mirrored input: y = (plain + mirror(mirrored))
// / 2. y may be plain.
struct MirrorMean {
  int rows, joints;
  const float* plain;  // (rows, joints, 3)
  const float* mirrored;
  const int32_t* mirror;
  float* y;
};

// Refining, equation of section 6: back-projection of the image points at the predicted depth,
// relative to the root joint (which becomes 0).
struct BackProjectForward {
  int rows, joints, rootJoint;
  const float* keypoints;  // (rows, J, 2) normalised
  const float* predicted;  // (rows, J, 3); its z is used
  const float* root;       // (rows, 3) metres, camera axes
  const float* camera;     // (rows, 4) fx, fy, cx, cy normalised
  float* y;                // (rows, J, 3)
};
struct BackProjectBackward {
  int rows, joints, rootJoint;
  const float* dY;
  const float* keypoints;
  const float* camera;
  float* dPredicted;  // += (z alone)
};
// score = sigmoid(logits): refined x, y = score predicted + (1 - score) back-projected; z =
// predicted z.
struct RefineBlendForward {
  int rows, joints;
  const float* logits;         // (rows, J, 2)
  const float* predicted;      // (rows, J, 3)
  const float* backProjected;  // (rows, J, 3)
  float* y;                    // (rows, J, 3)
};
struct RefineBlendBackward {
  int rows, joints;
  const float* dY;
  const float* logits;
  const float* predicted;
  const float* backProjected;
  float* dLogits;         // =
  float* dPredicted;      // =
  float* dBackProjected;  // =
};

// y = concatenation along the last axis of a (rows, left) and b (rows, right); backward: split.
struct ConcatForward {
  int rows, left, right;
  const float* a;
  const float* b;
  float* y;
};
struct ConcatBackward {
  int rows, left, right;
  const float* dY;
  float* dA;  // +=
  float* dB;  // +=
};

// y += x.
struct AddForward {
  size_t count;
  const float* x;
  float* y;
};

}  // namespace pstmo
