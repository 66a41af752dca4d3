// Attention of the compiled lifter with its output matmul and its residual, in one kernel:
//   y = x + concat over heads h of (softmax2(Q_h K_h^T) V_h) output^T + bias
// softmax2 is the softmax with powers of two: the weights of Q hold 1 / sqrt(head width) and
// log2(e) already.
//
// Shapes. qkv (windows tokens, 3, heads, head width) as words; x (windows tokens, width) and y
// (windows kept, width) as floats; output (width, heads head width) as words.
//
// Grid. One block of kWarps warps takes kRows = 16 kWarps queries through all heads. A block has
// `tiling.windows` windows with `tiling.queries` = kRows / windows queries each. Block b takes
// windows from b / tiles * windows on, and of each the queries from b % tiles * queries on. A warp
// has 16 rows of them.
//
// Shared memory. `attended` (kRows, heads head width): the outputs of all heads, the left side of
// the output matmul. Behind it two buffers each for Q, K and V (kRows, head width); after the last
// head the same place holds the two buffers for the output's weights.
//
// Determinism. A row is summed by one warp, over the keys in their order: the same bits each time.
#include <algorithm>

#include "device.h"
#include "tile.h"

namespace pstmo::inference::cuda {
namespace {

constexpr int kKeys = 32;             // keys whose scores a warp has at once
constexpr int kKeyTiles = kKeys / 8;  // fragments of 16 x 8 scores
constexpr float kLowest = -3.0e38f;

// How a block's rows are shared among windows. A step takes as many keys of each window as the
// block has queries of it.
struct AttentionTiling {
  int windows;  // of a block
  int queries;  // of each of its windows
  int tiles;    // blocks that take the queries of one window
};

// Words of a row of `attended`: whole depths.
constexpr int attendedWords(int heads, int headWords) {
  return (heads * headWords + kDepthWords - 1) / kDepthWords * kDepthWords;
}

// Words of a block's shared memory.
constexpr size_t attentionWords(int rows, int heads, int headWords) {
  const int buffers = 6 * SharedWords::size(rows, headWords);
  return static_cast<size_t>(SharedWords::size(rows, attendedWords(heads, headWords)) +
                             (buffers > 2 * kStageWords ? buffers : 2 * kStageWords));
}

// The window, query and token of one row of the block.
struct QueryPlace {
  int window, query, token;
  bool present;

  __device__ __forceinline__ QueryPlace(const Attention& op, const AttentionTiling& tiling,
                                        int row) {
    window = static_cast<int>(blockIdx.x) / tiling.tiles * tiling.windows + row / tiling.queries;
    query = static_cast<int>(blockIdx.x) % tiling.tiles * tiling.queries + row % tiling.queries;
    // Tap j of the convolution's row i reads token stride i + j - 1; the first tap of the first row
    // reads none.
    token = op.convStride > 0 ? (query + 1) / 3 * op.convStride + (query + 1) % 3 - 1 : query;
    present = window < op.windows && query < op.kept;
  }
};

// Steps of a block: all keys of head 0, then all of head 1, and so on.
struct AttentionSteps {
  int ofHead, all;

  __device__ __forceinline__ AttentionSteps(const Attention& op, const AttentionTiling& tiling)
      : ofHead((op.tokens + tiling.queries - 1) / tiling.queries), all(op.heads * ofHead) {}
};

// Starts the copy of part 0, 1 or 2 (Q, K, V) of a head to `rows`: row i is row rowOf(i) of qkv,
// or zeros where that is negative.
template <int kHeadWords, int kWarps, typename RowOf>
__device__ __forceinline__ void copyHead(AsyncCopies& copies, const Attention& op, int part,
                                         int head, const SharedWords& rows, const RowOf& rowOf) {
  for (int e = static_cast<int>(threadIdx.x); e < kTileRows<kWarps> * kHeadWords / 4;
       e += kWarps * kWarp) {
    const int i = e / (kHeadWords / 4), word = e % (kHeadWords / 4) * 4;
    const int64_t row = rowOf(i);
    const int64_t at =
        row < 0 ? 0 : (row * 3 * op.heads + part * op.heads + head) * kHeadWords + word;
    copies.copy4(rows, i, word, op.qkv + at, row >= 0);
  }
}

// Starts the copies of a step: its keys' K and V and, with a head's first keys, the head's Q.
// firstWindow: the block's first window. buffer(part, index): one of a part's two buffers.
template <int kHeadWords, int kWarps, typename BufferOf>
__device__ __forceinline__ void loadStep(AsyncCopies& copies, const Attention& op,
                                         const AttentionTiling& tiling, int firstWindow,
                                         int stepsOfHead, int step, const BufferOf& buffer) {
  const int head = step / stepsOfHead, first = step % stepsOfHead * tiling.queries;

  if (first == 0) {
    copyHead<kHeadWords, kWarps>(copies, op, 0, head, buffer(0, head), [&](int i) -> int64_t {
      const QueryPlace place(op, tiling, i);
      return place.present ? static_cast<int64_t>(place.window) * op.tokens + place.token : -1;
    });
  }

  // Of K and V `queries` keys of each of the block's windows, one window behind the other.
  for (int part = 1; part < 3; ++part) {
    copyHead<kHeadWords, kWarps>(copies, op, part, head, buffer(part, step), [&](int i) -> int64_t {
      const int window = firstWindow + i / tiling.queries, key = first + i % tiling.queries;
      return window < op.windows && key < op.tokens ? static_cast<int64_t>(window) * op.tokens + key
                                                    : -1;
    });
  }
}

// Scores (16, 32) of a warp become softmax weights by the maximum so far. Where the maximum grows,
// the total and the sums so far are rescaled to it. Keys from `tokens` on weigh nothing. A lane has
// rows g (half 0) and g + 8 (half 1); the four lanes of a row share its maximum, each has its own
// part of the row's total.
template <int kChannelTiles>
__device__ __forceinline__ void onlineSoftmax(float (&scores)[kKeyTiles][4], int firstKey,
                                              int tokens, LanePlace at, float (&highest)[2],
                                              float (&total)[2], float (&sums)[kChannelTiles][4]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    // The row's maximum.
    float top = highest[half];
#pragma unroll
    for (int n = 0; n < kKeyTiles; ++n) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        float& score = scores[n][2 * half + e];
        if (firstKey + 8 * n + 2 * at.t + e >= tokens) score = kLowest;
        top = score > top ? score : top;
      }
    }
    top = maximumOfLanes<4>(top);

    // Earlier sums, rescaled.
    const float shrink = exp2f(highest[half] - top);
    highest[half] = top;
    total[half] *= shrink;
#pragma unroll
    for (int c = 0; c < kChannelTiles; ++c) {
      sums[c][2 * half] *= shrink;
      sums[c][2 * half + 1] *= shrink;
    }

    // Scores to weights.
#pragma unroll
    for (int n = 0; n < kKeyTiles; ++n) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        float& score = scores[n][2 * half + e];
        score = exp2f(score - top);
        total[half] += score;
      }
    }
  }
}

// A head is done: sums / total to its columns of `attended`, from column `first` on, for the warp's
// rows from `row` on. Then the state is as before the first key.
template <typename Arithmetic, int kChannelTiles>
__device__ __forceinline__ void finishHead(const SharedWords& attended, int row, int first,
                                           LanePlace at, float (&highest)[2], float (&total)[2],
                                           float (&sums)[kChannelTiles][4]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float factor = 1.0f / sumOfLanes<4>(total[half]);
#pragma unroll
    for (int c = 0; c < kChannelTiles; ++c) {
      Arithmetic::toShared(attended, row + 8 * half + at.g, first + 8 * c + 2 * at.t,
                           sums[c][2 * half] * factor, sums[c][2 * half + 1] * factor);
      sums[c][2 * half] = sums[c][2 * half + 1] = 0;
    }
    highest[half] = kLowest;
    total[half] = 0;
  }
}

// A tile of the output matmul to y, with bias and residual: rows that are no query are left out.
template <typename Arithmetic>
__device__ __forceinline__ void writeRows(const Attention& op, const AttentionTiling& tiling,
                                          int tile, const TileSums& results) {
  const Epilogue out{.residual = op.x, .y = op.y, .stride = op.stride};
  forEachPair(results, [&](int i, int j, float low, float high) {
    const QueryPlace place(op, tiling, i);
    const int column = tile * kTileColumns + j;
    if (!place.present || column >= op.stride) return;
    const int64_t to = static_cast<int64_t>(place.window) * op.kept + place.query,
                  from = static_cast<int64_t>(place.window) * op.tokens + place.token;
    finishPair<Arithmetic>(out, op.output.bias, to, from, column, low, high);
  });
}

// The kernel that this file's head describes. kWidth: the padded head width.
template <typename Arithmetic, int kWidth, int kWarps>
__global__ void __launch_bounds__(kThreads<kWarps>)
    fusedAttentionKernel(Attention op, AttentionTiling tiling) {
  constexpr int kRows = kTileRows<kWarps>, kHeadWords = kWidth / Arithmetic::kPerWord,
                kChannelTiles = kWidth / 8;

  // Shared memory: Q changes buffers with the head, K and V with every step.
  const int words = attendedWords(op.heads, kHeadWords);
  const SharedWords attended{sharedWords(), kRows, words};
  uint32_t* memory = sharedWords() + SharedWords::size(kRows, words);
  const auto buffer = [&](int part, int index) {
    return stage(memory + part * 2 * SharedWords::size(kRows, kHeadWords), index % 2, kRows,
                 kHeadWords);
  };

  const int firstWindow = static_cast<int>(blockIdx.x) / tiling.tiles * tiling.windows;
  const AttentionSteps steps(op, tiling);
  AsyncCopies copies;

  // Zeros behind the last head: the output matmul reads whole depths.
  const int behind = words - op.heads * kHeadWords;
  for (int e = static_cast<int>(threadIdx.x); e < kRows * behind; e += kThreads<kWarps>)
    attended.put(e / behind, op.heads * kHeadWords + e % behind, 0);

  const LanePlace at;
  const int row = static_cast<int>(threadIdx.x) / kWarp * 16;  // the warp's first
  const int keyRow = row / tiling.queries * tiling.queries;    // its window's first in K and V
  float sums[kChannelTiles][4] = {};                           // (16, kWidth) of the warp
  float highest[2] = {kLowest, kLowest}, total[2] = {};        // of rows g and g + 8

  // Heads, and the keys of each: while one step is multiplied, the next is on its way.
  loadStep<kHeadWords, kWarps>(copies, op, tiling, firstWindow, steps.ofHead, 0, buffer);
  for (int step = 0; step < steps.all; ++step) {
    // This step's copies are there, and the buffers of the last one are free for the next.
    copies.land();
    __syncthreads();
    if (step + 1 < steps.all)
      loadStep<kHeadWords, kWarps>(copies, op, tiling, firstWindow, steps.ofHead, step + 1, buffer);

    // Scores, weights, and weights times V, 32 keys at a time.
    const int head = step / steps.ofHead, first = step % steps.ofHead * tiling.queries;
    for (int keys = 0; keys < tiling.queries && first + keys < op.tokens; keys += kKeys) {
      float scores[1][kKeyTiles][4] = {};  // (16, 32) of the warp
      Arithmetic::template multiply<1, kKeyTiles>(scores, Operand{buffer(0, head), row, 0},
                                                  Operand{buffer(1, step), keyRow + keys, 0},
                                                  kHeadWords);
      onlineSoftmax(scores[0], first + keys, op.tokens, at, highest, total, sums);
      Arithmetic::template weigh<kKeyTiles, kChannelTiles>(sums, scores[0], buffer(2, step),
                                                           keyRow + keys);
    }

    // The head's last keys.
    if (step % steps.ofHead + 1 < steps.ofHead) continue;
    finishHead<Arithmetic>(attended, row, head * kWidth, at, highest, total, sums);
  }

  // The output matmul: the buffers of Q, K and V are free from here on.
  __syncthreads();
  multiplyTiles<Arithmetic, kWarps>(
      attended, 0, memory, op.output, 0, op.output.columns / kTileColumns,
      [&](int tile, const TileSums& results) { writeRows<Arithmetic>(op, tiling, tile, results); });
}

// Chooses the windows of a block: one, or as many as leave the fewest rows without work.
template <typename Arithmetic, int kWarps>
void launchAttention(cudaStream_t stream, const Attention& op) {
  constexpr int kRows = kTileRows<kWarps>;
  const auto tilingOf = [&](int windows) {
    return AttentionTiling{windows, kRows / windows,
                           (op.kept + kRows / windows - 1) / (kRows / windows)};
  };
  const auto blocksOf = [&](const AttentionTiling& tiling) {
    return (op.windows + tiling.windows - 1) / tiling.windows * tiling.tiles;
  };
  AttentionTiling tiling = tilingOf(1);
  for (int windows = 2; kRows / windows >= kKeys; windows *= 2) {
    if (blocksOf(tilingOf(windows)) < blocksOf(tiling)) tiling = tilingOf(windows);
  }
  const auto run = [&]<int kWidth>() {
    launch(fusedAttentionKernel<Arithmetic, kWidth, kWarps>,
           dim3(static_cast<unsigned>(blocksOf(tiling))), dim3(kThreads<kWarps>),
           attentionWords(kRows, op.heads, kWidth / Arithmetic::kPerWord) * sizeof(uint32_t),
           stream, op, tiling);
  };
  switch (op.headWidth) {
    case 16:
      return run.template operator()<16>();
    case 32:
      return run.template operator()<32>();
    case 64:
      return run.template operator()<64>();
    default:
      return run.template operator()<128>();
  }
}

}  // namespace

void CudaLifterDevice::run(const Attention& op) {
  switch (precision()) {
    case Precision::fp32:
      return narrow_ ? launchAttention<FloatArithmetic, 2>(stream(), op)
                     : launchAttention<FloatArithmetic, 4>(stream(), op);
    case Precision::tf32:
      return narrow_ ? launchAttention<TensorFloatArithmetic, 2>(stream(), op)
                     : launchAttention<TensorFloatArithmetic, 4>(stream(), op);
    case Precision::bf16:
      return launchAttention<BrainFloatArithmetic, 4>(stream(), op);
  }
}

// Of normMatmulKernel, gatherMatmulKernel and fusedAttentionKernel the one that takes most. The
// feed-forward's kernel asks for its own: where it has no room, two kernels take its place.
size_t largestBlockBytes(Precision precision, bool narrow, int width, int heads) {
  const int perWord = precision == Precision::bf16 ? 2 : 1,
            headWords = paddedHeadWidth(width / heads) / perWord;
  const int attentionRows = precision == Precision::bf16 ? 64
                            : narrow                     ? 32
                                                         : 64,
            normRows = precision == Precision::bf16 ? (narrow ? 64 : 128) : attentionRows;
  const int inner = (width + kDepthWords * perWord - 1) / (kDepthWords * perWord) * kDepthWords;
  const size_t norm = static_cast<size_t>(SharedWords::size(normRows, inner) + 2 * kStageWords);
  const size_t matmul = static_cast<size_t>(
      2 * SharedWords::size(precision == Precision::bf16 ? 128 : 64, kDepthWords) +
      2 * kStageWords);
  const size_t attention = attentionWords(attentionRows, heads, headWords);
  return std::max({norm, matmul, attention}) * sizeof(uint32_t);
}

}  // namespace pstmo::inference::cuda
