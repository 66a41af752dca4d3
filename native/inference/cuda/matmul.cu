// The plan's products: of rows that are normalised first, and of rows that are gathered as they are
// multiplied.
#include "device.h"
#include "tile.h"

namespace pstmo::inference::cuda {
namespace {

constexpr int kWantedBlocks = 264;  // two for each multiprocessor of a large device

// Block (x, y): tile x of the rows, group y of `tiles` tiles of the columns.
template <typename Arithmetic, int kWarps>
__global__ void __launch_bounds__(kWarps* kWarp) normMatmulKernel(NormMatmul op, int tiles) {
  const SharedWords rows{sharedWords(), kTileRows<kWarps>, op.weights.inner};
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * kTileRows<kWarps>;
  const int first = static_cast<int>(blockIdx.y) * tiles, all = op.weights.columns / kTileColumns,
            end = first + tiles < all ? first + tiles : all;
  normalizeRows<Arithmetic, kWarps>(op, firstRow, rows, 0);
  multiplyTiles<Arithmetic, kWarps>(
      rows, 0, sharedWords() + SharedWords::size(kTileRows<kWarps>, op.weights.inner), op.weights,
      first, end, [&](int tile, const TileSums& sums) {
        forEachPair(sums, [&](int i, int j, float low, float high) {
          const int64_t row = firstRow + i;
          const int column = tile * kTileColumns + j;
          if (row < op.rows && column < op.out.stride)
            finishPair<Arithmetic>(op.out, op.weights.bias, row, row, column, low, high);
        });
      });
}

// Block x: tile x / tiles of the rows, x % tiles of the columns; both sides come in depths. Out:
// the arithmetic whose words the result has.
template <typename Arithmetic, typename Out, int kWarps>
__global__ void __launch_bounds__(kWarps* kWarp) gatherMatmulKernel(Matmul op) {
  constexpr int kRows = kTileRows<kWarps>;
  uint32_t* left = sharedWords();
  uint32_t* right = left + 2 * SharedWords::size(kRows, kDepthWords);
  const int tiles = op.weights.columns / kTileColumns, depths = op.weights.inner / kDepthWords;
  const int tile = static_cast<int>(blockIdx.x) % tiles,
            firstRow = static_cast<int>(blockIdx.x) / tiles * kRows;
  const TilePart part;
  AsyncCopies copies;
  const auto load = [&](int depth) {
    const int word = depth * kDepthWords % op.tapWords, tap = depth * kDepthWords / op.tapWords;
    for (int e = static_cast<int>(threadIdx.x); e < kRows * kTileChunks; e += kWarps * kWarp) {
      const int i = e / kTileChunks, row = firstRow + i, chunk = e % kTileChunks * 4;
      const int inside = row % op.outRows * op.step + op.offset + tap;
      const bool present = row < op.rows && inside >= 0 && inside < op.inRows;
      const int64_t from =
          present ? static_cast<int64_t>(row / op.outRows) * op.inRows + inside : 0;
      copies.copy4(stage(left, depth % 2, kRows, kDepthWords), i, chunk,
                   op.a + from * op.tapWords + word + chunk, present);
    }
    copyWeights<kWarps>(copies, stage(right, depth % 2, kTileColumns, kDepthWords), op.weights,
                        tile, depth);
  };
  TileSums sums = {};
  load(0);
  for (int depth = 0; depth < depths; ++depth) {
    copies.land();
    __syncthreads();
    if (depth + 1 < depths) load(depth + 1);
    Arithmetic::template multiply<2, 8>(
        sums, Operand{stage(left, depth % 2, kRows, kDepthWords), part.row, 0},
        Operand{stage(right, depth % 2, kTileColumns, kDepthWords), part.column, 0}, kDepthWords);
  }
  forEachPair(sums, [&](int i, int j, float low, float high) {
    const int row = firstRow + i, column = tile * kTileColumns + j;
    if (row >= op.rows || column >= op.out.stride) return;
    const int64_t from =
        static_cast<int64_t>(row / op.outRows) * op.inRows + row % op.outRows * op.step;
    finishPair<Out>(op.out, op.weights.bias, row, from, column, low, high);
  });
}

template <typename Arithmetic, int kWarps>
void launchNormMatmul(cudaStream_t stream, const NormMatmul& op) {
  const int rowBlocks = (op.rows + kTileRows<kWarps> - 1) / kTileRows<kWarps>,
            all = op.weights.columns / kTileColumns;
  // Few rows: several blocks share a tile of them, each with columns of its own.
  int groups = rowBlocks > 0 ? (kWantedBlocks + rowBlocks - 1) / rowBlocks : 1;
  groups = groups < all ? groups : all;
  const int tiles = (all + groups - 1) / groups;
  const size_t words = SharedWords::size(kTileRows<kWarps>, op.weights.inner) + 2 * kStageWords;
  launch(normMatmulKernel<Arithmetic, kWarps>,
         dim3(static_cast<unsigned>(rowBlocks), static_cast<unsigned>((all + tiles - 1) / tiles)),
         dim3(kWarps * kWarp), words * sizeof(uint32_t), stream, op, tiles);
}

template <typename Arithmetic, typename Out, int kWarps>
void launchMatmul(cudaStream_t stream, const Matmul& op) {
  const int rowBlocks = (op.rows + kTileRows<kWarps> - 1) / kTileRows<kWarps>;
  const size_t words = 2 * SharedWords::size(kTileRows<kWarps>, kDepthWords) + 2 * kStageWords;
  launch(gatherMatmulKernel<Arithmetic, Out, kWarps>,
         dim3(static_cast<unsigned>(rowBlocks * (op.weights.columns / kTileColumns))),
         dim3(kWarps * kWarp), words * sizeof(uint32_t), stream, op);
}

}  // namespace

void CudaLifterDevice::run(const NormMatmul& op) {
  switch (precision()) {
    case Precision::fp32:
      return narrow_ ? launchNormMatmul<FloatArithmetic, 2>(stream(), op)
                     : launchNormMatmul<FloatArithmetic, 4>(stream(), op);
    case Precision::tf32:
      return narrow_ ? launchNormMatmul<TensorFloatArithmetic, 2>(stream(), op)
                     : launchNormMatmul<TensorFloatArithmetic, 4>(stream(), op);
    case Precision::bf16:
      return narrow_ ? launchNormMatmul<BrainFloatArithmetic, 4>(stream(), op)
                     : launchNormMatmul<BrainFloatArithmetic, 8>(stream(), op);
  }
}

void CudaLifterDevice::run(const Matmul& op) {
  if (op.exact && precision() == Precision::bf16)
    return launchMatmul<FloatArithmetic, BrainFloatArithmetic, 4>(stream(), op);
  if (op.exact || precision() == Precision::fp32)
    return launchMatmul<FloatArithmetic, FloatArithmetic, 4>(stream(), op);
  if (precision() == Precision::tf32)
    return launchMatmul<TensorFloatArithmetic, TensorFloatArithmetic, 4>(stream(), op);
  launchMatmul<BrainFloatArithmetic, BrainFloatArithmetic, 8>(stream(), op);
}

}  // namespace pstmo::inference::cuda
