// Matmuls of the compiled lifter: y = epilogue(a weights^T), where the rows of `a` are either
// normalised first (normMatmulKernel) or gathered as they are multiplied (gatherMatmulKernel).
// tile.h says how a block multiplies, and why the bits are the same each time.
#include "device.h"
#include "tile.h"

namespace pstmo::inference::cuda {
namespace {

constexpr int kWantedBlocks = 264;  // two for each multiprocessor of a large device

// y = epilogue(norm(x) weights^T), x (rows, width).
// Grid: block (x, y) takes row tile x and, of the columns, the tiles of group y.
// Shared memory: the normalised rows (16 kWarps, inner), then two buffers of weights (128, 32).
template <typename Arithmetic, int kWarps>
__global__ void __launch_bounds__(kThreads<kWarps>, 2)
    normMatmulKernel(NormMatmul op, int tilesOfGroup) {
  const SharedWords rows{sharedWords(), kTileRows<kWarps>, op.weights.inner};
  uint32_t* memory = sharedWords() + SharedWords::size(kTileRows<kWarps>, op.weights.inner);
  const int64_t firstRow = static_cast<int64_t>(blockIdx.x) * kTileRows<kWarps>;
  const int first = static_cast<int>(blockIdx.y) * tilesOfGroup,
            all = op.weights.columns / kTileColumns,
            end = first + tilesOfGroup < all ? first + tilesOfGroup : all;

  // Layer norm.
  normalizeRows<Arithmetic, kWarps>(op, firstRow, rows, 0);

  // Matmul, and each tile to memory.
  multiplyTiles<Arithmetic, kWarps, ColumnOrder::together>(
      rows, 0, memory, op.weights, first, end, [&](int tile, const TileSums& sums) {
        finishTile<Arithmetic, false>(op.out, op.weights, tile, sums, [&](int i) -> ResultRow {
          const int64_t row = static_cast<int64_t>(blockIdx.x) * kTileRows<kWarps> + i;
          return {row < op.rows ? row : -1, row};
        });
      });
}

// The copies of gathered rows that a thread starts: of a block's rows, 32 words deep, the same rows
// and words of each depth; zeros where a tap lies outside of its group.
template <int kWarps>
class GatherCopies {
 public:
  __device__ __forceinline__ GatherCopies(const Matmul& op, int firstRow) : op_(op) {
#pragma unroll
    for (int i = 0; i < kCopies; ++i) {
      const int row = firstRow + place() + i * kRows;
      const ResultRow found = rowOf(op, row);
      inside_[i] = row < op.rows ? insideOf(op, row) + op.offset : INT_MIN / 2;
      from_[i] = op.a + (found.from + op.offset) * op.tapWords + chunk();
    }
  }

  // Where row `row` of y goes, and the row of `a` and of the residual that tap -offset reads.
  __device__ __forceinline__ static ResultRow rowOf(const Matmul& op, int row) {
    if (op.outRows == INT_MAX) return {row, row};
    return {row, static_cast<int64_t>(row / op.outRows) * op.inRows + insideOf(op, row)};
  }

  // Starts the copy of the next depth to `to`.
  __device__ __forceinline__ void start(AsyncCopies& copies, const SharedWords& to) {
#pragma unroll
    for (int i = 0; i < kCopies; ++i) {
      const bool present = inside_[i] >= 0 && inside_[i] < op_.inRows;
      copies.copy4(to, place() + i * kRows, chunk(), present ? from_[i] : op_.a, present);
      from_[i] += kDepthWords;
    }
    word_ += kDepthWords;
    if (word_ < op_.tapWords) return;
    // The next tap: its row follows this one.
    word_ = 0;
#pragma unroll
    for (int i = 0; i < kCopies; ++i) ++inside_[i];
  }

 private:
  static constexpr int kRows = kThreads<kWarps> / kTileChunks, kCopies = kTileRows<kWarps> / kRows;
  __device__ __forceinline__ static int insideOf(const Matmul& op, int row) {
    return op.outRows == INT_MAX ? row : row % op.outRows * op.step;
  }
  __device__ __forceinline__ static int place() {
    return static_cast<int>(threadIdx.x) / kTileChunks;
  }
  __device__ __forceinline__ static int chunk() {
    return static_cast<int>(threadIdx.x) % kTileChunks * 4;
  }

  const Matmul& op_;
  const uint32_t* from_[kCopies];
  int inside_[kCopies];  // the row within its group that the tap reads
  int word_ = 0;         // of the tap
};

// y = epilogue(a weights^T), the rows of `a` gathered: tap j of row i of a group is row step i +
// offset + j of the group, as a strided convolution wants it. Out: the arithmetic whose words the
// result has.
// Grid: block x takes row tile x / tiles and column tile x % tiles, so that neighbours share rows.
// Shared memory: two buffers of rows (16 kWarps, 32), then two of weights (128, 32).
template <typename Arithmetic, typename Out, int kWarps>
__global__ void __launch_bounds__(kThreads<kWarps>) gatherMatmulKernel(Matmul op) {
  constexpr int kRows = kTileRows<kWarps>;
  uint32_t* left = sharedWords();
  uint32_t* right = left + 2 * SharedWords::size(kRows, kDepthWords);
  const int tiles = op.weights.columns / kTileColumns, depths = op.weights.inner / kDepthWords;
  const int tile = static_cast<int>(blockIdx.x) % tiles,
            firstRow = static_cast<int>(blockIdx.x) / tiles * kRows;

  const auto leftOf = [&](int depth) { return stage(left, depth & 1, kRows, kDepthWords); };
  const auto rightOf = [&](int depth) {
    return stage(right, depth & 1, kTileColumns, kDepthWords);
  };
  AsyncCopies copies;
  GatherCopies<kWarps> rows(op, firstRow);
  WeightCopies<kWarps, ColumnOrder::together> columns(op.weights, tile);
  const auto loadStep = [&](int depth) {
    rows.start(copies, leftOf(depth));
    columns.start(copies, rightOf(depth));
    columns.advance(false);
  };

  // Multiply: while one depth is multiplied, the next is on its way.
  const TilePart part;
  TileSums sums = {};
  loadStep(0);
  for (int depth = 0; depth < depths; ++depth) {
    copies.land();
    __syncthreads();
    if (depth + 1 < depths) loadStep(depth + 1);
    Arithmetic::template multiply<2, 8, kDepthWords, kDepthWords>(
        sums, Operand{leftOf(depth), part.row, 0}, Operand{rightOf(depth), part.column, 0});
  }

  finishTile<Out, true>(op.out, op.weights, tile, sums, [&](int i) -> ResultRow {
    if (firstRow + i >= op.rows) return {-1, 0};
    return GatherCopies<kWarps>::rowOf(op, firstRow + i);
  });
}

template <typename Arithmetic, int kWarps>
void launchNormMatmul(cudaStream_t stream, const NormMatmul& op) {
  const int rowBlocks = (op.rows + kTileRows<kWarps> - 1) / kTileRows<kWarps>,
            all = op.weights.columns / kTileColumns;
  // Where rows are few, several blocks share a tile of them, each with other columns.
  int groups = rowBlocks > 0 ? (kWantedBlocks + rowBlocks - 1) / rowBlocks : 1;
  groups = groups < all ? groups : all;
  const int tiles = (all + groups - 1) / groups;
  const size_t words = SharedWords::size(kTileRows<kWarps>, op.weights.inner) + 2 * kStageWords;
  launch(normMatmulKernel<Arithmetic, kWarps>,
         dim3(static_cast<unsigned>(rowBlocks), static_cast<unsigned>((all + tiles - 1) / tiles)),
         dim3(kThreads<kWarps>), words * sizeof(uint32_t), stream, op, tiles);
}

template <typename Arithmetic, typename Out, int kWarps>
void launchMatmul(cudaStream_t stream, const Matmul& op) {
  const int rowBlocks = (op.rows + kTileRows<kWarps> - 1) / kTileRows<kWarps>;
  const size_t words = 2 * SharedWords::size(kTileRows<kWarps>, kDepthWords) + 2 * kStageWords;
  launch(gatherMatmulKernel<Arithmetic, Out, kWarps>,
         dim3(static_cast<unsigned>(rowBlocks * (op.weights.columns / kTileColumns))),
         dim3(kThreads<kWarps>), words * sizeof(uint32_t), stream, op);
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
  if (op.kind == WordKind::floats || precision() == Precision::fp32)
    return launchMatmul<FloatArithmetic, FloatArithmetic, 4>(stream(), op);
  if (precision() == Precision::tf32)
    return launchMatmul<TensorFloatArithmetic, TensorFloatArithmetic, 4>(stream(), op);
  if (op.kind == WordKind::split)
    return launchMatmul<TensorFloatArithmetic, BrainFloatArithmetic, 8>(stream(), op);
  launchMatmul<BrainFloatArithmetic, BrainFloatArithmetic, 8>(stream(), op);
}

}  // namespace pstmo::inference::cuda
