// The plan's attention: a block takes some queries through all heads, keeps what they attended to
// in shared memory, and multiplies it by the output matrix. The softmax goes along with the keys:
// each row's maximum and sum are carried, what was summed is rescaled when the maximum grows;
// weights pass from the scores to the product with V in registers.
#include <algorithm>

#include "device.h"
#include "tile.h"

namespace pstmo::inference::cuda {
namespace {

constexpr int kKeys = 32;  // keys whose scores a warp has at once
constexpr int kKeyTiles = kKeys / 8;
constexpr float kLowest = -3.0e38f;

// How a block is shared: `windows` windows with kTileRows / windows queries each, and as many keys
// a step.
struct AttentionTiling {
  int windows, queries, tiles;  // tiles: blocks that take the queries of a window
};

constexpr int attendedWords(int heads, int headWords) {
  return (heads * headWords + kDepthWords - 1) / kDepthWords * kDepthWords;
}

// Two buffers for Q, K and V each; later for the output's weights.
constexpr size_t attentionWords(int rows, int heads, int headWords) {
  const int buffers = 6 * SharedWords::size(rows, headWords);
  return static_cast<size_t>(SharedWords::size(rows, attendedWords(heads, headWords)) +
                             (buffers > 2 * kStageWords ? buffers : 2 * kStageWords));
}

// Where a row of the block stands.
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

// Part 0, 1 or 2 (Q, K, V) of a head to `rows`: row i from token tokenOf(i), or zeros where that is
// negative.
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

template <typename Arithmetic, int kWidth, int kWarps>
__global__ void __launch_bounds__(kWarps* kWarp)
    fusedAttentionKernel(Attention op, AttentionTiling tiling) {
  constexpr int kRows = kTileRows<kWarps>, kHeadWords = kWidth / Arithmetic::kPerWord,
                kChannelTiles = kWidth / 8;
  const int words = attendedWords(op.heads, kHeadWords);
  const SharedWords attended{sharedWords(), kRows, words};
  uint32_t* memory = sharedWords() + SharedWords::size(kRows, words);
  // Q changes with the head, K and V with every step.
  const auto buffer = [&](int part, int index) {
    return stage(memory + part * 2 * SharedWords::size(kRows, kHeadWords), index % 2, kRows,
                 kHeadWords);
  };
  const int firstWindow = static_cast<int>(blockIdx.x) / tiling.tiles * tiling.windows;
  const int stepsOfHead = (op.tokens + tiling.queries - 1) / tiling.queries,
            steps = op.heads * stepsOfHead;
  AsyncCopies copies;
  const auto load = [&](int step) {
    const int head = step / stepsOfHead, first = step % stepsOfHead * tiling.queries;
    if (first == 0) {
      copyHead<kHeadWords, kWarps>(copies, op, 0, head, buffer(0, head), [&](int i) -> int64_t {
        const QueryPlace place(op, tiling, i);
        return place.present ? static_cast<int64_t>(place.window) * op.tokens + place.token : -1;
      });
    }
    for (int part = 1; part < 3; ++part) {
      copyHead<kHeadWords, kWarps>(
          copies, op, part, head, buffer(part, step), [&](int i) -> int64_t {
            const int window = firstWindow + i / tiling.queries, key = first + i % tiling.queries;
            return window < op.windows && key < op.tokens
                       ? static_cast<int64_t>(window) * op.tokens + key
                       : -1;
          });
    }
  };
  // What lies behind the last head is multiplied too.
  const int behind = words - op.heads * kHeadWords;
  for (int e = static_cast<int>(threadIdx.x); e < kRows * behind; e += kWarps * kWarp)
    attended.put(e / behind, op.heads * kHeadWords + e % behind, 0);

  const LanePlace at;
  const int row = static_cast<int>(threadIdx.x) / kWarp * 16,
            keyRow = row / tiling.queries * tiling.queries;
  float sums[kChannelTiles][4] = {}, highest[2] = {kLowest, kLowest}, total[2] = {};
  load(0);
  for (int step = 0; step < steps; ++step) {
    copies.land();
    __syncthreads();
    if (step + 1 < steps) load(step + 1);
    const int head = step / stepsOfHead, first = step % stepsOfHead * tiling.queries;
    for (int keys = 0; keys < tiling.queries && first + keys < op.tokens; keys += kKeys) {
      float scores[1][kKeyTiles][4] = {};
      Arithmetic::template multiply<1, kKeyTiles>(scores, Operand{buffer(0, head), row, 0},
                                                  Operand{buffer(1, step), keyRow + keys, 0},
                                                  kHeadWords);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float top = highest[half];
#pragma unroll
        for (int n = 0; n < kKeyTiles; ++n) {
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            float& score = scores[0][n][2 * half + e];
            if (first + keys + 8 * n + 2 * at.t + e >= op.tokens) score = kLowest;
            top = score > top ? score : top;
          }
        }
        top = maximumOfLanes<4>(top);
        const float shrink = exp2f(highest[half] - top);
        highest[half] = top;
        total[half] *= shrink;
#pragma unroll
        for (int c = 0; c < kChannelTiles; ++c) {
          sums[c][2 * half] *= shrink;
          sums[c][2 * half + 1] *= shrink;
        }
#pragma unroll
        for (int n = 0; n < kKeyTiles; ++n) {
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            float& score = scores[0][n][2 * half + e];
            score = exp2f(score - top);
            total[half] += score;
          }
        }
      }
      Arithmetic::template weigh<kKeyTiles, kChannelTiles>(sums, scores[0], buffer(2, step),
                                                           keyRow + keys);
    }
    if (step % stepsOfHead + 1 < stepsOfHead) continue;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float factor = 1.0f / sumOfLanes<4>(total[half]);
#pragma unroll
      for (int c = 0; c < kChannelTiles; ++c) {
        Arithmetic::toShared(attended, row + 8 * half + at.g, head * kWidth + 8 * c + 2 * at.t,
                             sums[c][2 * half] * factor, sums[c][2 * half + 1] * factor);
        sums[c][2 * half] = sums[c][2 * half + 1] = 0;
      }
      highest[half] = kLowest;
      total[half] = 0;
    }
  }

  __syncthreads();
  const Epilogue out{.residual = op.x, .y = op.y, .stride = op.stride};
  multiplyTiles<Arithmetic, kWarps>(
      attended, 0, memory, op.output, 0, op.output.columns / kTileColumns,
      [&](int tile, const TileSums& results) {
        forEachPair(results, [&](int i, int j, float low, float high) {
          const QueryPlace place(op, tiling, i);
          const int column = tile * kTileColumns + j;
          if (!place.present || column >= op.stride) return;
          const int64_t to = static_cast<int64_t>(place.window) * op.kept + place.query,
                        from = static_cast<int64_t>(place.window) * op.tokens + place.token;
          finishPair<Arithmetic>(out, op.output.bias, to, from, column, low, high);
        });
      });
}

template <typename Arithmetic, int kWarps>
void launchAttention(cudaStream_t stream, const Attention& op) {
  constexpr int kRows = kTileRows<kWarps>;
  // One window a block, or as many as leave the fewest rows without work.
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
           dim3(static_cast<unsigned>(blocksOf(tiling))), dim3(kWarps * kWarp),
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

size_t largestBlockBytes(Precision precision, bool narrow, int width, int heads) {
  const int perWord = precision == Precision::bf16 ? 2 : 1,
            headWords = paddedHeadWidth(width / heads) / perWord;
  const int attentionRows = precision == Precision::bf16 ? 64
                            : narrow                     ? 32
                                                         : 64,
            normRows = precision == Precision::bf16 ? (narrow ? 64 : 128) : attentionRows;
  const int inner = (width + kDepthWords * perWord - 1) / (kDepthWords * perWord) * kDepthWords;
  const size_t norm = static_cast<size_t>(SharedWords::size(normRows, inner) + 2 * kStageWords);
  const size_t product = static_cast<size_t>(
      2 * SharedWords::size(precision == Precision::bf16 ? 128 : 64, kDepthWords) +
      2 * kStageWords);
  const size_t attention = attentionWords(attentionRows, heads, headWords);
  return std::max({norm, product, attention}) * sizeof(uint32_t);
}

}  // namespace pstmo::inference::cuda
