// The spatial encoder of the compiled lifter in one kernel, in bf16:
//   x = f0(frame),   then for each pair of blocks x = x + f2(f1(x)),   y = project(x) (+ table)
// where f(x) = leakyRelu(weights x + bias), batch norms folded in (Encoder of kernels.h).
//
// Shapes. A frame's row is `frameWords` split words (WordKind), x (rows, inner), y (rows, width).
//
// Grid. Block b takes rows [128 b, 128 (b + 1)) from keypoints to tokens. One block a
// multiprocessor: its shared memory leaves no room for two.
//
// Shared memory. The block's rows as words, those of a matmul's left side and then, in their place,
// its results; behind each row 64 words to spare; behind all two buffers of weights (128, 32).
// Until the whole block has read the rows, a warp keeps its results elsewhere: those of the first
// tile of columns in the words to spare, the others in registers. The residual goes
// through device memory as floats: the thread that reads an element wrote it.
//
// Determinism. Sums go as tile.h says: the same bits each time, and those of the separate kernels.
#include "device.h"
#include "tile.h"

namespace pstmo::inference::cuda {
namespace {

constexpr int kEncoderWarps = 8, kEncoderRows = kTileRows<kEncoderWarps>;
constexpr int kSpareWords = kTileColumns / 2;  // a tile's of a row
// Tiles of columns: more would leave no registers. All but the first are kept in them.
constexpr int kMostTiles = 4, kKeptTiles = kMostTiles - 1;
using Words = BrainFloatArithmetic;

// A lane's results of one tile as words: [16 rows each][8 columns each][rows g and g + 8].
using TileWords = uint32_t[2][8][2];
using KeptWords = TileWords[kKeptTiles];

// What becomes of a block's results besides words: whether the residual is added, and whether the
// sum is kept as the next one.
struct Residual {
  bool added, kept;
};

// Rows of frames; zeros behind the last one.
__device__ __forceinline__ void copyFrames(const Encoder& op, int firstRow,
                                           const SharedWords& rows) {
  AsyncCopies copies;
  const int chunks = op.frameWords / 4;
  for (int i = static_cast<int>(threadIdx.x); i < kEncoderRows * chunks;
       i += kThreads<kEncoderWarps>) {
    const int row = i / chunks, word = i % chunks * 4;
    const bool present = firstRow + row < op.rows;
    copies.copy4(rows, row, word,
                 present ? op.frames + static_cast<int64_t>(firstRow + row) * op.frameWords + word
                         : op.frames,
                 present);
  }
  copies.land();
}

// A tile's sums through bias, activation and residual, as words.
__device__ __forceinline__ void finishHidden(const Encoder& op, const WeightMatrix& weights,
                                             int firstRow, int tile, const Residual& residual,
                                             const TileSums& sums, TileWords& words) {
  const int thread = here(static_cast<int>(threadIdx.x));
  const TilePart part(thread);
  const int row = firstRow + part.row + thread % kWarp / 4,
            column = tile * kTileColumns + part.column + thread % 4 * 2;  // 8 apart from there on
  // A warp's 64 columns are inside, or none.
  const int rows = column < op.inner ? op.rows - row : 0;  // that are there from `row` on
  float* plain = op.plain + static_cast<int64_t>(row) * op.inner + column;
#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int further = 16 * m + 8 * half;
#pragma unroll
      for (int n = 0; n < 8; ++n) {
        const float2 bias = *reinterpret_cast<const float2*>(weights.bias + column + 8 * n);
        float2 value{activated(sums[m][n][2 * half], bias.x, kLeakySlope),
                     activated(sums[m][n][2 * half + 1], bias.y, kLeakySlope)};
        auto* at = reinterpret_cast<float2*>(plain + 8 * n);
        if (residual.added && further < rows) {
          const float2 before = *at;
          value.x += before.x, value.y += before.y;
        }
        if (residual.kept && further < rows) *at = value;
        words[m][n][half] = brainFloatPair(value.x, value.y);
      }
      plain += 8 * op.inner;
    }
  }
}

// The word of row `row` where a lane's words of a tile begin, the tile's first at word `first`:
// body(row, word, index of m, n, half) for each.
template <typename Body>
__device__ __forceinline__ void forEachWord(int first, const Body& body) {
  const int thread = here(static_cast<int>(threadIdx.x)), lane = thread % kWarp;
  const TilePart part(thread);
#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int half = 0; half < 2; ++half)
        body(part.row + 16 * m + 8 * half + lane / 4, first + part.column / 2 + 4 * n + lane % 4, m,
             n, half);
    }
  }
}

__device__ __forceinline__ void storeHidden(const SharedWords& rows, int first,
                                            const TileWords& words) {
  forEachWord(first, [&](int row, int word, int m, int n, int half) {
    rows.put(row, word, words[m][n][half]);
  });
}

// The rows in shared memory through one block, into their own place. In: the arithmetic of the
// words that lie there before.
template <typename In>
__device__ __forceinline__ void throughBlock(const Encoder& op, const WeightMatrix& weights,
                                             int firstRow, const Residual& residual,
                                             const SharedWords& rows, uint32_t* memory) {
  const int tiles = weights.columns / kTileColumns, spare = rows.columns - kSpareWords;
  KeptWords kept;
  unrolled<kMostTiles>([&](auto tile) {
    if (tile >= tiles) return;
    __syncthreads();  // rows are stored, and the buffers of the tile before read
    multiplyTiles<In, kEncoderWarps, ColumnOrder::natural>(
        rows, 0, memory, weights, tile, tile + 1, [&](int, const TileSums& sums) {
          const int place = tile > 0 ? tile - 1 : 0;  // of the first tile for a moment
          finishHidden(op, weights, firstRow, tile, residual, sums, kept[place]);
          if (tile == 0) storeHidden(rows, spare, kept[place]);
        });
  });
  __syncthreads();  // all have read the rows
  // A warp moves its own words.
  forEachWord(0, [&](int row, int word, int, int, int) {
    if (word < op.inner / 2) rows.put(row, word, rows.get(row, spare + word));
  });
  unrolled<kKeptTiles>([&](auto i) {
    constexpr int first = (i + 1) * kSpareWords;
    if (first + TilePart().column / 2 < op.inner / 2) storeHidden(rows, first, kept[i]);
  });
}

// The kernel that this file's head describes. One block a multiprocessor may have all registers.
__global__ void __launch_bounds__(kThreads<kEncoderWarps>, 1)
    encoderKernel(Encoder op, int rowWords) {
  const SharedWords rows{sharedWords(), kEncoderRows, rowWords};
  uint32_t* memory = sharedWords() + SharedWords::size(kEncoderRows, rowWords);  // two buffers
  const int firstRow = static_cast<int>(blockIdx.x) * kEncoderRows;

  copyFrames(op, firstRow, rows);
  throughBlock<TensorFloatArithmetic>(op, op.blocks[0], firstRow, {false, true}, rows, memory);
#pragma unroll 1
  for (int i = 1; i < op.count; ++i) {
    const bool second = i % 2 == 0;  // of a pair
    throughBlock<Words>(op, op.blocks[i], firstRow, {second, second && i + 1 < op.count}, rows,
                        memory);
  }

  __syncthreads();
  multiplyTiles<Words, kEncoderWarps, ColumnOrder::together>(
      rows, 0, memory, op.project, 0, op.project.columns / kTileColumns,
      [&](int tile, const TileSums& sums) {
        finishTile<Words, true>(op.out, op.project, tile, sums, [&](int i) -> ResultRow {
          const int row = firstRow + i;
          return {row < op.rows ? row : -1, row};
        });
      });
}

// False where a block's shared memory has no room for its rows, or a thread's registers for theirs.
bool launchEncoder(cudaStream_t stream, const Encoder& op, size_t sharedBytes) {
  const int innerWords = op.inner / 2,
            rowWords = (op.frameWords > innerWords ? op.frameWords : innerWords) + kSpareWords;
  const size_t words =
      static_cast<size_t>(SharedWords::size(kEncoderRows, rowWords) + 2 * kStageWords);
  if (op.inner > kMostTiles * kTileColumns || words * sizeof(uint32_t) > sharedBytes) return false;
  launch(encoderKernel, dim3(static_cast<unsigned>((op.rows + kEncoderRows - 1) / kEncoderRows)),
         dim3(kThreads<kEncoderWarps>), words * sizeof(uint32_t), stream, op, rowWords);
  return true;
}

}  // namespace

void CudaLifterDevice::run(const Encoder& op) {
  if (op.fused && precision() == Precision::bf16 && launchEncoder(stream(), op, sharedBytes_))
    return;
  const int innerWords = precision() == Precision::bf16 ? op.inner / 2 : op.inner;
  const auto matmul = [&](const WeightMatrix& weights, const uint32_t* a, int tapWords,
                          WordKind kind, const float* residual, float* y, uint32_t* words) {
    run(Matmul{.rows = op.rows,
               .a = a,
               .kind = kind,
               .tapWords = tapWords,
               .weights = weights,
               .out = {.slope = kLeakySlope,
                       .residual = residual,
                       .y = y,
                       .words = words,
                       .stride = op.inner}});
  };
  // In fp32 the floats are the words.
  uint32_t* words = precision() == Precision::fp32 ? nullptr : op.plainWords;
  matmul(op.blocks[0], op.frames, op.frameWords,
         precision() == Precision::fp32 ? WordKind::floats : WordKind::split, nullptr, op.plain,
         words);
  for (int i = 1; i < op.count; i += 2) {
    matmul(op.blocks[i], op.plainWords, innerWords, WordKind::ofPrecision, nullptr, nullptr,
           op.innerWords);
    matmul(op.blocks[i + 1], op.innerWords, innerWords, WordKind::ofPrecision, op.plain, op.plain,
           words);
  }
  run(Matmul{.rows = op.rows,
             .a = op.plainWords,
             .tapWords = innerWords,
             .weights = op.project,
             .out = op.out});
}

}  // namespace pstmo::inference::cuda
