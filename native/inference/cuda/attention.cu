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

#include "../../cuda/kernels/online-softmax.h"
#include "device.h"
#include "tile.h"

namespace pstmo::inference::cuda {
namespace {

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

// The copies of Q, K and V that a thread starts: the same rows and words of each step. Of K and V a
// step has `queries` keys of each of the block's windows, one window behind the other.
template <int kHeadWords, int kWarps>
class HeadCopies {
 public:
  __device__ __forceinline__ HeadCopies(const Attention& op, const AttentionTiling& tiling)
      : op_(op), queries_(tiling.queries) {
    const int firstWindow = static_cast<int>(blockIdx.x) / tiling.tiles * tiling.windows;
#pragma unroll
    for (int i = 0; i < kCopies; ++i) {
      const int row = place() + i * kRows;
      const QueryPlace query(op, tiling, row);
      query_[i] = query.present ? at(query.window, query.token) : nullptr;
      const int window = firstWindow + row / tiling.queries;
      key_[i] = window < op.windows ? row % tiling.queries : INT_MAX / 2;
      keys_[i] = at(window < op.windows ? window : 0, row % tiling.queries);
    }
  }

  // Q of head `head`.
  __device__ __forceinline__ void startQueries(AsyncCopies& copies, const SharedWords& to,
                                               int head) const {
#pragma unroll
    for (int i = 0; i < kCopies; ++i)
      copies.copy4(to, place() + i * kRows, word(),
                   query_[i] ? query_[i] + head * kHeadWords : op_.qkv, query_[i] != nullptr);
  }

  // Keys from `first` on of head `head`, and their values.
  __device__ __forceinline__ void startKeys(AsyncCopies& copies, const SharedWords& keys,
                                            const SharedWords& values, int head, int first) const {
    const int64_t step = static_cast<int64_t>(first) * op_.qkvStride + head * kHeadWords;
    const int ofPart = op_.heads * kHeadWords;
#pragma unroll
    for (int i = 0; i < kCopies; ++i) {
      const bool present = first + key_[i] < op_.tokens;
      const uint32_t* from = present ? keys_[i] + step : op_.qkv;
      copies.copy4(keys, place() + i * kRows, word(), from + ofPart, present);
      copies.copy4(values, place() + i * kRows, word(), from + 2 * ofPart, present);
    }
  }

 private:
  static constexpr int kChunks = kHeadWords / 4, kRows = kThreads<kWarps> / kChunks,
                       kCopies = kTileRows<kWarps> / kRows;
  static_assert(kThreads<kWarps> % kChunks == 0 && kTileRows<kWarps> % kRows == 0,
                "each thread copies the same words of whole rows");
  __device__ __forceinline__ static int place() {
    return rowApart<kChunks>(static_cast<int>(threadIdx.x) / kChunks);
  }
  __device__ __forceinline__ static int word() {
    return static_cast<int>(threadIdx.x) % kChunks * 4;
  }
  // The thread's words of Q of the first head of a token.
  __device__ __forceinline__ const uint32_t* at(int window, int token) const {
    return op_.qkv + (static_cast<int64_t>(window) * op_.tokens + token) * op_.qkvStride + word();
  }

  const Attention& op_;
  int queries_;
  const uint32_t* query_[kCopies];  // null: no query
  const uint32_t* keys_[kCopies];   // of the first step
  int key_[kCopies];
};

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
    return stage(memory + part * 2 * SharedWords::size(kRows, kHeadWords), index & 1, kRows,
                 kHeadWords);
  };

  const HeadCopies<kHeadWords, kWarps> next(op, tiling);
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
  int step = 0;
  next.startQueries(copies, buffer(0, 0), 0);
  next.startKeys(copies, buffer(1, 0), buffer(2, 0), 0, 0);
  for (int head = 0; head < op.heads; ++head) {
    // This step's copies are there, and the buffers of the last one are free for the next.
    const auto beginStep = [&](int first) {
      copies.land();
      __syncthreads();
      const bool sameHead = first + tiling.queries < op.tokens;
      if (sameHead || head + 1 < op.heads) {
        if (!sameHead) next.startQueries(copies, buffer(0, head + 1), head + 1);
        next.startKeys(copies, buffer(1, step + 1), buffer(2, step + 1), sameHead ? head : head + 1,
                       sameHead ? first + tiling.queries : 0);
      }
    };
    beginStep(0);
    const typename Arithmetic::template Query<kHeadWords> query(Operand{buffer(0, head), row, 0});

    for (int first = 0; first < op.tokens; first += tiling.queries, ++step) {
      if (first > 0) beginStep(first);
      // Scores, weights, and weights times V, 32 keys at a time.
      for (int keys = 0; keys < tiling.queries && first + keys < op.tokens; keys += kKeys) {
        float scores[kKeyTiles][4];  // (16, 32) of the warp
        Arithmetic::score(scores, query, Operand{buffer(1, step), keyRow + keys, 0});
        onlineSoftmax(scores, first + keys, op.tokens, at, highest, total, sums);
        Arithmetic::weigh(sums, scores, buffer(2, step), keyRow + keys);
      }
    }
    finishHead<Arithmetic>(attended, row, head * kWidth, at, highest, total, sums);
  }

  // The output matmul: the buffers of Q, K and V are free from here on. Rows that are no query go
  // nowhere.
  __syncthreads();
  const Epilogue out{.residual = op.x, .y = op.y, .stride = op.stride};
  multiplyTiles<Arithmetic, kWarps, ColumnOrder::together>(
      attended, 0, memory, op.output, 0, op.output.columns / kTileColumns,
      [&](int tile, const TileSums& results) {
        finishTile<Arithmetic, true>(out, op.output, tile, results, [&](int i) -> ResultRow {
          const QueryPlace place(op, tiling, i);
          if (!place.present) return {-1, 0};
          return {static_cast<int64_t>(place.window) * op.kept + place.query,
                  static_cast<int64_t>(place.window) * op.tokens + place.token};
        });
      });
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
