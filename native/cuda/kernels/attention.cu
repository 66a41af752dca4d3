// Multi-head attention, forward, and its weights as maps. With w the head width, per window and
// head
//   out = dropout(softmax(Q K^T / sqrt(w))) V
// in one kernel: the softmax goes along with the keys, nothing of size n x n is stored.
//
// Shapes. qkv (B n, 3 width), out (B n, width), logSumExp (B, heads, n), maps (B, heads, n, n).
//
// Grid. A block takes 64 queries of one window and head, 16 a warp, through all keys
// (attention-tile.h); 32 queries where heads are so wide that shared memory has no room for more.
//
// Determinism. A row is summed by one warp, over the keys in their order: the same bits each time.
#include "attention-tile.h"

namespace pstmo::cuda {
namespace {

// Softmax by powers of two: scores take this factor.
__device__ __forceinline__ float exponentFactor(const Head& head) { return head.scale * kLog2E; }

__device__ __forceinline__ void scaleScores(float (&scores)[kKeyTiles][4], float factor) {
#pragma unroll
  for (int n = 0; n < kKeyTiles; ++n) {
#pragma unroll
    for (int e = 0; e < 4; ++e) scores[n][e] *= factor;
  }
}

// Dropout of the weights of 32 keys from `key` on; `row` is the matrix's of the lane's first query.
__device__ __forceinline__ void dropWeights(float (&weights)[kKeyTiles][4],
                                            const DropoutMask& dropout, const Head& head,
                                            int64_t row, int key) {
  const LanePlace at;
#pragma unroll
  for (int n = 0; n < kKeyTiles / 2; ++n) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      const PhiloxWords words =
          dropoutWords(dropout, head.tokens, row / 2, key + 8 * n + 2 * at.t + e);
      weights[n][e] *= dropoutOf(dropout, words.word[0]);
      weights[n + 2][e] *= dropoutOf(dropout, words.word[1]);
      weights[n][2 + e] *= dropoutOf(dropout, words.word[2]);
      weights[n + 2][2 + e] *= dropoutOf(dropout, words.word[3]);
    }
  }
}

// out and logSumExp = log(sum of exp(scores)) a row, which the way back takes.
template <typename Arithmetic, int kWidth>
__global__ void __launch_bounds__(kWarp* kAttentionWarps<kWidth / Arithmetic::kPerWord>,
                                  kAttentionBlocks<Arithmetic, kWidth / 2>)
    attentionForwardKernel(AttentionForward op, int tiles, DropoutMask dropoutOfStep) {
  constexpr int kHeadWords = kWidth / Arithmetic::kPerWord, kChannelTiles = kWidth / 8,
                kRows = 16 * kAttentionWarps<kHeadWords>;
  const Head head(op.tokens, op.width, op.heads, tiles);
  const SharedWords q = headTile<kHeadWords>(0), k = headTile<kHeadWords>(1),
                    v = headTile<kHeadWords>(2);
  const DropoutMask dropout = ofThisStep(dropoutOfStep);
  const LanePlace at;
  const int warpRow = static_cast<int>(threadIdx.x) / kWarp * 16,
            firstQuery = head.firstQuery + head.tile * kRows,
            query = firstQuery + warpRow + 2 * at.g;  // the lane's first
  float sums[kChannelTiles][4] = {};                  // (16, kWidth) of the warp: weights times V
  float highest[2] = {kLowest, kLowest}, total[2] = {};  // of the lane's two queries

  loadRows<Arithmetic, kHeadWords>(q, op.qkv, head.qkv, head.qkvStride, head,
                                   [&](int row) { return firstQuery + pairedRow(row); });
  __syncthreads();
  const typename Arithmetic::template Query<kHeadWords> left(Operand{q, warpRow, 0});

  for (int first = 0; first < op.tokens; first += kRows) {
    const auto tokenOf = [&](int row) { return first + row; };
    __syncthreads();
    loadRows<Arithmetic, kHeadWords>(k, op.qkv, head.qkv + op.width, head.qkvStride, head, tokenOf);
    loadRows<Arithmetic, kHeadWords>(v, op.qkv, head.qkv + 2 * op.width, head.qkvStride, head,
                                     tokenOf);
    __syncthreads();
    for (int keys = 0; keys < kRows && first + keys < op.tokens; keys += kKeys) {
      float scores[kKeyTiles][4];  // (16, 32) of the warp
      Arithmetic::score(scores, left, Operand{k, keys, 0});
      scaleScores(scores, exponentFactor(head));
      onlineSoftmax(scores, first + keys, op.tokens, at, highest, total, sums);
      if (dropout.active) dropWeights(scores, dropout, head, head.firstRow + query, first + keys);
      Arithmetic::weigh(sums, scores, v, keys);
    }
  }

  // Rows to memory.
#pragma unroll
  for (int half = 0; half < 2; ++half) total[half] = sumOfLanes<4>(total[half]);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int token = query + half;
    if (token < 0 || token >= op.tokens) continue;
    if (at.t == 0) op.logSumExp[head.firstRow + token] = highest[half] * kLn2 + logf(total[half]);
    storeRow(op.out, head.out + static_cast<int64_t>(token) * op.width, head, sums, half,
             1.0f / total[half]);
  }
}

// maps = softmax(Q K^T / sqrt(w)), before dropout, in fp32: over the keys once for maximum and
// total of each row, once more to write.
template <int kWidth>
__global__ void __launch_bounds__(kWarp* kAttentionWarps<kWidth>, 4)
    attentionMapsKernel(AttentionMaps op, int tiles) {
  constexpr int kRows = 16 * kAttentionWarps<kWidth>;
  const Head head(op.tokens, op.width, op.heads, tiles);
  const SharedWords q = headTile<kWidth>(0), k = headTile<kWidth>(1);
  const LanePlace at;
  const int warpRow = static_cast<int>(threadIdx.x) / kWarp * 16,
            firstQuery = head.firstQuery + head.tile * kRows;
  float highest[2] = {kLowest, kLowest}, total[2] = {};  // of the lane's two queries
  float none[1][4] = {};

  loadRows<FloatArithmetic, kWidth>(q, op.qkv, head.qkv, head.qkvStride, head,
                                    [&](int row) { return firstQuery + pairedRow(row); });
  const FloatArithmetic::Query<kWidth> left(Operand{q, warpRow, 0});
  for (int pass = 0; pass < 2; ++pass) {
    for (int first = 0; first < op.tokens; first += kRows) {
      __syncthreads();
      loadRows<FloatArithmetic, kWidth>(k, op.qkv, head.qkv + op.width, head.qkvStride, head,
                                        [&](int row) { return first + row; });
      __syncthreads();
      for (int keys = 0; keys < kRows && first + keys < op.tokens; keys += kKeys) {
        float scores[kKeyTiles][4];  // (16, 32) of the warp
        FloatArithmetic::score(scores, left, Operand{k, keys, 0});
        scaleScores(scores, exponentFactor(head));
        if (pass == 0) {
          onlineSoftmax(scores, first + keys, op.tokens, at, highest, total, none);
          continue;
        }
#pragma unroll
        for (int n = 0; n < kKeyTiles; ++n) {
#pragma unroll
          for (int e = 0; e < 4; ++e) {
            const int token = firstQuery + warpRow + 2 * at.g + e / 2,
                      key = first + keys + 8 * n + 2 * at.t + e % 2;
            if (token >= 0 && token < op.tokens && key < op.tokens)
              op.maps[(head.firstRow + token) * op.tokens + key] =
                  exp2Approx(scores[n][e] - highest[e / 2]) / total[e / 2];
          }
        }
      }
    }
    // The four lanes of a row join their totals.
    if (pass == 0) {
#pragma unroll
      for (int half = 0; half < 2; ++half) total[half] = sumOfLanes<4>(total[half]);
    }
  }
}

}  // namespace

void CudaBackend::run(const AttentionForward& op) {
  forHeads(precision_, op.width / op.heads, [&]<typename Arithmetic, int kWidth>() {
    const AttentionLaunch<kWidth / Arithmetic::kPerWord> how(op);
    launch(attentionForwardKernel<Arithmetic, kWidth>, how.grid, how.threads, how.bytes(3),
           stream(), op, how.tiles, dropoutMaskOf(op.dropout));
  });
}

void CudaBackend::run(const AttentionMaps& op) {
  forHeadWidth<FloatArithmetic>(op.width / op.heads, [&]<typename Arithmetic, int kWidth>() {
    const AttentionLaunch<kWidth> how(op);
    launch(attentionMapsKernel<kWidth>, how.grid, how.threads, how.bytes(2), stream(), op,
           how.tiles);
  });
}

}  // namespace pstmo::cuda
