// Multi-head attention, backward: the weights are worked out anew from logSumExp, nothing of size n
// x n is stored. With P the weights, F dropout's factors and D = rowsum(out * dOut):  dV = (P F)^T
// dOut,  dS = P (F (dOut V^T) - D) / sqrt(w),  dQ = dS K,  dK = dS^T Q. Two kernels, one over
// queries and one over keys: no block adds to what another wrote, so all is deterministic and `=`.
#include "../cuda-device.h"
#include "attention-tile.h"

namespace pstmo::cuda {
namespace {

template <int kWidth>
struct QuerySmem {
  HeadTile<kWidth> q, dOut, k, v;
  ScoreTile dScores;
};

// dQ of 32 queries, and their D for the kernel over keys.
template <int kWidth>
__global__ void __launch_bounds__(kAttentionThreads)
    attentionQueryKernel(AttentionBackward op, Keep keep, float* dots) {
  auto& smem = sharedMemory<QuerySmem<kWidth>>();
  const Head head(op.tokens, op.width, op.heads);
  const TilePlace at;
  loadTile<kWidth>(smem.q, op.qkv, head.qkv, head.qkvStride, head.tile, head);
  loadTile<kWidth>(smem.dOut, op.dOut, head.out, op.width, head.tile, head);
  float dot[kRowsOfThread] = {}, logSumExp[kRowsOfThread] = {};
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
  float sums[kRowsOfThread][kWidth / kRowLanes] = {};
  for (int first = 0; first < op.tokens; first += kScoreTile) {
    __syncthreads();
    loadTile<kWidth>(smem.k, op.qkv, head.qkv + op.width, head.qkvStride, first, head);
    loadTile<kWidth>(smem.v, op.qkv, head.qkv + 2 * op.width, head.qkvStride, first, head);
    __syncthreads();
    float scores[kRowsOfThread][kScoresOfThread], dWeights[kRowsOfThread][kScoresOfThread];
    multiplyRows<kWidth>(smem.q, smem.k, at, scores);
    multiplyRows<kWidth>(smem.dOut, smem.v, at, dWeights);
#pragma unroll
    for (int i = 0; i < kRowsOfThread; ++i) {
      const int64_t row = head.firstRow + head.tile + at.y + i;
#pragma unroll
      for (int j = 0; j < kScoresOfThread / 2; ++j) {
        PhiloxWords words{};
        const int column = first + at.x + kRowLanes * j;
        if (keep.active) words = keepWords(keep, op.tokens, row / 2, column);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          const int key = at.x + kRowLanes * j + 16 * half;
          const float weight = first + key < op.tokens
                                   ? expf(scores[i][j + 2 * half] * head.scale - logSumExp[i])
                                   : 0.0f;
          smem.dScores.put(
              at.y + i, key,
              weight *
                  (dWeights[i][j + 2 * half] * keepFactor(keep, words, row, column + 16 * half) -
                   dot[i]) *
                  head.scale);
        }
      }
    }
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

// dK and dV of 32 keys. Blocks of a multiprocessor: as many as its shared memory has room for, or
// as registers allow without spilling.
template <int kWidth>
__global__ void __launch_bounds__(kAttentionThreads, kWidth > 64   ? 3
                                                     : kWidth > 32 ? 5
                                                                   : 7)
    attentionKeyKernel(AttentionBackward op, Keep keep, const float* dots) {
  auto& smem = sharedMemory<KeySmem<kWidth>>();
  const Head head(op.tokens, op.width, op.heads);
  const TilePlace at;
  loadTile<kWidth>(smem.k, op.qkv, head.qkv + op.width, head.qkvStride, head.tile, head);
  loadTile<kWidth>(smem.v, op.qkv, head.qkv + 2 * op.width, head.qkvStride, head.tile, head);
  float dK[kRowsOfThread][kWidth / kRowLanes] = {}, dV[kRowsOfThread][kWidth / kRowLanes] = {};
  for (int first = 0; first < op.tokens; first += kScoreTile) {
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
    float scores[kRowsOfThread][kScoresOfThread], dWeights[kRowsOfThread][kScoresOfThread];
    multiplyRows<kWidth>(smem.k, smem.q, at, scores);
    multiplyRows<kWidth>(smem.v, smem.dOut, at, dWeights);
#pragma unroll
    for (int i = 0; i < kRowsOfThread; ++i) {
      const int column = head.tile + at.y + i;
#pragma unroll
      for (int j = 0; j < kScoresOfThread; ++j) {
        const int query = at.x + kRowLanes * j;
        const int64_t row = head.firstRow + first + query;
        PhiloxWords words{};
        if (keep.active) words = keepWords(keep, op.tokens, row / 2, column);
        const float factor = keepFactor(keep, words, row, column);
        const float weight = first + query < op.tokens
                                 ? expf(scores[i][j] * head.scale - smem.logSumExp.get(query))
                                 : 0.0f;
        smem.weights.put(at.y + i, query, weight * factor);
        smem.dScores.put(at.y + i, query,
                         weight * (dWeights[i][j] * factor - smem.dots.get(query)) * head.scale);
      }
    }
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
           stream(), op, keepOf(op.dropout), dots);
    launch(attentionKeyKernel<kWidth>, grid, dim3(kAttentionThreads), sizeof(KeySmem<kWidth>),
           stream_, op, keepOf(op.dropout), dots);
  });
}

}  // namespace pstmo::cuda
