// The feed-forward of the compiled lifter in one kernel:
//   y = x + relu(norm(x) expand^T + bias1) contract^T + bias2
// norm is the layer norm, whose factors may be folded into expand (NormMatmul of kernels.h). The
// last plain layer adds a row of a table too (Epilogue).
//
// Shapes. x and y (rows, width) as floats, y may be x; expand (hidden, width) and contract (width,
// hidden) as words, padded with zeros; bias1 (hidden), bias2 (width).
//
// Grid. Block b takes rows [b kRows, (b + 1) kRows) through both matmuls, kRows = 16 kWarps: 64 in
// fp32 and tf32, 128 in bf16. One block a multiprocessor: its shared memory leaves no room for two.
//
// Shared memory. The block's rows (kRows, words), normalised ones and hidden ones in one place: all
// tiles of hidden columns but the last lie in front of the normalised row, the last tile lies over
// it (FeedForwardRow). Behind them two buffers of weights (128, 32).
//
// Determinism. Sums go as tile.h says, and hidden rows are rounded to words as the two kernels of
// matmul.cu round them: the same bits each time, and those of the two kernels.
#include "device.h"
#include "tile.h"

namespace pstmo::inference::cuda {
namespace {

// Where the parts of a row lie in shared memory, in words: [hidden, all but its last tile |
// normalised]. The last tile of the hidden row goes over the normalised one, which nobody reads any
// more when that tile is stored.
struct FeedForwardRow {
  int normalized, words;  // where the normalised row begins; length of the whole

  __host__ __device__ FeedForwardRow(const FeedForward& op, int perWord) {
    const int hidden = op.contract.weights.inner;
    normalized = (op.expand.weights.columns - kTileColumns) / perWord;
    words = normalized + op.expand.weights.inner > hidden ? normalized + op.expand.weights.inner
                                                          : hidden;
  }
};

// A tile of the hidden rows, through bias and ReLU, to its columns of the rows in shared memory.
template <typename Arithmetic>
__device__ __forceinline__ void storeHidden(const NormMatmul& op, const SharedWords& rows, int tile,
                                            const TileSums& sums) {
  const LanePlace at;
  const TilePart part;
  const int column = tile * kTileColumns + part.column + 2 * at.t;  // 8 apart from there on
  if (column >= op.out.stride) return;
  const float* bias = op.weights.bias + column;
#pragma unroll
  for (int n = 0; n < 8; ++n) {
    const float2 own = *reinterpret_cast<const float2*>(bias + 8 * n);
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half)
        Arithmetic::toShared(rows, part.row + 16 * m + 8 * half + at.g, column + 8 * n,
                             activated(sums[m][n][2 * half], own.x, op.out.slope),
                             activated(sums[m][n][2 * half + 1], own.y, op.out.slope));
    }
  }
}

// The kernel that this file's head describes. One block a multiprocessor may have all registers.
template <typename Arithmetic, int kWarps>
__global__ void __launch_bounds__(kThreads<kWarps>, 1) feedForwardKernel(FeedForward op) {
  constexpr int kRows = kTileRows<kWarps>;
  const WeightMatrix &expand = op.expand.weights, &contract = op.contract.weights;
  const FeedForwardRow parts(op, Arithmetic::kPerWord);
  const SharedWords rows{sharedWords(), kRows, parts.words};
  uint32_t* memory = sharedWords() + SharedWords::size(kRows, parts.words);  // two buffers
  const int firstRow = static_cast<int>(blockIdx.x) * kRows,
            expandTiles = expand.columns / kTileColumns;

  // Layer norm; the first barrier of multiplyTiles() makes the rows visible to all warps.
  normalizeRows<Arithmetic, kWarps>(op.expand, firstRow, rows, parts.normalized);

  // Expand. The barrier waits until all warps have multiplied the normalised rows, which the last
  // tile overwrites. They are done with the buffers then too, so contract may fill them.
  multiplyTiles<Arithmetic, kWarps, ColumnOrder::natural>(
      rows, parts.normalized, memory, expand, 0, expandTiles, [&](int tile, const TileSums& sums) {
        if (tile + 1 == expandTiles) __syncthreads();
        storeHidden<Arithmetic>(op.expand, rows, tile, sums);
      });

  // Contract.
  multiplyTiles<Arithmetic, kWarps, ColumnOrder::together>(
      rows, 0, memory, contract, 0, contract.columns / kTileColumns,
      [&](int tile, const TileSums& sums) {
        finishTile<Arithmetic, true>(op.contract.out, contract, tile, sums,
                                     [&](int i) -> ResultRow {
                                       const int row = firstRow + i;
                                       return {row < op.contract.rows ? row : -1, row};
                                     });
      });
}

// False where a block's shared memory has no room for its rows.
template <typename Arithmetic, int kWarps>
bool launchFeedForward(cudaStream_t stream, const FeedForward& op, size_t sharedBytes) {
  const size_t words = static_cast<size_t>(
      SharedWords::size(kTileRows<kWarps>, FeedForwardRow(op, Arithmetic::kPerWord).words) +
      2 * kStageWords);
  if (words * sizeof(uint32_t) > sharedBytes) return false;
  const int rowBlocks = (op.contract.rows + kTileRows<kWarps> - 1) / kTileRows<kWarps>;
  launch(feedForwardKernel<Arithmetic, kWarps>, dim3(static_cast<unsigned>(rowBlocks)),
         dim3(kThreads<kWarps>), words * sizeof(uint32_t), stream, op);
  return true;
}

}  // namespace

// In one kernel where that is wanted, where the layer is no strided one, and where there is room.
void CudaLifterDevice::run(const FeedForward& op) {
  const auto fused = [&] {
    switch (precision()) {
      case Precision::fp32:
        return launchFeedForward<FloatArithmetic, 4>(stream(), op, sharedBytes_);
      case Precision::tf32:
        return launchFeedForward<TensorFloatArithmetic, 4>(stream(), op, sharedBytes_);
      case Precision::bf16:
        return launchFeedForward<BrainFloatArithmetic, 8>(stream(), op, sharedBytes_);
    }
    return false;
  };
  const bool plain = op.contract.outRows == INT_MAX;
  if (op.fused && plain && fused()) return;
  run(op.expand);
  run(op.contract);
}

}  // namespace pstmo::inference::cuda
