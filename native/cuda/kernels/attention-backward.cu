// Multi-head attention, backward. The weights are worked out anew from logSumExp: nothing of size n
// x n is stored. With P the weights, F dropout's factors, w the head width and D = rowsum(out
// dOut):
//   dV = (P F)^T dOut,   dS = P (F (dOut V^T) - D) / sqrt(w),   dQ = dS K,   dK = dS^T Q
//
// Shapes. qkv and dQkv (B n, 3 width), out and dOut (B n, width), logSumExp and D (B, heads, n).
//
// Grid. Two kernels, the second after the first. attentionQueryKernel: a block takes 32 queries of
// one window and head through all keys, for dQ and D. attentionKeyKernel: a block takes 32 keys
// through all queries, for dK and dV. Determinism. No block adds to another's results, each sum
// goes in a fixed order, and all results are `=`: the same bits each time.
#include "../cuda-device.h"
#include "attention-tile.h"

namespace pstmo::cuda {
namespace {

template <int kWidth>
struct QuerySmem {
  HeadTile<kWidth> q, dOut, k, v;
  ScoreTile dScores;  // (query, key)
};

// D of the thread's rows, for all 8 threads of a row and for the kernel over keys; and their
// logSumExp.
__device__ __forceinline__ void rowDots(const AttentionBackward& op, const Head& head, float* dots,
                                        float (&dot)[kRowsOfThread],
                                        float (&logSumExp)[kRowsOfThread]) {
  const TilePlace at;
#pragma unroll
  for (int i = 0; i < kRowsOfThread; ++i) {
    const int token = head.tile + at.y + i;
    if (token < op.tokens) {
      const int64_t row = head.out + static_cast<int64_t>(token) * op.width;
      for (int c = at.x; c < head.headWidth; c += kRowLanes)
        dot[i] += read(op.out, row + c) * read(op.dOut, row + c);
      logSumExp[i] = op.logSumExp[head.firstRow + token];
    }
    dot[i] = sumOfLanes<kRowLanes>(dot[i]);
    if (at.x == 0 && token < op.tokens) dots[head.firstRow + token] = dot[i];
  }
}

// dS of row i of the thread, from its scores and dWeights = dOut V^T of this tile of keys. Columns
// x
// + 8 j and 16 further share a counter of Philox.
__device__ __forceinline__ void storeQueryScores(ScoreTile& dScores,
                                                 const float (&scores)[kScoresOfThread],
                                                 const float (&dWeights)[kScoresOfThread], int i,
                                                 int first, const Head& head,
                                                 const DropoutMask& dropout, float logSumExp,
                                                 float dot) {
  const TilePlace at;
  const int64_t row = head.firstRow + head.tile + at.y + i;
#pragma unroll
  for (int j = 0; j < kScoresOfThread / 2; ++j) {
    PhiloxWords words{};
    const int column = first + at.x + kRowLanes * j;
    if (dropout.active) words = dropoutWords(dropout, head.tokens, row / 2, column);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int key = at.x + kRowLanes * j + 16 * half;
      const float weight =
          first + key < head.tokens ? expf(scores[j + 2 * half] * head.scale - logSumExp) : 0.0f;
      const float factor = dropoutFactor(dropout, words, row, column + 16 * half);
      dScores.put(at.y + i, key, weight * (dWeights[j + 2 * half] * factor - dot) * head.scale);
    }
  }
}

// dQ of 32 queries, and their D.
template <int kWidth>
__global__ void __launch_bounds__(kAttentionThreads)
    attentionQueryKernel(AttentionBackward op, DropoutMask dropout, float* dots) {
  auto& smem = sharedMemory<QuerySmem<kWidth>>();
  const Head head(op.tokens, op.width, op.heads);
  const TilePlace at;

  // The queries, their dOut, D and logSumExp.
  loadTile<kWidth>(smem.q, op.qkv, head.qkv, head.qkvStride, head.tile, head);
  loadTile<kWidth>(smem.dOut, op.dOut, head.out, op.width, head.tile, head);
  float dot[kRowsOfThread] = {}, logSumExp[kRowsOfThread] = {};  // of 2 rows
  rowDots(op, head, dots, dot, logSumExp);

  float sums[kRowsOfThread][kWidth / kRowLanes] = {};  // dQ (2 rows, channels)
  for (int first = 0; first < op.tokens; first += kScoreTile) {
    // 32 keys and values.
    __syncthreads();
    loadTile<kWidth>(smem.k, op.qkv, head.qkv + op.width, head.qkvStride, first, head);
    loadTile<kWidth>(smem.v, op.qkv, head.qkv + 2 * op.width, head.qkvStride, first, head);
    __syncthreads();

    // dS of the tile.
    float scores[kRowsOfThread][kScoresOfThread], dWeights[kRowsOfThread][kScoresOfThread];
    multiplyRows<kWidth>(smem.q, smem.k, at, scores);
    multiplyRows<kWidth>(smem.dOut, smem.v, at, dWeights);
#pragma unroll
    for (int i = 0; i < kRowsOfThread; ++i)
      storeQueryScores(smem.dScores, scores[i], dWeights[i], i, first, head, dropout, logSumExp[i],
                       dot[i]);

    // dQ += dS K. A warp reads the rows of dS that it has written.
    syncWarp();
    multiplyTile<kWidth>(smem.dScores, smem.k, at, sums);
  }

  const float one[kRowsOfThread] = {1, 1};
  storeRows<kWidth>(op.dQkv, head.qkv, head.qkvStride, head, at, sums, one);
}

template <int kWidth>
struct KeySmem {
  HeadTile<kWidth> k, v, q, dOut;
  ScoreTile weights, dScores;  // (key, query)
  SharedArray<float, kScoreTile> logSumExp, dots;
};

// 32 queries, their dOut, logSumExp and D to shared memory, between two barriers.
template <int kWidth>
__device__ __forceinline__ void loadQueries(KeySmem<kWidth>& smem, const AttentionBackward& op,
                                            const Head& head, const float* dots, int first) {
  __syncthreads();
  loadTile<kWidth>(smem.q, op.qkv, head.qkv, head.qkvStride, first, head);
  loadTile<kWidth>(smem.dOut, op.dOut, head.out, op.width, first, head);
  const int own = static_cast<int>(threadIdx.x);
  if (own < kScoreTile) {
    const bool there = first + own < op.tokens;
    smem.logSumExp.put(own, there ? op.logSumExp[head.firstRow + first + own] : 0.0f);
    smem.dots.put(own, there ? dots[head.firstRow + first + own] : 0.0f);
  }
  __syncthreads();
}

// P F and dS of row i of the thread, a key, from its scores and dWeights = V dOut^T of this tile of
// queries.
template <int kWidth>
__device__ __forceinline__ void storeKeyScores(KeySmem<kWidth>& smem,
                                               const float (&scores)[kScoresOfThread],
                                               const float (&dWeights)[kScoresOfThread], int i,
                                               int first, const Head& head,
                                               const DropoutMask& dropout) {
  const TilePlace at;
  const int column = head.tile + at.y + i;
#pragma unroll
  for (int j = 0; j < kScoresOfThread; ++j) {
    const int query = at.x + kRowLanes * j;
    const int64_t row = head.firstRow + first + query;
    PhiloxWords words{};
    if (dropout.active) words = dropoutWords(dropout, head.tokens, row / 2, column);
    const float factor = dropoutFactor(dropout, words, row, column);
    const float weight = first + query < head.tokens
                             ? expf(scores[j] * head.scale - smem.logSumExp.get(query))
                             : 0.0f;
    smem.weights.put(at.y + i, query, weight * factor);
    smem.dScores.put(at.y + i, query,
                     weight * (dWeights[j] * factor - smem.dots.get(query)) * head.scale);
  }
}

// dK and dV of 32 keys. Blocks of a multiprocessor: as many as its shared memory has room for, or
// as registers allow without spilling.
template <int kWidth>
__global__ void __launch_bounds__(kAttentionThreads, kWidth > 64   ? 3
                                                     : kWidth > 32 ? 5
                                                                   : 7)
    attentionKeyKernel(AttentionBackward op, DropoutMask dropout, const float* dots) {
  auto& smem = sharedMemory<KeySmem<kWidth>>();
  const Head head(op.tokens, op.width, op.heads);
  const TilePlace at;

  // The keys and values.
  loadTile<kWidth>(smem.k, op.qkv, head.qkv + op.width, head.qkvStride, head.tile, head);
  loadTile<kWidth>(smem.v, op.qkv, head.qkv + 2 * op.width, head.qkvStride, head.tile, head);

  float dK[kRowsOfThread][kWidth / kRowLanes] = {}, dV[kRowsOfThread][kWidth / kRowLanes] = {};
  for (int first = 0; first < op.tokens; first += kScoreTile) {
    loadQueries(smem, op, head, dots, first);

    // P F and dS of the tile, transposed.
    float scores[kRowsOfThread][kScoresOfThread], dWeights[kRowsOfThread][kScoresOfThread];
    multiplyRows<kWidth>(smem.k, smem.q, at, scores);
    multiplyRows<kWidth>(smem.v, smem.dOut, at, dWeights);
#pragma unroll
    for (int i = 0; i < kRowsOfThread; ++i)
      storeKeyScores(smem, scores[i], dWeights[i], i, first, head, dropout);

    // dV += (P F)^T dOut, dK += dS^T Q. A warp reads the rows that it has written.
    syncWarp();
    multiplyTile<kWidth>(smem.weights, smem.dOut, at, dV);
    multiplyTile<kWidth>(smem.dScores, smem.q, at, dK);
  }

  const float one[kRowsOfThread] = {1, 1};
  storeRows<kWidth>(op.dQkv, head.qkv + op.width, head.qkvStride, head, at, dK, one);
  storeRows<kWidth>(op.dQkv, head.qkv + 2 * op.width, head.qkvStride, head, at, dV, one);
}

}  // namespace

void CudaBackend::run(const AttentionBackward& op) {
  float* dots = partials_.floats(static_cast<size_t>(op.batch) * static_cast<size_t>(op.heads) *
                                 static_cast<size_t>(op.tokens));
  const dim3 grid = attentionGrid(op.batch, op.heads, op.tokens);
  forHeadWidth(op.width / op.heads, [&]<int kWidth>() {
    launch(attentionQueryKernel<kWidth>, grid, dim3(kAttentionThreads), sizeof(QuerySmem<kWidth>),
           stream(), op, dropoutMaskOf(op.dropout), dots);
    launch(attentionKeyKernel<kWidth>, grid, dim3(kAttentionThreads), sizeof(KeySmem<kWidth>),
           stream_, op, dropoutMaskOf(op.dropout), dots);
  });
}

}  // namespace pstmo::cuda
