// Element-wise operations of the compiled lifter, its first layer, and whether a device has room
// for its kernels. Where an operation goes element by element, forEach() calls its functor with the
// index of each element of y, one thread each.
#include "device.h"

#include "../../cuda/kernels/arithmetic.h"
#include "../../cuda/kernels/elementwise.h"

namespace pstmo::inference::cuda {
namespace {

// A float less its number in tf32, in tf32.
__device__ __forceinline__ uint32_t lowPart(float value) {
  return toTensorFloat(value - floatOf(toTensorFloat(value)));
}

// Where element `i` of a padded dimension stands in the trained one; -1: a zero.
__device__ __forceinline__ int unpadded(int i, int block, int padded, int count) {
  const int at = i / padded * block + i % padded;
  return i % padded < block && at < count ? at : -1;
}

// words[row][tap][word] of a trained matrix (out, in, taps), padded.
struct PackWord {
  PackWeights op;
  Precision precision;

  // A word of a split row: high, low or high of its element.
  __device__ uint32_t splitWord(int row, int word) const {
    const int part = word / op.splitPart, from = word % op.splitPart;
    if (row < 0 || from >= op.in || part > 2) return 0;
    const float value = op.weight[static_cast<int64_t>(row) * op.in + from];
    return part == 1 ? lowPart(value) : toTensorFloat(value);
  }

  // Element `half` of a word; `row` is that of the trained matrix.
  __device__ float element(int row, int word, int half) const {
    const int perWord = precision == Precision::bf16 ? 2 : 1, tap = word / op.tapWords,
              from = unpadded(word % op.tapWords * perWord + half, op.inBlock, op.inPadded, op.in);
    return row < 0 || from < 0
               ? 0.0f
               : op.weight[(static_cast<int64_t>(row) * op.in + from) * op.taps + tap];
  }

  __device__ void operator()(int64_t i) const {
    const int words = op.taps * op.tapWords, word = static_cast<int>(i % words),
              row = unpadded(static_cast<int>(i / words), op.outBlock, op.outPadded, op.out);
    if (op.kind == WordKind::split) {
      op.words[i] = splitWord(row, word);
      return;
    }
    const float first = element(row, word, 0);
    op.words[i] = precision == Precision::fp32   ? bitsOf(first)
                  : precision == Precision::tf32 ? toTensorFloat(first)
                                                 : brainFloatPair(first, element(row, word, 1));
  }
};

// y[row][c], rows of frames and behind them those of their mirror images: x changes its sign, left
// and right their places; zero from 2 joints on.
struct PadElement {
  PadKeypoints op;
  __device__ void operator()(int64_t i) const {
    const int word = static_cast<int>(i % op.stride), part = op.splitPart ? word / op.splitPart : 0,
              c = op.splitPart ? word % op.splitPart : word;
    const int64_t row = i / op.stride, frame = row % op.frames;
    float value = 0;
    if (c < 2 * op.joints && part < 3) {
      const bool mirrored = row >= op.frames;
      value = op.keypoints[frame * 2 * op.joints + (mirrored ? 2 * op.mirror[c / 2] + c % 2 : c)];
      if (mirrored && c % 2 == 0) value = -value;
    }
    op.y[i] = op.splitPart == 0 ? bitsOf(value) : part == 2 ? lowPart(value) : toTensorFloat(value);
  }
};

// The row of op.frames that token `token` of a window is: the first or last frame of the clip
// stands for those outside.
__device__ __forceinline__ int64_t frameOf(const GatherWindows& op, int window, int token) {
  const int32_t* at = op.centre + window % op.centres * 3;
  int frame = at[0] + (token - (op.tokens - 1) / 2) * op.stride;
  frame = frame < at[1] ? at[1] : frame > at[2] ? at[2] : frame;
  return static_cast<int64_t>(window / op.centres) * op.mirrored + frame;
}

// y[window][token][c] = frames[frame of the token][c] + table[token][c].
struct GatherElement {
  GatherWindows op;
  __device__ void operator()(int64_t i) const {
    const int c = static_cast<int>(i % op.width),
              token = static_cast<int>(i / op.width % op.tokens),
              window = static_cast<int>(i / op.width / op.tokens);
    const float value = op.frames[frameOf(op, window, token) * op.width + c];
    op.y[i] = op.table ? value + op.table[token * op.width + c] : value;
  }
};

constexpr int kFirstLayerWindows = 8, kFirstLayerTokens = 8;  // of a block

// The layer norm's factor of from + position, by a warp; all lanes get it.
__device__ __forceinline__ float factorOfSum(const float* from, const float* position,
                                             int channels) {
  const int lane = laneOfWarp();
  float mean = 0, squares = 0;
  for (int c = lane; c < channels; c += kWarp) mean += from[c] + position[c];
  mean = sumOfLanes(mean) / static_cast<float>(channels);
  for (int c = lane; c < channels; c += kWarp)
    squares += (from[c] + position[c] - mean) * (from[c] + position[c] - mean);
  return normFactor(sumOfLanes(squares), channels);
}

// Tokens of windows and the first layer's Q, K and V of them. With f a frame's token and p its
// position's, both parts W (f - mean f) and W (p - mean p) are known:
//   y = f + p,   words = (part of f + part of p) / (std(f + p) + eps) + bias
// Grid: block b takes window tile b / tokenTiles and token tile b % tokenTiles; a warp takes one
// token through 8 windows. Windows that follow each other share frames and positions, which then
// come out of the multiprocessor's cache. No shared memory. Each row is summed by one warp by a
// fixed tree: the same bits each time.
// With room for two blocks of registers nothing is spilled.
template <typename Arithmetic>
__global__ void __launch_bounds__(kFirstLayerTokens* kWarp, 2)
    firstLayerKernel(FirstLayer op, int tokenTiles) {
  const GatherWindows& in = op.windows;
  const int windows = in.centres * in.sides, lane = laneOfWarp();
  const int first = static_cast<int>(blockIdx.x) / tokenTiles * kFirstLayerWindows;
  const int token = static_cast<int>(blockIdx.x) % tokenTiles * kFirstLayerTokens +
                    static_cast<int>(threadIdx.x) / kWarp;
  if (token >= in.tokens) return;  // whole warps
  const float *position = in.table + token * in.width,
              *positionPart = op.positionParts + token * op.stride;

  for (int window = first; window < first + kFirstLayerWindows && window < windows; ++window) {
    const int64_t frame = frameOf(in, window, token),
                  row = static_cast<int64_t>(window) * in.tokens + token;
    const float *from = in.frames + frame * in.width, *part = op.parts + frame * op.stride;
    const float factor = factorOfSum(from, position, op.channels);

    // The token.
    for (int c = lane; c < in.width; c += kWarp) in.y[row * in.width + c] = from[c] + position[c];

    // Its Q, K and V, two elements a lane.
    for (int c = 2 * lane; c < op.stride; c += 2 * kWarp) {
      const float low = (part[c] + positionPart[c]) * factor + op.bias[c],
                  high = (part[c + 1] + positionPart[c + 1]) * factor + op.bias[c + 1];
      Arithmetic::toMemory(op.words + row * (op.stride / Arithmetic::kPerWord), c, low, high);
    }
  }
}

// y[row][joint][axis] of the head's padded rows; with a mirror the mean with that of the mirror
// image, whose x changes its sign.
struct PoseElement {
  ReadPoses op;
  __device__ void operator()(int64_t i) const {
    const int c = static_cast<int>(i % (3 * op.joints));
    const int64_t row = i / (3 * op.joints);
    float value = op.head[row * op.stride + c];
    if (op.mirror) {
      const float other = op.head[(row + op.rows) * op.stride + 3 * op.mirror[c / 3] + c % 3];
      value = 0.5f * (value + (c % 3 == 0 ? -other : other));
    }
    op.y[i] = value;
  }
};

size_t sharedBytesOf(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device),
        "asking what device " + std::to_string(device) + " is");
  return properties.sharedMemPerBlockOptin;
}

}  // namespace

void CudaLifterDevice::run(const PackWeights& op) {
  forEach(stream(),
          static_cast<int64_t>(op.out) / op.outBlock * op.outPadded * op.taps * op.tapWords,
          PackWord{op, op.kind == WordKind::floats ? Precision::fp32 : precision()});
}

void CudaLifterDevice::run(const PadKeypoints& op) {
  forEach(stream(), static_cast<int64_t>(op.frames) * (op.mirror ? 2 : 1) * op.stride,
          PadElement{op});
}

void CudaLifterDevice::run(const GatherWindows& op) {
  forEach(stream(), static_cast<int64_t>(op.centres) * op.sides * op.tokens * op.width,
          GatherElement{op});
}

void CudaLifterDevice::run(const FirstLayer& op) {
  const int windowTiles =
      (op.windows.centres * op.windows.sides + kFirstLayerWindows - 1) / kFirstLayerWindows;
  const int tokenTiles = (op.windows.tokens + kFirstLayerTokens - 1) / kFirstLayerTokens;
  const auto kernel = precision() == Precision::bf16   ? firstLayerKernel<BrainFloatArithmetic>
                      : precision() == Precision::tf32 ? firstLayerKernel<TensorFloatArithmetic>
                                                       : firstLayerKernel<FloatArithmetic>;
  launch(kernel, dim3(static_cast<unsigned>(windowTiles * tokenTiles)),
         dim3(kFirstLayerTokens * kWarp), 0, stream(), op, tokenTiles);
}

void CudaLifterDevice::run(const ReadPoses& op) {
  forEach(stream(), static_cast<int64_t>(op.rows) * 3 * op.joints, PoseElement{op});
}

std::string unsupportedReason(int device, Precision precision, int width, int heads) {
  if (paddedHeadWidth(width / heads) == 0) return "attention heads are wider than 128";
  const size_t has = sharedBytesOf(device),
               needs = largestBlockBytes(precision, true, width, heads);
  if (needs > has)
    return "its kernels need " + std::to_string(needs) +
           " bytes of shared memory a block, and this GPU has " + std::to_string(has);
  return {};
}

std::unique_ptr<LifterDevice> makeLifterDevice(int device, Precision precision, int width,
                                               int heads) {
  const size_t has = sharedBytesOf(device);
  return std::make_unique<CudaLifterDevice>(
      device, precision, largestBlockBytes(precision, false, width, heads) > has, has);
}

}  // namespace pstmo::inference::cuda
