// Multi-head attention, backward. The weights are worked out anew from logSumExp: nothing of size n
// x n is stored. With P the weights, F dropout's factors, w the head width and D = rowsum(out
// dOut):
//   dV = (P F)^T dOut,   dS = P (F (dOut V^T) - D) / sqrt(w),   dQ = dS K,   dK = dS^T Q
//
// Shapes. qkv and dQkv (B n, 3 width), out and dOut (B n, width), logSumExp and D (B, heads, n).
//
// Grid. Two kernels, the second after the first. attentionQueryKernel: a block takes 64 queries of
// one window and head through all keys, for dQ and D. attentionKeyKernel: a block takes 64 keys
// through all queries, for dK and dV. 32 of them where heads are so wide that shared memory has no
// room for more (attention-tile.h).
//
// Determinism. No block adds to another's results, each sum goes in a fixed order, and all results
// are `=`: the same bits each time.
#include "attention-tile.h"

namespace pstmo::cuda {
namespace {

// D and the exponent's part of logSumExp of query `token`, for all four lanes of its row; D also
// for the kernel over keys. 0 of rows that are no query.
template <int kChannelTiles>
__device__ __forceinline__ void rowNumbers(const AttentionBackward& op, const Head& head, int token,
                                           float* dots, float& dot, float& logSum) {
  const bool present = token >= 0 && token < op.tokens;
  const int64_t row = head.out + static_cast<int64_t>(token) * op.width;
  dot = logSum = 0;
  if (present) {
    forEachPair<kChannelTiles>(head, [&](int, int column, bool both) {
      dot += read(op.out, row + column) * read(op.dOut, row + column);
      if (both) dot += read(op.out, row + column + 1) * read(op.dOut, row + column + 1);
    });
    logSum = op.logSumExp[head.firstRow + token] * kLog2E;
  }
  dot = sumOfLanes<4>(dot);
  if (present && LanePlace().t == 0) dots[head.firstRow + token] = dot;
}

// Zeros for keys from `present` on, which are none.
__device__ __forceinline__ void dropKeys(float (&scores)[kKeyTiles][4], int present) {
  const LanePlace at;
#pragma unroll
  for (int n = 0; n < kKeyTiles; ++n) {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      if (8 * n + 2 * at.t + e % 2 >= present) scores[n][e] = 0;
    }
  }
}

// dQ of the block's queries, and their D.
template <typename Arithmetic, int kWidth>
__global__ void __launch_bounds__(kWarp* kAttentionWarps<kWidth / Arithmetic::kPerWord>,
                                  kAttentionBlocks<Arithmetic, kWidth / 2>)
    attentionQueryKernel(AttentionBackward op, int tiles, DropoutMask dropoutOfStep, float* dots) {
  constexpr int kHeadWords = kWidth / Arithmetic::kPerWord, kChannelTiles = kWidth / 8,
                kRows = 16 * kAttentionWarps<kHeadWords>;
  const Head head(op.tokens, op.width, op.heads, tiles);
  const SharedWords q = headTile<kHeadWords>(0), dOut = headTile<kHeadWords>(1),
                    k = headTile<kHeadWords>(2), v = headTile<kHeadWords>(3);
  const DropoutMask dropout = ofThisStep(dropoutOfStep);
  const LanePlace at;
  const int warpRow = static_cast<int>(threadIdx.x) / kWarp * 16,
            firstQuery = head.firstQuery + head.tile * kRows,
            query = firstQuery + warpRow + 2 * at.g;  // the lane's first

  // The queries, their dOut, D and logSumExp.
  const auto queryOf = [&](int row) { return firstQuery + pairedRow(row); };
  loadRows<Arithmetic, kHeadWords>(q, op.qkv, head.qkv, head.qkvStride, head, queryOf);
  loadRows<Arithmetic, kHeadWords>(dOut, op.dOut, head.out, op.width, head, queryOf);
  float dot[2], logSum[2];
#pragma unroll
  for (int half = 0; half < 2; ++half)
    rowNumbers<kChannelTiles>(op, head, query + half, dots, dot[half], logSum[half]);
  __syncthreads();
  const typename Arithmetic::template Query<kHeadWords> left(Operand{q, warpRow, 0}),
      leftOut(Operand{dOut, warpRow, 0});

  const float exponent = head.scale * kLog2E;
  float sums[kChannelTiles][4] = {};  // dQ of the warp, without 1 / sqrt(w)
  for (int first = 0; first < op.tokens; first += kRows) {
    const auto tokenOf = [&](int row) { return first + row; };
    __syncthreads();
    loadRows<Arithmetic, kHeadWords>(k, op.qkv, head.qkv + op.width, head.qkvStride, head, tokenOf);
    loadRows<Arithmetic, kHeadWords>(v, op.qkv, head.qkv + 2 * op.width, head.qkvStride, head,
                                     tokenOf);
    __syncthreads();
    for (int keys = 0; keys < kRows && first + keys < op.tokens; keys += kKeys) {
      float scores[kKeyTiles][4], dWeights[kKeyTiles][4];  // (16, 32) of the warp
      Arithmetic::score(scores, left, Operand{k, keys, 0});
      Arithmetic::score(dWeights, leftOut, Operand{v, keys, 0});

      // dS takes the place of the scores. Two columns 16 apart share a counter of Philox.
#pragma unroll
      for (int n = 0; n < kKeyTiles / 2; ++n) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          const int key = first + keys + 8 * n + 2 * at.t + e;
          PhiloxWords words{};
          if (dropout.active)
            words = dropoutWords(dropout, op.tokens, (head.firstRow + query) / 2, key);
#pragma unroll
          for (int i = 0; i < 4; ++i) {  // word i: query i / 2, key i % 2 * 16 further
            const int half = i / 2, high = i % 2;
            float& score = scores[n + 2 * high][2 * half + e];
            const float weight = exp2Approx(fmaf(score, exponent, -logSum[half])),
                        dWeight = dWeights[n + 2 * high][2 * half + e] *
                                  dropoutOf(dropout, words.word[i]);
            score = weight * (dWeight - dot[half]);
          }
        }
      }
      if (first + keys + kKeys > op.tokens) dropKeys(scores, op.tokens - first - keys);
      Arithmetic::weigh(sums, scores, k, keys);
    }
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int token = query + half;
    if (token >= 0 && token < op.tokens)
      storeRow(op.dQkv, head.qkv + token * head.qkvStride, head, sums, half, head.scale);
  }
}

// Queries from `first` on and their dOut to shared memory, with the exponent's part of logSumExp
// (row 0 of `numbers`) and D (row 1), between two barriers. A row that is no query has weights of
// 0.
template <typename Arithmetic, int kHeadWords>
__device__ __forceinline__ void loadQueries(const SharedWords& q, const SharedWords& dOut,
                                            const SharedWords& numbers, const AttentionBackward& op,
                                            const Head& head, const float* dots, int first) {
  constexpr int kRows = 16 * kAttentionWarps<kHeadWords>;
  const auto tokenOf = [&](int row) { return first + row; };
  __syncthreads();
  loadRows<Arithmetic, kHeadWords>(q, op.qkv, head.qkv, head.qkvStride, head, tokenOf);
  loadRows<Arithmetic, kHeadWords>(dOut, op.dOut, head.out, op.width, head, tokenOf);
  const int own = static_cast<int>(threadIdx.x), token = first + own;
  if (own < kRows) {
    const bool present = token >= 0 && token < op.tokens;
    numbers.put(0, own, bitsOf(present ? op.logSumExp[head.firstRow + token] * kLog2E : -kLowest));
    numbers.put(1, own, bitsOf(present ? dots[head.firstRow + token] : 0.0f));
  }
  __syncthreads();
}

// dK and dV of the block's keys.
template <typename Arithmetic, int kWidth>
__global__ void __launch_bounds__(kWarp* kAttentionWarps<kWidth / Arithmetic::kPerWord>,
                                  kAttentionBlocks<Arithmetic, kWidth>)
    attentionKeyKernel(AttentionBackward op, int tiles, DropoutMask dropoutOfStep,
                       const float* dots) {
  constexpr int kHeadWords = kWidth / Arithmetic::kPerWord, kChannelTiles = kWidth / 8,
                kRows = 16 * kAttentionWarps<kHeadWords>;
  const Head head(op.tokens, op.width, op.heads, tiles);
  const SharedWords k = headTile<kHeadWords>(0), v = headTile<kHeadWords>(1),
                    q = headTile<kHeadWords>(2), dOut = headTile<kHeadWords>(3);
  const SharedWords numbers{headTile<kHeadWords>(4).words, 2, kRows};
  const DropoutMask dropout = ofThisStep(dropoutOfStep);
  const LanePlace at;
  const int warpRow = static_cast<int>(threadIdx.x) / kWarp * 16, firstKey = head.tile * kRows,
            key = firstKey + keyOfRow(warpRow + at.g);  // the lane's first; the other is 16 further

  const auto keyOf = [&](int row) { return firstKey + keyOfRow(row); };
  loadRows<Arithmetic, kHeadWords>(k, op.qkv, head.qkv + op.width, head.qkvStride, head, keyOf);
  loadRows<Arithmetic, kHeadWords>(v, op.qkv, head.qkv + 2 * op.width, head.qkvStride, head, keyOf);
  __syncthreads();
  const typename Arithmetic::template Query<kHeadWords> leftKeys(Operand{k, warpRow, 0}),
      leftValues(Operand{v, warpRow, 0});

  const float exponent = head.scale * kLog2E;
  float dK[kChannelTiles][4] = {}, dV[kChannelTiles][4] = {};  // dK without 1 / sqrt(w)
  for (int first = head.firstQuery; first < op.tokens; first += kRows) {
    loadQueries<Arithmetic, kHeadWords>(q, dOut, numbers, op, head, dots, first);
    for (int queries = 0; queries < kRows && first + queries < op.tokens; queries += kKeys) {
      float scores[kKeyTiles][4], dWeights[kKeyTiles][4];  // (16, 32), transposed
      Arithmetic::score(scores, leftKeys, Operand{q, queries, 0});
      Arithmetic::score(dWeights, leftValues, Operand{dOut, queries, 0});

      // P F takes the place of the scores, dS that of dWeights. Two queries share a counter.
#pragma unroll
      for (int n = 0; n < kKeyTiles; ++n) {
        const int row = queries + 8 * n + 2 * at.t;
        PhiloxWords words{};
        if (dropout.active)
          words = dropoutWords(dropout, op.tokens, (head.firstRow + first + row) / 2, key);
#pragma unroll
        for (int i = 0; i < 4; ++i) {  // word i: query i / 2, key i % 2 * 16 further
          const int e = i / 2, half = i % 2;
          float &score = scores[n][2 * half + e], &dWeight = dWeights[n][2 * half + e];
          const float weight = exp2Approx(fmaf(score, exponent, -floatOf(numbers.get(0, row + e)))),
                      factor = dropoutOf(dropout, words.word[i]);
          score = weight * factor;
          dWeight = weight * (dWeight * factor - floatOf(numbers.get(1, row + e)));
        }
      }
      Arithmetic::weigh(dV, scores, dOut, queries);
      Arithmetic::weigh(dK, dWeights, q, queries);
    }
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int token = key + 16 * half;
    if (token >= op.tokens) continue;
    const int64_t row = head.qkv + token * head.qkvStride;
    storeRow(op.dQkv, row + op.width, head, dK, half, head.scale);
    storeRow(op.dQkv, row + 2 * op.width, head, dV, half, 1.0f);
  }
}

}  // namespace

void CudaBackend::run(const AttentionBackward& op) {
  float* dots = partials_.floats(static_cast<size_t>(op.batch) * static_cast<size_t>(op.heads) *
                                 static_cast<size_t>(op.tokens));
  forHeads(precision_, op.width / op.heads, [&]<typename Arithmetic, int kWidth>() {
    const AttentionLaunch<kWidth / Arithmetic::kPerWord> how(op);
    launch(attentionQueryKernel<Arithmetic, kWidth>, how.grid, how.threads, how.bytes(4), stream(),
           op, how.tiles, dropoutMaskOf(op.dropout), dots);
    launch(attentionKeyKernel<Arithmetic, kWidth>, how.grid, how.threads, how.bytes(4, 2), stream_,
           op, how.tiles, dropoutMaskOf(op.dropout), dots);
  });
}

}  // namespace pstmo::cuda
