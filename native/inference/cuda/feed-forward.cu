// The plan's feed-forward in one kernel: a block takes its rows through both products, and what
// lies between stays in shared memory.
#include "device.h"
#include "tile.h"

namespace pstmo::inference::cuda {
namespace {

// Where the parts of a row lie in shared memory, in words. The normalised row is not read any more
// when the last tile of the hidden one is stored: they share that place.
struct FeedForwardRow {
  int normalized, words;

  __host__ __device__ FeedForwardRow(const FeedForward& op, int perWord) {
    const int hidden = op.contract.weights.inner;
    normalized = (op.expand.weights.columns - kTileColumns) / perWord;
    words = normalized + op.expand.weights.inner > hidden ? normalized + op.expand.weights.inner
                                                          : hidden;
  }
};

// One block a multiprocessor is all that shared memory allows: it may have all the registers.
template <typename Arithmetic, int kWarps>
__global__ void __launch_bounds__(kWarps* kWarp, 1) feedForwardKernel(FeedForward op) {
  constexpr int kRows = kTileRows<kWarps>;
  const WeightMatrix &expand = op.expand.weights, &contract = op.contract.weights;
  const FeedForwardRow parts(op, Arithmetic::kPerWord);
  const SharedWords rows{sharedWords(), kRows, parts.words};
  uint32_t* memory = sharedWords() + SharedWords::size(kRows, parts.words);
  const int firstRow = static_cast<int>(blockIdx.x) * kRows,
            expandTiles = expand.columns / kTileColumns;
  normalizeRows<Arithmetic, kWarps>(op.expand, firstRow, rows, parts.normalized);
  multiplyTiles<Arithmetic, kWarps>(
      rows, parts.normalized, memory, expand, 0, expandTiles, [&](int tile, const TileSums& sums) {
        // Then all have multiplied what the last tile is stored over, and are done with the
        // buffers.
        if (tile + 1 == expandTiles) __syncthreads();
        forEachPair(sums, [&](int i, int j, float low, float high) {
          const int column = tile * kTileColumns + j;
          if (column >= op.expand.out.stride) return;
          float values[2] = {low, high};
          finishValues(op.expand.out, expand.bias, 0, 0, column, values);
          Arithmetic::toShared(rows, i, column, values[0], values[1]);
        });
      });
  multiplyTiles<Arithmetic, kWarps>(
      rows, 0, memory, contract, 0, contract.columns / kTileColumns,
      [&](int tile, const TileSums& sums) {
        forEachPair(sums, [&](int i, int j, float low, float high) {
          const int64_t row = firstRow + i;
          const int column = tile * kTileColumns + j;
          if (row < op.contract.rows && column < op.contract.out.stride)
            finishPair<Arithmetic>(op.contract.out, contract.bias, row, row, column, low, high);
        });
      });
}

// False where a block has no room.
template <typename Arithmetic, int kWarps>
bool launchFeedForward(cudaStream_t stream, const FeedForward& op, size_t sharedBytes) {
  const size_t words = static_cast<size_t>(
      SharedWords::size(kTileRows<kWarps>, FeedForwardRow(op, Arithmetic::kPerWord).words) +
      2 * kStageWords);
  if (words * sizeof(uint32_t) > sharedBytes) return false;
  const int rowBlocks = (op.contract.rows + kTileRows<kWarps> - 1) / kTileRows<kWarps>;
  launch(feedForwardKernel<Arithmetic, kWarps>, dim3(static_cast<unsigned>(rowBlocks)),
         dim3(kWarps * kWarp), words * sizeof(uint32_t), stream, op);
  return true;
}

}  // namespace

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
