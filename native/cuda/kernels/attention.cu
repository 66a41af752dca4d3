// Multi-head attention, forward: one kernel from Q, K, V to the output, softmax as the keys come;
// and the weights themselves.
#include "../cuda-device.h"
#include "attention-tile.h"

namespace pstmo::cuda {
namespace {

template <int kWidth>
struct ForwardSmem {
  HeadTile<kWidth> q, k, v;
  ScoreTile weights;
};

// out = softmax(Q K^T / sqrt(w)) V with dropout on the weights; logSumExp is kept. A block: 32
// queries of one window and head, all keys in tiles of 32. Each row's maximum and sum are carried
// from tile to tile, what was summed rescaled when the maximum grows. Blocks of a multiprocessor:
// as many as registers allow that need not be spilled.
template <int kWidth>
__global__ void __launch_bounds__(kAttentionThreads, kWidth > 64   ? 4
                                                     : kWidth > 32 ? 6
                                                                   : 7)
    attentionForwardKernel(AttentionForward op, Keep keep) {
  auto& smem = sharedMemory<ForwardSmem<kWidth>>();
  const Head head(op.tokens, op.width, op.heads);
  const TilePlace at;
  float sums[kRowsOfThread][kWidth / kRowLanes] = {}, highest[kRowsOfThread] = {kLowest, kLowest},
                                     total[kRowsOfThread] = {};
  loadTile<kWidth>(smem.q, op.qkv, head.qkv, head.qkvStride, head.tile, head);
  for (int first = 0; first < op.tokens; first += kScoreTile) {
    __syncthreads();
    loadTile<kWidth>(smem.k, op.qkv, head.qkv + op.width, head.qkvStride, first, head);
    loadTile<kWidth>(smem.v, op.qkv, head.qkv + 2 * op.width, head.qkvStride, first, head);
    __syncthreads();
    float scores[kRowsOfThread][kScoresOfThread];
    multiplyRows<kWidth>(smem.q, smem.k, at, scores);
#pragma unroll
    for (int i = 0; i < kRowsOfThread; ++i) {
      float top = kLowest;
#pragma unroll
      for (int j = 0; j < kScoresOfThread; ++j) {
        scores[i][j] =
            first + at.x + kRowLanes * j < op.tokens ? scores[i][j] * head.scale : kLowest;
        top = scores[i][j] > top ? scores[i][j] : top;
      }
      top = maximumOfLanes<kRowLanes>(top);
      top = top > highest[i] ? top : highest[i];
      const float shrink = expf(highest[i] - top);
      highest[i] = top;
      total[i] *= shrink;
#pragma unroll
      for (int c = 0; c < kWidth / kRowLanes; ++c) sums[i][c] *= shrink;
      const int64_t row = head.firstRow + head.tile + at.y + i;
#pragma unroll
      for (int j = 0; j < kScoresOfThread / 2; ++j) {
        // Columns x + 8 j and 16 further share a counter of Philox.
        PhiloxWords words{};
        const int column = first + at.x + kRowLanes * j;
        if (keep.active) words = keepWords(keep, op.tokens, row / 2, column);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          const int key = at.x + kRowLanes * j + 16 * half;
          const float weight = first + key < op.tokens ? expf(scores[i][j + 2 * half] - top) : 0.0f;
          total[i] += weight;
          smem.weights.put(at.y + i, key,
                           weight * keepFactor(keep, words, row, column + 16 * half));
        }
      }
    }
    syncWarp();
    multiplyTile<kWidth>(smem.weights, smem.v, at, sums);
  }
  float factor[kRowsOfThread];
#pragma unroll
  for (int i = 0; i < kRowsOfThread; ++i) {
    const float sum = sumOfLanes<kRowLanes>(total[i]);
    factor[i] = 1.0f / sum;
    const int token = head.tile + at.y + i;
    if (at.x == 0 && token < op.tokens)
      op.logSumExp[head.firstRow + token] = highest[i] + logf(sum);
  }
  storeRows<kWidth>(op.out, head.out, op.width, head, at, sums, factor);
}

template <int kWidth>
struct MapsSmem {
  HeadTile<kWidth> q, k;
};

// maps (B, heads, n, n), before dropout: once over the keys for maximum and sum, once to write.
template <int kWidth>
__global__ void __launch_bounds__(kAttentionThreads) attentionMapsKernel(AttentionMaps op) {
  auto& smem = sharedMemory<MapsSmem<kWidth>>();
  const Head head(op.tokens, op.width, op.heads);
  const TilePlace at;
  float highest[kRowsOfThread] = {kLowest, kLowest}, total[kRowsOfThread] = {};
  loadTile<kWidth>(smem.q, op.qkv, head.qkv, head.qkvStride, head.tile, head);
  for (int pass = 0; pass < 2; ++pass) {
    for (int first = 0; first < op.tokens; first += kScoreTile) {
      __syncthreads();
      loadTile<kWidth>(smem.k, op.qkv, head.qkv + op.width, head.qkvStride, first, head);
      __syncthreads();
      float scores[kRowsOfThread][kScoresOfThread];
      multiplyRows<kWidth>(smem.q, smem.k, at, scores);
#pragma unroll
      for (int i = 0; i < kRowsOfThread; ++i) {
        const int token = head.tile + at.y + i;
#pragma unroll
        for (int j = 0; j < kScoresOfThread; ++j) {
          const int key = first + at.x + kRowLanes * j;
          if (key >= op.tokens) continue;
          const float score = scores[i][j] * head.scale;
          if (pass == 1) {
            if (token < op.tokens)
              op.maps[(head.firstRow + token) * op.tokens + key] =
                  expf(score - highest[i]) / total[i];
          } else if (score > highest[i]) {
            total[i] = total[i] * expf(highest[i] - score) + 1.0f;
            highest[i] = score;
          } else {
            total[i] += expf(score - highest[i]);
          }
        }
      }
    }
    if (pass == 1) break;
#pragma unroll
    for (int i = 0; i < kRowsOfThread; ++i) {
      const float top = maximumOfLanes<kRowLanes>(highest[i]);
      total[i] = sumOfLanes<kRowLanes>(total[i] * expf(highest[i] - top));
      highest[i] = top;
    }
  }
}

}  // namespace

void CudaBackend::run(const AttentionForward& op) {
  forHeadWidth(op.width / op.heads, [&]<int kWidth>() {
    launch(attentionForwardKernel<kWidth>, attentionGrid(op.batch, op.heads, op.tokens),
           dim3(kAttentionThreads), sizeof(ForwardSmem<kWidth>), stream(), op, keepOf(op.dropout));
  });
}

void CudaBackend::run(const AttentionMaps& op) {
  forHeadWidth(op.width / op.heads, [&]<int kWidth>() {
    launch(attentionMapsKernel<kWidth>, attentionGrid(op.batch, op.heads, op.tokens),
           dim3(kAttentionThreads), sizeof(MapsSmem<kWidth>), stream(), op);
  });
}

}  // namespace pstmo::cuda
