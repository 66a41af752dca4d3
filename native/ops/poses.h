// Poses: windows out of sequences, mirrored poses, the loss, refining.
#pragma once

#include <limits>

#include "fields.h"

namespace pstmo {

// Windows out of sequences that lie one after the other: sequence i has frames [start[i], start[i]
// + length[i]). Window of centre t: frames t + stride (i - (N - 1) / 2), the first or last frame
// repeated outside; mirrored: x to -x and joints swapped.
struct WindowGather {
  int batch, frames, stride;
  const int64_t* start;
  const int32_t* length;
  const int32_t* samples;   // sequence, centre frame, mirrored (0 or 1)
  int joints, coordinates;  // of `source`: 2 for keypoints, 3 for poses
  const float* source;
  const int32_t* mirror;  // which joint each takes when mirrored
  int rootJoint = -1;     // its row becomes 0 (targets); -1: none
  bool shuffle = false;   // Table 8 "RS": a permutation of the window's frames, drawn from seed,
                          // step and sample
  uint64_t seed = 0;
  uint32_t step = 0;
  float* y;
};

template <typename Visitor>
void fields(Visitor& v, WindowGather& op) {
  v.sizes("batch", op.batch, "frames", op.frames, "stride", op.stride);
  v.sizes("joints", op.joints, "coordinates", op.coordinates);
  v.shape(op.batch, "x", op.frames, "x", op.joints * op.coordinates);
  const int sequences = v.length("sequences", 1, op.batch);
  const int sourceFrames = v.length("sourceFrames", 1, op.batch * op.frames);
  v.indices("start", op.start, {sequences}, 0, sourceFrames - 1);
  v.indices("length", op.length, {sequences}, 1, sourceFrames);
  v.indices("samples", op.samples, {op.batch, 3}, 0, std::numeric_limits<int32_t>::max());
  v.check([&](const auto& reader) {
    const int32_t* start = reader.hostIndices("start");
    const int32_t* length = reader.hostIndices("length");
    const int32_t* sample = reader.hostIndices("samples");
    for (int i = 0; i < sequences; i++)
      reader.require(length[i] <= sourceFrames - start[i],
                     "tensors.length: a sequence ends beyond the source.");
    for (int i = 0; i < op.batch; i++, sample += 3)
      reader.require(sample[0] < sequences && sample[1] < length[sample[0]] && sample[2] <= 1,
                     "tensors.samples: outside its sequence.");
  });
  v.in("source", op.source, {sourceFrames, op.joints, op.coordinates});
  v.indices("mirror", op.mirror, {op.joints}, 0, op.joints - 1);
  v.whole("rootJoint", op.rootJoint, -1, op.joints - 1);
  v.flag("shuffle", op.shuffle);
  v.whole("seed", op.seed, 0, int64_t{1} << 53);
  v.whole("step", op.step, 0, std::numeric_limits<uint32_t>::max());
  v.out("y", op.y, {op.batch, op.frames, op.joints, op.coordinates});
}

// Mean of a pose and the un-mirrored pose of the mirrored input: y = (plain + mirror(mirrored))
// / 2.
struct MirrorMean {
  int rows, joints;
  const float* plain;
  const float* mirrored;
  const int32_t* mirror;
  float* y;  // may be plain
};

template <typename Visitor>
void fields(Visitor& v, MirrorMean& op) {
  v.sizes("rows", op.rows, "joints", op.joints);
  v.shape(op.rows, "x", 3 * op.joints);
  v.in("plain", op.plain, {op.rows, op.joints, 3});
  v.in("mirrored", op.mirrored, {op.rows, op.joints, 3});
  v.indices("mirror", op.mirror, {op.joints}, 0, op.joints - 1);
  v.out("y", op.y, {op.rows, op.joints, 3});
}

// loss += weight * mean over (rows, joints) of |predicted - target|; dPredicted = weight / (rows
// joints) * (p - t) / |p - t| (0 where p = t).
struct PoseLoss {
  int rows, joints, coordinates;
  const float* predicted;
  const float* target;
  float weight;
  double* loss;
  float* dPredicted;
};

template <typename Visitor>
void fields(Visitor& v, PoseLoss& op) {
  v.sizes("rows", op.rows, "joints", op.joints, "coordinates", op.coordinates);
  v.shape(op.rows, "x", op.joints * op.coordinates);
  v.in("predicted", op.predicted, {op.rows, op.joints, op.coordinates});
  v.in("target", op.target, {op.rows, op.joints, op.coordinates});
  v.number("weight", op.weight);
  v.scalar("loss", op.loss);
  v.out("dPredicted", op.dPredicted, {op.rows, op.joints, op.coordinates}, {.optional = true});
}

// Refining, equation of section 6: back-projection of the image points at the predicted depth,
// relative to the root joint (which becomes 0).
struct BackProjectForward {
  int rows, joints, rootJoint;
  const float* keypoints;  // normalised
  const float* predicted;  // its z is used
  const float* root;       // metres, camera axes
  const float* camera;     // fx, fy, cx, cy normalised
  float* y;
};

template <typename Visitor>
void fields(Visitor& v, BackProjectForward& op) {
  v.sizes("rows", op.rows, "joints", op.joints);
  v.whole("rootJoint", op.rootJoint, 0, op.joints - 1);
  v.shape(op.rows, "x", 3 * op.joints);
  v.in("keypoints", op.keypoints, {op.rows, op.joints, 2});
  v.in("predicted", op.predicted, {op.rows, op.joints, 3});
  v.in("root", op.root, {op.rows, 3});
  v.in("camera", op.camera, {op.rows, 4});
  v.out("y", op.y, {op.rows, op.joints, 3});
}

struct BackProjectBackward {
  int rows, joints, rootJoint;
  const float* dY;
  const float* keypoints;
  const float* camera;
  float* dPredicted;  // its z alone
};

template <typename Visitor>
void fields(Visitor& v, BackProjectBackward& op) {
  v.sizes("rows", op.rows, "joints", op.joints);
  v.whole("rootJoint", op.rootJoint, 0, op.joints - 1);
  v.shape(op.rows, "x", 3 * op.joints);
  v.in("dY", op.dY, {op.rows, op.joints, 3});
  v.in("keypoints", op.keypoints, {op.rows, op.joints, 2});
  v.in("camera", op.camera, {op.rows, 4});
  v.add("dPredicted", op.dPredicted, {op.rows, op.joints, 3},
        {.elements = double(op.rows) * op.joints});
}

// score = sigmoid(logits): refined x, y = score predicted + (1 - score) back-projected; z =
// predicted z.
struct RefineBlendForward {
  int rows, joints;
  const float* logits;
  const float* predicted;
  const float* backProjected;
  float* y;
};

template <typename Visitor>
void fields(Visitor& v, RefineBlendForward& op) {
  v.sizes("rows", op.rows, "joints", op.joints);
  v.shape(op.rows, "x", 3 * op.joints);
  v.in("logits", op.logits, {op.rows, op.joints, 2});
  v.in("predicted", op.predicted, {op.rows, op.joints, 3});
  v.in("backProjected", op.backProjected, {op.rows, op.joints, 3});
  v.out("y", op.y, {op.rows, op.joints, 3});
}

struct RefineBlendBackward {
  int rows, joints;
  const float* dY;
  const float* logits;
  const float* predicted;
  const float* backProjected;
  float* dLogits;
  float* dPredicted;
  float* dBackProjected;
};

template <typename Visitor>
void fields(Visitor& v, RefineBlendBackward& op) {
  v.sizes("rows", op.rows, "joints", op.joints);
  v.shape(op.rows, "x", 3 * op.joints);
  v.in("dY", op.dY, {op.rows, op.joints, 3});
  v.in("logits", op.logits, {op.rows, op.joints, 2});
  v.in("predicted", op.predicted, {op.rows, op.joints, 3});
  v.in("backProjected", op.backProjected, {op.rows, op.joints, 3});
  v.out("dLogits", op.dLogits, {op.rows, op.joints, 2});
  v.out("dPredicted", op.dPredicted, {op.rows, op.joints, 3});
  v.out("dBackProjected", op.dBackProjected, {op.rows, op.joints, 3});
}

#define PSTMO_POSE_OPS(X) \
  X(WindowGather)         \
  X(MirrorMean)           \
  X(PoseLoss)             \
  X(BackProjectForward)   \
  X(BackProjectBackward)  \
  X(RefineBlendForward)   \
  X(RefineBlendBackward)

}  // namespace pstmo
