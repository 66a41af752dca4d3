// What each operation computes and moves, from its fields alone, in the operations' own order: this
// one place tells profiles, rooflines and their tests.
//
// flops: 2 x the multiply-adds of matrix products (linears, convolutions, attention); everything
// else counts 0, since memory and not arithmetic bounds it. A backward product that recomputes
// (attention's scores) counts what is done. bytes: each array read once and written once, at the
// bytes of an element that the operation's fields have; an array that is added to counts as read
// and written. What a device reads twice is its own. `narrow`: the same where a device keeps in
// bfloat16 what it may (activations.h).
#pragma once

#include <string>

#include "operations.h"

namespace pstmo {

struct Bytes {
  double here = 0;
  double narrow = 0;

  Bytes& operator+=(const Bytes& other) {
    here += other.here;
    narrow += other.narrow;
    return *this;
  }
};
inline Bytes operator+(Bytes a, const Bytes& b) { return a += b; }

struct Cost {
  const char* name;   // as the operation's struct, with a small first letter
  std::string shape;  // "243 x 256 -> 512"
  double flops = 0;
  Bytes bytes = {};
};

namespace cost {

constexpr double kFloat = 4, kNarrow = 2;

inline std::string shapeOf(int rows, int channels) {
  return std::to_string(rows) + " x " + std::to_string(channels);
}
inline std::string shapeOf(int batch, int tokens, int channels) {
  return std::to_string(batch) + " x " + shapeOf(tokens, channels);
}
inline std::string productShape(int rows, int in, int out) {
  return shapeOf(rows, in) + " -> " + std::to_string(out);
}
inline double product(double rows, double in, double out) { return 2 * rows * in * out; }
inline Bytes floats(double count, bool there = true) {
  return there ? Bytes{kFloat * count, kFloat * count} : Bytes{};
}
// Of an array of activations; nothing for one that is not there.
inline Bytes elements(double count, const ConstActivations& array) {
  if (!array) return {};
  return {count * bytesOf(array.storage),
          count * (array.storage == Storage::float32 ? kFloat : kNarrow)};
}
inline int kept(int tokens, int stride) { return (tokens + stride - 1) / stride; }

}  // namespace cost

inline Cost costOf(const LinearForward& op) {
  const double rows = op.rows, in = op.in, out = op.out;
  return {"linearForward", cost::productShape(op.rows, op.in, op.out), cost::product(rows, in, out),
          cost::elements(rows * in, op.x) + cost::floats(in * out) +
              cost::elements(rows * out, op.y) + cost::floats(out, op.bias) +
              cost::floats(rows * out, op.residual)};
}
inline Cost costOf(const LinearBackward& op) {
  const double rows = op.rows, in = op.in, out = op.out;
  const double products = (op.dX ? 1 : 0) + (op.dWeight ? 1 : 0);
  return {"linearBackward", cost::productShape(op.rows, op.in, op.out),
          products * cost::product(rows, in, out),
          cost::elements(rows * out, op.dZ) +
              (op.dWeight ? cost::elements(rows * in, op.x) : Bytes{}) +
              cost::floats(in * out, bool(op.dX)) +
              cost::elements(rows * in * (op.accumulate ? 2 : 1), op.dX) +
              cost::floats(2 * in * out, op.dWeight) + cost::floats(2 * out, op.dBias) +
              cost::elements(rows * in, op.reluOutput)};
}
inline Cost costOf(const SpatialBlockForward& op) {
  const double rows = op.rows, in = op.in, out = op.out;
  // In training z is written, read again for its statistics' sake, and kept.
  return {
      "spatialBlockForward", cost::productShape(op.rows, op.in, op.out),
      cost::product(rows, in, out),
      cost::elements(rows * in, op.x) + cost::floats(in * out + 5 * out) +
          cost::elements(rows * out, op.y) + cost::elements(rows * out, op.residual) +
          (op.training ? cost::elements(2 * rows * out, op.z) + cost::floats(4 * out) : Bytes{})};
}
inline Cost costOf(const SpatialBlockBackward& op) {
  const double rows = op.rows, in = op.in, out = op.out;
  return {"spatialBlockBackward", cost::productShape(op.rows, op.in, op.out),
          (op.dX ? 2 : 1) * cost::product(rows, in, out),
          cost::elements(rows * out, op.dY) + cost::elements(rows * out, op.z) +
              cost::elements(2 * rows * out, op.dZ) + cost::elements(rows * in, op.x) +
              cost::floats(3 * in * out + 10 * out) +
              cost::elements(rows * in * (op.accumulate ? 2 : 1), op.dX)};
}

inline Cost costOf(const BatchNormForward& op) {
  const double size = double(op.rows) * op.channels;
  return {"batchNormForward", cost::shapeOf(op.rows, op.channels), 0,
          cost::floats((op.training ? 3 : 2) * size + (op.training ? 8 : 4) * op.channels)};
}
inline Cost costOf(const BatchNormBackward& op) {
  const double size = double(op.rows) * op.channels;
  // dY and x are read for the sums and once more for dX.
  return {"batchNormBackward", cost::shapeOf(op.rows, op.channels), 0,
          cost::elements(2 * size, op.dY) + cost::elements(2 * size, op.x) +
              cost::elements((op.accumulate ? 2 : 1) * size, op.dX) +
              cost::floats(7.0 * op.channels)};
}
inline Cost costOf(const LayerNormForward& op) {
  const double size = double(op.rows) * op.channels;
  return {"layerNormForward", cost::shapeOf(op.rows, op.channels), 0,
          cost::floats(size + 2.0 * op.channels + 2.0 * op.rows) + cost::elements(size, op.y)};
}
inline Cost costOf(const LayerNormBackward& op) {
  const double size = double(op.rows) * op.channels;
  return {"layerNormBackward", cost::shapeOf(op.rows, op.channels), 0,
          cost::elements(size, op.dY) +
              cost::floats((op.accumulate ? 3 : 2) * size + 5.0 * op.channels + 2.0 * op.rows)};
}

// One product of (n, w) by (w, n) in every head of every window.
namespace cost {
template <typename Attention>
double scores(const Attention& op) {
  return 2.0 * op.batch * op.tokens * op.tokens * op.width;
}
}  // namespace cost
inline Cost costOf(const AttentionForward& op) {
  const double size = double(op.batch) * op.tokens * op.width;
  return {"attentionForward", cost::shapeOf(op.batch, op.tokens, op.width), 2 * cost::scores(op),
          cost::elements(3 * size, op.qkv) + cost::elements(size, op.out) +
              cost::floats(double(op.batch) * op.heads * op.tokens)};
}
inline Cost costOf(const AttentionBackward& op) {
  const double size = double(op.batch) * op.tokens * op.width;
  // Scores once more, then dV, dP, dQ and dK.
  return {"attentionBackward", cost::shapeOf(op.batch, op.tokens, op.width), 5 * cost::scores(op),
          cost::elements(3 * size, op.qkv) + cost::elements(size, op.out) +
              cost::elements(size, op.dOut) + cost::elements(3 * size, op.dQkv) +
              cost::floats(double(op.batch) * op.heads * op.tokens)};
}
inline Cost costOf(const AttentionMaps& op) {
  const double size = double(op.batch) * op.tokens * op.width;
  return {"attentionMaps", cost::shapeOf(op.batch, op.tokens, op.width), cost::scores(op),
          cost::elements(2 * size, op.qkv) +
              cost::floats(double(op.batch) * op.heads * op.tokens * op.tokens)};
}

inline Cost costOf(const StridedConvForward& op) {
  const double rows = double(op.batch) * cost::kept(op.tokens, op.stride),
               x = double(op.batch) * op.tokens * op.in;
  return {
      "stridedConvForward",
      cost::shapeOf(op.batch, op.tokens, op.in) + " -> " + std::to_string(op.out) + " / " +
          std::to_string(op.stride),
      cost::product(rows, 3.0 * op.in, op.out),
      cost::elements(x, op.x) + cost::floats(3.0 * op.in * op.out + op.out + 2 * rows * op.out)};
}
inline Cost costOf(const StridedConvBackward& op) {
  const double rows = double(op.batch) * cost::kept(op.tokens, op.stride),
               x = double(op.batch) * op.tokens * op.in;
  return {"stridedConvBackward",
          cost::shapeOf(op.batch, op.tokens, op.in) + " -> " + std::to_string(op.out) + " / " +
              std::to_string(op.stride),
          2 * cost::product(rows, 3.0 * op.in, op.out),
          cost::elements(rows * op.out, op.dZ) + cost::elements(x, op.x) +
              cost::elements(x, op.dX) + cost::elements(x, op.reluOutput) +
              cost::floats(9.0 * op.in * op.out + 2.0 * op.out)};
}
inline Cost costOf(const StridedResidualBackward& op) {
  return {"stridedResidualBackward", cost::shapeOf(op.batch, op.tokens, op.channels), 0,
          cost::floats(3.0 * op.batch * cost::kept(op.tokens, op.stride) * op.channels)};
}
inline Cost costOf(const DropoutBackward& op) {
  return {"dropoutBackward", cost::shapeOf(op.rows, op.channels), 0,
          cost::floats(double(op.rows) * op.channels) +
              cost::elements(double(op.rows) * op.channels, op.dX)};
}

inline Cost costOf(const PositionsForward& op) {
  const double size = double(op.outTokens) * op.channels;
  return {"positionsForward", cost::shapeOf(op.batch, op.outTokens, op.channels), 0,
          cost::floats(2 * op.batch * size) + cost::floats(size, op.table)};
}
inline Cost costOf(const PositionsBackward& op) {
  const double size = double(op.outTokens) * op.channels;
  return {"positionsBackward", cost::shapeOf(op.batch, op.outTokens, op.channels), 0,
          cost::floats(op.batch * size) +
              cost::floats(double(op.batch) * op.tokens * op.channels, op.dX) +
              cost::floats(2 * size, op.dTable)};
}
inline Cost costOf(const DecoderInputForward& op) {
  return {"decoderInputForward", cost::shapeOf(op.batch, op.tokens, op.channels), 0,
          cost::floats(double(op.batch) * (op.visible + op.tokens) * op.channels +
                       (op.tokens + 1.0) * op.channels)};
}
inline Cost costOf(const DecoderInputBackward& op) {
  return {"decoderInputBackward", cost::shapeOf(op.batch, op.tokens, op.channels), 0,
          cost::floats(double(op.batch) * (op.visible + op.tokens) * op.channels +
                       2 * (op.tokens + 1.0) * op.channels)};
}
inline Cost costOf(const JointMaskForward& op) {
  const double points = double(op.frames) * op.joints;
  return {"jointMaskForward", cost::shapeOf(op.batch, op.frames, op.joints), 0,
          cost::floats(4 * op.batch * points) + Bytes{points, points}};
}
inline Cost costOf(const JointMaskBackward& op) {
  const double points = double(op.frames) * op.joints;
  return {"jointMaskBackward", cost::shapeOf(op.batch, op.frames, op.joints), 0,
          cost::floats(2 * op.batch * points) + Bytes{points, points}};
}

inline Cost costOf(const PoseLoss& op) {
  const double size = double(op.rows) * op.joints * op.coordinates;
  return {"poseLoss", cost::shapeOf(op.rows, op.joints * op.coordinates), 0,
          cost::floats(2 * size) + cost::floats(size, op.dPredicted)};
}
// Value, mean, variance and maximum are read and written, the gradient read.
inline Cost costOf(const AdamStep& op) {
  return {"adamStep", std::to_string(op.count), 0,
          cost::floats(9.0 * static_cast<double>(op.count))};
}
inline Cost costOf(const WindowGather& op) {
  return {"windowGather", cost::shapeOf(op.batch, op.frames, op.joints * op.coordinates), 0,
          cost::floats(2.0 * op.batch * op.frames * op.joints * op.coordinates)};
}
inline Cost costOf(const MirrorMean& op) {
  return {"mirrorMean", cost::shapeOf(op.rows, 3 * op.joints), 0,
          cost::floats(9.0 * op.rows * op.joints)};
}

inline Cost costOf(const BackProjectForward& op) {
  return {"backProjectForward", cost::shapeOf(op.rows, 3 * op.joints), 0,
          cost::floats(op.rows * (8.0 * op.joints + 7))};
}
inline Cost costOf(const BackProjectBackward& op) {
  return {"backProjectBackward", cost::shapeOf(op.rows, 3 * op.joints), 0,
          cost::floats(op.rows * (7.0 * op.joints + 4))};
}
inline Cost costOf(const RefineBlendForward& op) {
  return {"refineBlendForward", cost::shapeOf(op.rows, 3 * op.joints), 0,
          cost::floats(11.0 * op.rows * op.joints)};
}
inline Cost costOf(const RefineBlendBackward& op) {
  return {"refineBlendBackward", cost::shapeOf(op.rows, 3 * op.joints), 0,
          cost::floats(19.0 * op.rows * op.joints)};
}
inline Cost costOf(const ConcatForward& op) {
  return {"concatForward", cost::shapeOf(op.rows, op.left + op.right), 0,
          cost::floats(2.0 * op.rows * (op.left + op.right))};
}
inline Cost costOf(const ConcatBackward& op) {
  return {"concatBackward", cost::shapeOf(op.rows, op.left + op.right), 0,
          cost::floats(3.0 * op.rows * (op.left + op.right))};
}
inline Cost costOf(const AddForward& op) {
  return {"addForward", std::to_string(op.count), 0,
          cost::floats(3.0 * static_cast<double>(op.count))};
}

}  // namespace pstmo
