// Multi-head attention, forward, and its weights as maps. With w the head width, per window and
// head
//   out = dropout(softmax(Q K^T / sqrt(w))) V
// in one kernel: the softmax goes along with the keys, nothing of size n x n is stored.
//
// Shapes. qkv (B n, 3 width), out (B n, width), logSumExp (B, heads, n), maps (B, heads, n, n).
//
// Grid. A block takes 32 queries of one window and head through all keys, 32 at a time
// (attention-tile.h). Determinism. A row is summed by 8 lanes in a fixed order: the same bits each
// time.
#include "../cuda-device.h"
#include "attention-tile.h"

namespace pstmo::cuda {
namespace {

template <int kWidth>
struct ForwardSmem {
  HeadTile<kWidth> q, k, v;
  ScoreTile weights;  // (query, key), dropped out
};

// 32 keys from `first` on, and their values, to shared memory. The first barrier waits until all
// have read the tiles before, the second shows the new ones to all.
template <int kWidth>
__device__ __forceinline__ void loadKeys(ForwardSmem<kWidth>& smem, const AttentionForward& op,
                                         const Head& head, int first) {
  __syncthreads();
  loadTile<kWidth>(smem.k, op.qkv, head.qkv + op.width, head.qkvStride, first, head);
  loadTile<kWidth>(smem.v, op.qkv, head.qkv + 2 * op.width, head.qkvStride, first, head);
  __syncthreads();
}

// A row's scores of this tile, scaled and masked behind the last key, raise its maximum `highest`;
// total and sums so far are rescaled to it.
template <int kWidth>
__device__ __forceinline__ void raiseMaximum(float (&scores)[kScoresOfThread], int firstKey,
                                             const Head& head, float& highest, float& total,
                                             float (&sums)[kWidth / kRowLanes]) {
  const TilePlace at;
  float top = kLowest;
#pragma unroll
  for (int j = 0; j < kScoresOfThread; ++j) {
    scores[j] = firstKey + at.x + kRowLanes * j < head.tokens ? scores[j] * head.scale : kLowest;
    top = scores[j] > top ? scores[j] : top;
  }
  top = maximumOfLanes<kRowLanes>(top);
  top = top > highest ? top : highest;

  const float shrink = expf(highest - top);
  highest = top;
  total *= shrink;
#pragma unroll
  for (int c = 0; c < kWidth / kRowLanes; ++c) sums[c] *= shrink;
}

// The row's weights of this tile: added to its total, and dropped out to `weights`. Columns x + 8 j
// and 16 further share a counter of Philox.
__device__ __forceinline__ void storeWeights(ScoreTile& weights,
                                             const float (&scores)[kScoresOfThread], int i,
                                             int firstKey, const Head& head,
                                             const DropoutMask& dropout, float highest,
                                             float& total) {
  const TilePlace at;
  const int64_t row = head.firstRow + head.tile + at.y + i;
#pragma unroll
  for (int j = 0; j < kScoresOfThread / 2; ++j) {
    PhiloxWords words{};
    const int column = firstKey + at.x + kRowLanes * j;
    if (dropout.active) words = dropoutWords(dropout, head.tokens, row / 2, column);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int key = at.x + kRowLanes * j + 16 * half;
      const float weight =
          firstKey + key < head.tokens ? expf(scores[j + 2 * half] - highest) : 0.0f;
      total += weight;
      weights.put(at.y + i, key, weight * dropoutFactor(dropout, words, row, column + 16 * half));
    }
  }
}

// out and logSumExp = log(sum of exp(scores)) a row, which the way back takes. Blocks of a
// multiprocessor: as many as registers allow that need not be spilled.
template <int kWidth>
__global__ void __launch_bounds__(kAttentionThreads, kWidth > 64   ? 4
                                                     : kWidth > 32 ? 6
                                                                   : 7)
    attentionForwardKernel(AttentionForward op, DropoutMask dropout) {
  auto& smem = sharedMemory<ForwardSmem<kWidth>>();
  const Head head(op.tokens, op.width, op.heads);
  const TilePlace at;
  float sums[kRowsOfThread][kWidth / kRowLanes] = {};  // (2 rows, channels): weights times V
  float highest[kRowsOfThread] = {kLowest, kLowest};   // maximum of the row's scores so far
  float total[kRowsOfThread] = {};                     // the thread's part of the row's weights

  loadTile<kWidth>(smem.q, op.qkv, head.qkv, head.qkvStride, head.tile, head);
  for (int first = 0; first < op.tokens; first += kScoreTile) {
    loadKeys(smem, op, head, first);

    float scores[kRowsOfThread][kScoresOfThread];  // (2 rows, 4 keys)
    multiplyRows<kWidth>(smem.q, smem.k, at, scores);

    // Online softmax.
#pragma unroll
    for (int i = 0; i < kRowsOfThread; ++i) {
      raiseMaximum<kWidth>(scores[i], first, head, highest[i], total[i], sums[i]);
      storeWeights(smem.weights, scores[i], i, first, head, dropout, highest[i], total[i]);
    }

    // Weights times V. A warp reads the rows of the weights that it has written.
    syncWarp();
    multiplyTile<kWidth>(smem.weights, smem.v, at, sums);
  }

  // Rows to memory.
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

// The thread's scores of this tile: in pass 0 into its maximum and total of each row, in pass 1 as
// weights to the maps.
__device__ __forceinline__ void countOrWrite(const AttentionMaps& op, const Head& head, int pass,
                                             int first,
                                             const float (&scores)[kRowsOfThread][kScoresOfThread],
                                             float (&highest)[kRowsOfThread],
                                             float (&total)[kRowsOfThread]) {
  const TilePlace at;
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
          op.maps[(head.firstRow + token) * op.tokens + key] = expf(score - highest[i]) / total[i];
      } else if (score > highest[i]) {
        total[i] = total[i] * expf(highest[i] - score) + 1.0f;
        highest[i] = score;
      } else {
        total[i] += expf(score - highest[i]);
      }
    }
  }
}

// maps = softmax(Q K^T / sqrt(w)), before dropout: over the keys once for maximum and total of each
// row, once more to write.
template <int kWidth>
__global__ void __launch_bounds__(kAttentionThreads) attentionMapsKernel(AttentionMaps op) {
  auto& smem = sharedMemory<MapsSmem<kWidth>>();
  const Head head(op.tokens, op.width, op.heads);
  const TilePlace at;
  float highest[kRowsOfThread] = {kLowest, kLowest}, total[kRowsOfThread] = {};  // of 2 rows

  loadTile<kWidth>(smem.q, op.qkv, head.qkv, head.qkvStride, head.tile, head);
  for (int pass = 0; pass < 2; ++pass) {
    for (int first = 0; first < op.tokens; first += kScoreTile) {
      __syncthreads();
      loadTile<kWidth>(smem.k, op.qkv, head.qkv + op.width, head.qkvStride, first, head);
      __syncthreads();

      float scores[kRowsOfThread][kScoresOfThread];  // (2 rows, 4 keys)
      multiplyRows<kWidth>(smem.q, smem.k, at, scores);
      countOrWrite(op, head, pass, first, scores, highest, total);
    }
    if (pass == 1) break;

    // The 8 threads of a row join their maxima and totals.
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
           dim3(kAttentionThreads), sizeof(ForwardSmem<kWidth>), stream(), op,
           dropoutMaskOf(op.dropout));
  });
}

void CudaBackend::run(const AttentionMaps& op) {
  forHeadWidth(op.width / op.heads, [&]<int kWidth>() {
    launch(attentionMapsKernel<kWidth>, attentionGrid(op.batch, op.heads, op.tokens),
           dim3(kAttentionThreads), sizeof(MapsSmem<kWidth>), stream(), op);
  });
}

}  // namespace pstmo::cuda
