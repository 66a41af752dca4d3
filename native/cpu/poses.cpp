// Windows out of sequences, mirroring, the loss, the refining module's arithmetic, and the
// optimizer's step.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "../core/philox.h"
#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

constexpr uint32_t kShuffleSite =
    0xFFFFFFFFu;  // Philox's fourth word for frame permutations: no dropout site has it

// The permutation of Table 8's "RS" for one sample: Fisher and Yates with words of Philox.
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

}  // namespace

void CpuBackend::run(const WindowGather& op) {
  const size_t frameFloats = static_cast<size_t>(op.joints) * op.coordinates;
  pool_.run(op.batch, [&](int sample, int) {
    const int32_t sequence = op.samples[3 * sample], centre = op.samples[3 * sample + 1],
                  mirrored = op.samples[3 * sample + 2];
    const float* source = op.source + op.start[sequence] * frameFloats;
    const int64_t last = op.length[sequence] - 1;
    std::vector<int> order;
    if (op.shuffle) order = permutation(op.frames, op.seed, op.step, static_cast<uint32_t>(sample));
    for (int i = 0; i < op.frames; ++i) {
      const int position = op.shuffle ? order[i] : i;
      const int64_t frame = std::clamp<int64_t>(
          centre + static_cast<int64_t>(op.stride) * (position - (op.frames - 1) / 2), 0, last);
      const float* x = source + frame * frameFloats;
      float* y = op.y + (static_cast<size_t>(sample) * op.frames + i) * frameFloats;
      if (!mirrored) {
        std::memcpy(y, x, frameFloats * sizeof(float));
      } else {
        for (int j = 0; j < op.joints; ++j) {
          const float* from = x + static_cast<size_t>(op.mirror[j]) * op.coordinates;
          float* to = y + static_cast<size_t>(j) * op.coordinates;
          to[0] = -from[0];
          for (int c = 1; c < op.coordinates; ++c) to[c] = from[c];
        }
      }
      if (op.rootJoint >= 0)
        std::fill_n(y + static_cast<size_t>(op.rootJoint) * op.coordinates, op.coordinates, 0.0f);
    }
  });
}

void CpuBackend::run(const MirrorMean& op) {
  forRows(op.rows, 64, [&](int begin, int end, int) {
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

void CpuBackend::run(const PoseLoss& op) {
  constexpr int kChunk = 64;
  std::vector<double> sums((op.rows + kChunk - 1) / kChunk);
  const double factor = static_cast<double>(op.weight) / (static_cast<double>(op.rows) * op.joints);
  const int coordinates = op.coordinates;
  forRows(op.rows, kChunk, [&](int begin, int end, int) {
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
        const float scale = distance > 0 ? static_cast<float>(factor) / distance : 0.0f;
        for (int c = 0; c < coordinates; ++c)
          op.dPredicted[point * coordinates + c] = difference[c] * scale;
      }
    }
    sums[begin / kChunk] = total;
  });
  for (const double total : sums) *op.loss += total * factor;
}

void CpuBackend::run(const AdamStep& op) {
  constexpr size_t kChunk = 1 << 14;
  pool_.run(static_cast<int>((op.count + kChunk - 1) / kChunk), [&](int item, int) {
    kernels_.adam(op, static_cast<size_t>(item) * kChunk,
                  std::min(op.count, (static_cast<size_t>(item) + 1) * kChunk));
  });
}

void CpuBackend::run(const BackProjectForward& op) {
  for (int row = 0; row < op.rows; ++row) {
    const float* camera = op.camera + row * 4;
    const float rootZ = op.root[row * 3 + 2];
    const size_t first = static_cast<size_t>(row) * op.joints;
    const auto point = [&](int j, float* xyz) {
      const float z = j == op.rootJoint ? rootZ : op.predicted[(first + j) * 3 + 2] + rootZ;
      xyz[0] = (op.keypoints[(first + j) * 2] - camera[2]) * z / camera[0];
      xyz[1] = (op.keypoints[(first + j) * 2 + 1] - camera[3]) * z / camera[1];
      xyz[2] = z;
    };
    float root[3];
    point(op.rootJoint, root);
    for (int j = 0; j < op.joints; ++j) {
      float xyz[3];
      point(j, xyz);
      for (int c = 0; c < 3; ++c) op.y[(first + j) * 3 + c] = xyz[c] - root[c];
    }
  }
}

void CpuBackend::run(const BackProjectBackward& op) {
  for (int row = 0; row < op.rows; ++row) {
    const float* camera = op.camera + row * 4;
    const size_t first = static_cast<size_t>(row) * op.joints;
    for (int j = 0; j < op.joints; ++j) {
      if (j == op.rootJoint) continue;
      const float* dY = op.dY + (first + j) * 3;
      const float perX = (op.keypoints[(first + j) * 2] - camera[2]) / camera[0],
                  perY = (op.keypoints[(first + j) * 2 + 1] - camera[3]) / camera[1];
      op.dPredicted[(first + j) * 3 + 2] += dY[0] * perX + dY[1] * perY + dY[2];
    }
  }
}

void CpuBackend::run(const RefineBlendForward& op) {
  for (size_t point = 0; point < static_cast<size_t>(op.rows) * op.joints; ++point) {
    for (int c = 0; c < 2; ++c) {
      const float score = 1.0f / (1.0f + std::exp(-op.logits[point * 2 + c]));
      op.y[point * 3 + c] =
          score * op.predicted[point * 3 + c] + (1.0f - score) * op.backProjected[point * 3 + c];
    }
    op.y[point * 3 + 2] = op.predicted[point * 3 + 2];
  }
}

void CpuBackend::run(const RefineBlendBackward& op) {
  for (size_t point = 0; point < static_cast<size_t>(op.rows) * op.joints; ++point) {
    for (int c = 0; c < 2; ++c) {
      const float score = 1.0f / (1.0f + std::exp(-op.logits[point * 2 + c])),
                  dY = op.dY[point * 3 + c];
      op.dLogits[point * 2 + c] = dY *
                                  (op.predicted[point * 3 + c] - op.backProjected[point * 3 + c]) *
                                  score * (1.0f - score);
      op.dPredicted[point * 3 + c] = dY * score;
      op.dBackProjected[point * 3 + c] = dY * (1.0f - score);
    }
    op.dPredicted[point * 3 + 2] = op.dY[point * 3 + 2];
    op.dBackProjected[point * 3 + 2] = 0.0f;
  }
}

}  // namespace pstmo::cpu
