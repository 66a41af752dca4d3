// Windows out of sequences, mirroring, the loss, and the refining module's arithmetic.
//
// Shapes. Poses (rows, joints, 3), keypoints and logits (rows, joints, 2), root (rows, 3), camera
// (rows, 4) = fx, fy, cx, cy. Windows and the loss take poses or keypoints: `coordinates` is 3 or
// 2.
//
// Grid. A block takes one window. All else takes a thread a point, which is a joint of one row; one
// more block adds up the loss.
//
// Determinism. One thread writes each element; the loss is summed by warps, blocks and a last block
// in fixed orders, in double precision: the same bits each time.
#include <device/shared-array.h>

#include "../../core/philox.h"
#include "../cuda-device.h"
#include "elementwise.h"
#include "lanes.h"

namespace pstmo::cuda {
namespace {

constexpr uint32_t kShuffleSite =
    0xFFFFFFFFu;  // Philox's fourth word for frame permutations: no dropout site has it
constexpr int kGatherThreads = 128;
constexpr int kMostFrames = 4096;  // of a shuffled window: its order lies in shared memory
constexpr int kLossThreads = 256;

struct OrderSmem {
  SharedArray<int, kMostFrames> order;
};

// order = a permutation of 0 ... frames - 1, drawn by one lane: Fisher and Yates with words of
// Philox, as the CPU does.
__device__ __forceinline__ void drawOrder(OrderSmem& smem, const WindowGather& op, int sample) {
  for (int i = 0; i < op.frames; ++i) smem.order.put(i, i);
  for (int i = op.frames - 1; i > 0; --i) {
    const uint64_t word =
        philox(op.seed, (static_cast<uint64_t>(sample) << 32) | static_cast<uint32_t>(i), op.step,
               kShuffleSite)
            .word[0];
    const int other = static_cast<int>(word * static_cast<uint64_t>(i + 1) >> 32),
              mine = smem.order.get(i);
    smem.order.put(i, smem.order.get(other));
    smem.order.put(other, mine);
  }
}

// y (batch, frames, joints, coordinates): windows of `source` (frames of all sequences, joints,
// coordinates). samples (batch, 3): sequence, centre, mirrored. Row i of a window is frame
//   centre + stride (i - (frames - 1) / 2)
// of the sequence, its first or last where that lies outside. Shuffled: position order[i] in place
// of i. Mirrored: x changes its sign, left and right their places. The root joint is 0; -1: none.
//
// Grid: block x takes window x, a thread every 128th point of its frames. Shared memory: the order
// (frames), where frames are shuffled.
__global__ void __launch_bounds__(kGatherThreads) windowGatherKernel(WindowGather op) {
  auto& smem = sharedMemory<OrderSmem>();
  const int sample = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);

  // The order of the frames.
  if (op.shuffle) {
    if (thread == 0) drawOrder(smem, op, sample);
    __syncthreads();
  }

  // The window's joints.
  const int sequence = op.samples[3 * sample], centre = op.samples[3 * sample + 1],
            mirrored = op.samples[3 * sample + 2];
  const int64_t last = op.length[sequence] - 1,
                frameFloats = static_cast<int64_t>(op.joints) * op.coordinates;
  for (int point = thread; point < op.frames * op.joints; point += kGatherThreads) {
    const int i = point / op.joints, joint = point % op.joints,
              position = op.shuffle ? smem.order.get(i) : i;
    int64_t frame = centre + static_cast<int64_t>(op.stride) * (position - (op.frames - 1) / 2);
    frame = frame < 0 ? 0 : frame > last ? last : frame;
    const float* from = op.source + (op.start[sequence] + frame) * frameFloats +
                        static_cast<int64_t>(mirrored ? op.mirror[joint] : joint) * op.coordinates;
    float* to = op.y + (static_cast<int64_t>(sample) * op.frames + i) * frameFloats +
                static_cast<int64_t>(joint) * op.coordinates;
    for (int c = 0; c < op.coordinates; ++c)
      to[c] = joint == op.rootJoint ? 0.0f : mirrored && c == 0 ? -from[c] : from[c];
  }
}

// y = the mean of a pose and its mirror image turned back. y may be `plain`: a thread reads and
// writes the same joint of it. For forEach() over (rows, joints).
struct MeanOfMirrored {
  MirrorMean op;
  __device__ void operator()(int64_t point) const {
    const int64_t row = point / op.joints;
    const float* other = op.mirrored + (row * op.joints + op.mirror[point % op.joints]) * 3;
    const float* plain = op.plain + point * 3;
    float* y = op.y + point * 3;
    y[0] = 0.5f * (plain[0] - other[0]);
    y[1] = 0.5f * (plain[1] + other[1]);
    y[2] = 0.5f * (plain[2] + other[2]);
  }
};

// One sum of each warp.
struct LossSmem {
  SharedArray<double, kLossThreads / kWarp> sums;
};

// The sum of `value` over the block's lanes, for lane 0: by warps, then over the warps in order.
__device__ __forceinline__ double sumOfBlock(LossSmem& smem, double value) {
  const int thread = static_cast<int>(threadIdx.x);
  value = sumOfLanes(value);
  if (thread % kWarp == 0) smem.sums.put(thread / kWarp, value);
  __syncthreads();
  double total = 0;
  if (thread == 0) {
    for (int i = 0; i < kLossThreads / kWarp; ++i) total += smem.sums.get(i);
  }
  return total;
}

// sums (blocks) = the sum of |p - t| over the block's 256 points, in double precision. dPredicted,
// where it is not null, = factor (p - t) / |p - t|, 0 where p = t.
// Grid: a thread takes one point. Shared memory: the warps' sums.
__global__ void __launch_bounds__(kLossThreads)
    poseLossKernel(PoseLoss op, float factor, double* sums) {
  auto& smem = sharedMemory<LossSmem>();
  const int64_t point = static_cast<int64_t>(blockIdx.x) * kLossThreads + threadIdx.x;

  // The point's distance and gradient. Points of two coordinates leave the third at 0.
  float distance = 0;
  if (point < static_cast<int64_t>(op.rows) * op.joints) {
    float difference[3] = {0, 0, 0}, squares = 0;
#pragma unroll
    for (int c = 0; c < 3; ++c) {
      if (c < op.coordinates)
        difference[c] =
            op.predicted[point * op.coordinates + c] - op.target[point * op.coordinates + c];
      squares += difference[c] * difference[c];
    }
    distance = sqrtf(squares);
    const float scale = distance > 0.0f ? factor / distance : 0.0f;
#pragma unroll
    for (int c = 0; c < 3; ++c) {
      if (op.dPredicted && c < op.coordinates)
        op.dPredicted[point * op.coordinates + c] = difference[c] * scale;
    }
  }

  // The block's sum; a lane without a point adds 0.
  const double total = sumOfBlock(smem, static_cast<double>(distance));
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

// loss += factor times the sum of `sums` (count), where factor = weight / points.
// Grid: one block; a thread adds every 256th, then the block as in poseLossKernel.
__global__ void __launch_bounds__(kLossThreads)
    addLossKernel(const double* sums, int64_t count, double factor, double* loss) {
  auto& smem = sharedMemory<LossSmem>();
  double mine = 0;
  for (int64_t i = threadIdx.x; i < count; i += kLossThreads) mine += sums[i];
  const double total = sumOfBlock(smem, mine);
  if (threadIdx.x == 0) *loss += total * factor;
}

// y = the point at the predicted depth on the ray through its keypoint, minus the root's, so y = 0
// at the root joint. With (u, v) the keypoint and z = predicted z + root z:
//   x = (u - cx) z / fx,   y = (v - cy) z / fy
// For forEach() over (rows, joints).
struct BackProject {
  BackProjectForward op;
  __device__ void point(int64_t row, int joint, float (&xyz)[3]) const {
    const float* camera = op.camera + row * 4;
    const int64_t at = row * op.joints + joint;
    const float rootZ = op.root[row * 3 + 2],
                z = joint == op.rootJoint ? rootZ : op.predicted[at * 3 + 2] + rootZ;
    xyz[0] = (op.keypoints[at * 2] - camera[2]) * z / camera[0];
    xyz[1] = (op.keypoints[at * 2 + 1] - camera[3]) * z / camera[1];
    xyz[2] = z;
  }
  __device__ void operator()(int64_t i) const {
    float root[3], xyz[3];
    point(i / op.joints, op.rootJoint, root);
    point(i / op.joints, static_cast<int>(i % op.joints), xyz);
    for (int c = 0; c < 3; ++c) op.y[i * 3 + c] = xyz[c] - root[c];
  }
};

// dPredicted's z += dY through BackProject. The root joint gets none: its depth is given. For
// forEach() over (rows, joints).
struct BackProjectGradient {
  BackProjectBackward op;
  __device__ void operator()(int64_t i) const {
    if (i % op.joints == op.rootJoint) return;
    const float* camera = op.camera + i / op.joints * 4;
    const float* dY = op.dY + i * 3;
    const float perX = (op.keypoints[i * 2] - camera[2]) / camera[0],
                perY = (op.keypoints[i * 2 + 1] - camera[3]) / camera[1];
    op.dPredicted[i * 3 + 2] += dY[0] * perX + dY[1] * perY + dY[2];
  }
};

__device__ __forceinline__ float sigmoid(float logit) { return 1.0f / (1.0f + expf(-logit)); }

// y = score predicted + (1 - score) backProjected in x and y, score = sigmoid(logits); z is the
// predicted one. For forEach() over (rows, joints).
struct Blend {
  RefineBlendForward op;
  __device__ void operator()(int64_t i) const {
    for (int c = 0; c < 2; ++c) {
      const float score = sigmoid(op.logits[i * 2 + c]);
      op.y[i * 3 + c] =
          score * op.predicted[i * 3 + c] + (1.0f - score) * op.backProjected[i * 3 + c];
    }
    op.y[i * 3 + 2] = op.predicted[i * 3 + 2];
  }
};

// Gradients of Blend: dLogits, dPredicted and dBackProjected, all `=`. For forEach() over (rows,
// joints).
struct BlendGradient {
  RefineBlendBackward op;
  __device__ void operator()(int64_t i) const {
    for (int c = 0; c < 2; ++c) {
      const float score = sigmoid(op.logits[i * 2 + c]), dY = op.dY[i * 3 + c];
      op.dLogits[i * 2 + c] =
          dY * (op.predicted[i * 3 + c] - op.backProjected[i * 3 + c]) * score * (1.0f - score);
      op.dPredicted[i * 3 + c] = dY * score;
      op.dBackProjected[i * 3 + c] = dY * (1.0f - score);
    }
    op.dPredicted[i * 3 + 2] = op.dY[i * 3 + 2];
    op.dBackProjected[i * 3 + 2] = 0.0f;
  }
};

}  // namespace

void CudaBackend::run(const WindowGather& op) {
  if (op.shuffle && op.frames > kMostFrames) {
    throw Error("ERR_UNSUPPORTED",
                "Windows of shuffled frames hold at most " + std::to_string(kMostFrames) +
                    " frames on the GPU; these have " + std::to_string(op.frames) + ".");
  }
  launch(windowGatherKernel, dim3(static_cast<unsigned>(op.batch)), dim3(kGatherThreads),
         op.shuffle ? sizeof(OrderSmem) : 0, stream(), op);
}

void CudaBackend::run(const MirrorMean& op) {
  forEach(stream(), static_cast<int64_t>(op.rows) * op.joints, MeanOfMirrored{op});
}

void CudaBackend::run(const PoseLoss& op) {
  const int64_t points = static_cast<int64_t>(op.rows) * op.joints,
                blocks = (points + kLossThreads - 1) / kLossThreads;
  const double factor = static_cast<double>(op.weight) / static_cast<double>(points);
  auto* sums = reinterpret_cast<double*>(partials_.floats(2 * static_cast<size_t>(blocks)));
  launch(poseLossKernel, dim3(static_cast<unsigned>(blocks)), dim3(kLossThreads), sizeof(LossSmem),
         stream(), op, static_cast<float>(factor), sums);
  launch(addLossKernel, dim3(1), dim3(kLossThreads), sizeof(LossSmem), stream_, sums, blocks,
         factor, op.loss);
}

void CudaBackend::run(const BackProjectForward& op) {
  forEach(stream(), static_cast<int64_t>(op.rows) * op.joints, BackProject{op});
}

void CudaBackend::run(const BackProjectBackward& op) {
  forEach(stream(), static_cast<int64_t>(op.rows) * op.joints, BackProjectGradient{op});
}

void CudaBackend::run(const RefineBlendForward& op) {
  forEach(stream(), static_cast<int64_t>(op.rows) * op.joints, Blend{op});
}

void CudaBackend::run(const RefineBlendBackward& op) {
  forEach(stream(), static_cast<int64_t>(op.rows) * op.joints, BlendGradient{op});
}

}  // namespace pstmo::cuda
