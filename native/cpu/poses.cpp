// Windows out of sequences, mirroring, the loss, and the refining module's arithmetic: poses and
// keypoints of a few floats a joint, with no vector code. ops/poses.h has each formula.
//
// Shapes: poses (rows, joints, 3), keypoints and logits (rows, joints, 2), root (rows, 3), camera
// (rows, 4) = fx, fy, cx, cy. Windows and the loss take poses or keypoints: `coordinates` is 3 or
// 2.
//
// Loop: a window is one item of the pool; mirroring and the loss take kRows rows an item. The
// refining module's rows, few and short, stay with the caller's thread.
//
// Deterministic: every output element is computed by one thread from the inputs alone. The loss is
// summed over chunks of constant size, then over the chunks in order, in double precision. Shuffled
// frames come from Philox words of (seed, step, sample), not from the order of the windows.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "../core/philox.h"
#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

constexpr int kRows = 64;  // rows a thread takes at a time

// Philox's fourth word for frame permutations: no dropout site has it.
constexpr uint32_t kShuffleSite = 0xFFFFFFFFu;

// The permutation of Table 8's "RS" for one sample: Fisher and Yates, word i of Philox scaled to
// [0, i].
std::vector<int> permutation(int count, uint64_t seed, uint32_t step, uint32_t sample) {
  std::vector<int> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (int i = count - 1; i > 0; --i) {
    const uint32_t word =
        philox(seed, (static_cast<uint64_t>(sample) << 32) | static_cast<uint32_t>(i), step,
               kShuffleSite)
            .word[0];
    std::swap(order[i], order[static_cast<uint64_t>(word) * (i + 1) >> 32]);
  }
  return order;
}

// to (joints, coordinates) = the mirror image of `from`: x to -x, left and right joints swapped.
void mirrorFrame(const WindowGather& op, const float* from, float* to) {
  for (int j = 0; j < op.joints; ++j) {
    const float* source = from + static_cast<size_t>(op.mirror[j]) * op.coordinates;
    float* joint = to + static_cast<size_t>(j) * op.coordinates;
    joint[0] = -source[0];
    for (int c = 1; c < op.coordinates; ++c) joint[c] = source[c];
  }
}

// One window: frame centre + stride (position - (N - 1) / 2) of its sequence for each of N
// positions, the first or last frame repeated outside.
void gatherWindow(const WindowGather& op, int sample) {
  const size_t frameFloats = static_cast<size_t>(op.joints) * op.coordinates;
  const int32_t sequence = op.samples[3 * sample], centre = op.samples[3 * sample + 1],
                mirrored = op.samples[3 * sample + 2];
  const float* source = op.source + op.start[sequence] * frameFloats;
  const int64_t last = op.length[sequence] - 1;
  std::vector<int> order;  // (N): which position comes where
  if (op.shuffle) order = permutation(op.frames, op.seed, op.step, static_cast<uint32_t>(sample));

  for (int i = 0; i < op.frames; ++i) {
    const int position = op.shuffle ? order[i] : i;
    const int64_t frame = std::clamp<int64_t>(
        centre + static_cast<int64_t>(op.stride) * (position - (op.frames - 1) / 2), 0, last);
    const float* x = source + frame * frameFloats;
    float* y = op.y + (static_cast<size_t>(sample) * op.frames + i) * frameFloats;
    if (mirrored) {
      mirrorFrame(op, x, y);
    } else {
      std::memcpy(y, x, frameFloats * sizeof(float));
    }
    if (op.rootJoint >= 0)
      std::fill_n(y + static_cast<size_t>(op.rootJoint) * op.coordinates, op.coordinates, 0.0f);
  }
}

// The distances |p - t| of rows [begin, end), summed in double precision. dPredicted, where it is
// not null, = factor (p - t) / |p - t|, 0 where p = t.
double lossOfRows(const PoseLoss& op, float factor, int begin, int end) {
  const int coordinates = op.coordinates;
  double total = 0;
  for (int64_t point = static_cast<int64_t>(begin) * op.joints;
       point < static_cast<int64_t>(end) * op.joints; ++point) {
    float difference[3] = {0, 0, 0}, squares = 0;
    for (int c = 0; c < coordinates; ++c) {
      difference[c] = op.predicted[point * coordinates + c] - op.target[point * coordinates + c];
      squares += difference[c] * difference[c];
    }
    const float distance = std::sqrt(squares);
    total += distance;
    if (op.dPredicted) {
      const float scale = distance > 0 ? factor / distance : 0.0f;
      for (int c = 0; c < coordinates; ++c)
        op.dPredicted[point * coordinates + c] = difference[c] * scale;
    }
  }
  return total;
}

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

}  // namespace

void CpuBackend::run(const WindowGather& op) {
  pool_.run(op.batch, [&](int sample, int) { gatherWindow(op, sample); });
}

// y = the mean of a pose and its mirror image turned back.
void CpuBackend::run(const MirrorMean& op) {
  forRows(op.rows, kRows, [&](int begin, int end, int) {
    for (int row = begin; row < end; ++row) {
      const size_t at = static_cast<size_t>(row) * op.joints * 3;
      for (int j = 0; j < op.joints; ++j) {
        const float* other = op.mirrored + at + static_cast<size_t>(op.mirror[j]) * 3;
        const float* plain = op.plain + at + static_cast<size_t>(j) * 3;
        float* y = op.y + at + static_cast<size_t>(j) * 3;
        y[0] = 0.5f * (plain[0] - other[0]);
        y[1] = 0.5f * (plain[1] + other[1]);
        y[2] = 0.5f * (plain[2] + other[2]);
      }
    }
  });
}

// loss += weight times the mean distance of all points.
void CpuBackend::run(const PoseLoss& op) {
  std::vector<double> sums((op.rows + kRows - 1) / kRows);
  const double factor = static_cast<double>(op.weight) / (static_cast<double>(op.rows) * op.joints);
  forRows(op.rows, kRows, [&](int begin, int end, int) {
    sums[begin / kRows] = lossOfRows(op, static_cast<float>(factor), begin, end);
  });
  for (const double total : sums) *op.loss += total * factor;
}

void CpuBackend::run(const BackProjectForward& op) {
  for (int row = 0; row < op.rows; ++row) {
    const float* camera = op.camera + row * 4;
    const float rootZ = op.root[row * 3 + 2];
    const size_t first = static_cast<size_t>(row) * op.joints;
    // Joint j at its depth, in the camera's axes: x = (u - cx) z / fx, y = (v - cy) z / fy.
    const auto point = [&](int j, float* xyz) {
      const float z = j == op.rootJoint ? rootZ : op.predicted[(first + j) * 3 + 2] + rootZ;
      xyz[0] = (op.keypoints[(first + j) * 2] - camera[2]) * z / camera[0];
      xyz[1] = (op.keypoints[(first + j) * 2 + 1] - camera[3]) * z / camera[1];
      xyz[2] = z;
    };
    // Relative to the root joint.
    float root[3];
    point(op.rootJoint, root);
    for (int j = 0; j < op.joints; ++j) {
      float xyz[3];
      point(j, xyz);
      for (int c = 0; c < 3; ++c) op.y[(first + j) * 3 + c] = xyz[c] - root[c];
    }
  }
}

// dPredicted's z += dY through the back-projection.
void CpuBackend::run(const BackProjectBackward& op) {
  for (int row = 0; row < op.rows; ++row) {
    const float* camera = op.camera + row * 4;
    const size_t first = static_cast<size_t>(row) * op.joints;
    for (int j = 0; j < op.joints; ++j) {
      if (j == op.rootJoint) continue;  // its depth is given, not predicted
      const float* dY = op.dY + (first + j) * 3;
      // How far x and y move with the depth.
      const float perX = (op.keypoints[(first + j) * 2] - camera[2]) / camera[0],
                  perY = (op.keypoints[(first + j) * 2 + 1] - camera[3]) / camera[1];
      op.dPredicted[(first + j) * 3 + 2] += dY[0] * perX + dY[1] * perY + dY[2];
    }
  }
}

// y = score predicted + (1 - score) backProjected in x and y, score = sigmoid(logits).
void CpuBackend::run(const RefineBlendForward& op) {
  for (size_t point = 0; point < static_cast<size_t>(op.rows) * op.joints; ++point) {
    for (int c = 0; c < 2; ++c) {
      const float score = sigmoid(op.logits[point * 2 + c]);
      op.y[point * 3 + c] =
          score * op.predicted[point * 3 + c] + (1.0f - score) * op.backProjected[point * 3 + c];
    }
    op.y[point * 3 + 2] = op.predicted[point * 3 + 2];
  }
}

void CpuBackend::run(const RefineBlendBackward& op) {
  for (size_t point = 0; point < static_cast<size_t>(op.rows) * op.joints; ++point) {
    for (int c = 0; c < 2; ++c) {
      const float score = sigmoid(op.logits[point * 2 + c]), dY = op.dY[point * 3 + c];
      op.dLogits[point * 2 + c] = dY *
                                  (op.predicted[point * 3 + c] - op.backProjected[point * 3 + c]) *
                                  score * (1.0f - score);
      op.dPredicted[point * 3 + c] = dY * score;
      op.dBackProjected[point * 3 + c] = dY * (1.0f - score);
    }
    // Depth is the prediction's alone.
    op.dPredicted[point * 3 + 2] = op.dY[point * 3 + 2];
    op.dBackProjected[point * 3 + 2] = 0.0f;
  }
}

}  // namespace pstmo::cpu
