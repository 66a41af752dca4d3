// Batch norm (training and evaluation), layer norm, and dropout's way back.
//
// Determinism. Rows are summed in fixed chunks of kReduceRows, the chunks in their order
// (reduce.h), lanes by a fixed tree (lanes.h): the same bits each time.
#include "../cuda-device.h"
#include "batch-norm.h"
#include "elementwise.h"
#include "lanes.h"
#include "reduce.h"

namespace pstmo::cuda {
namespace {

constexpr int kMergeLanes = 8, kMergeColumns = 32;  // threads of a block of mergeMomentsKernel
constexpr int kRowWarps = 4;  // rows of a block of the layer norm kernels, one a warp

// Mean and sum of squared deviations of `count` values.
struct Moments {
  double mean = 0, squares = 0, count = 0;

  // Takes in another set: mean += d m / (n + m), squares += squares' + d^2 n m / (n + m), where d
  // is the distance of the means (Chan).
  __device__ void join(double otherMean, double otherSquares, double otherCount) {
    const double total = count + otherCount, difference = otherMean - mean;
    if (otherCount == 0) return;
    mean += difference * otherCount / total;
    squares += otherSquares + difference * difference * count * otherCount / total;
    count = total;
  }
};

struct ChunkSmem {
  SharedMatrix<float, kReduceLanes, kReduceColumns> sums;
};

// partials[chunk][0 or 1][column] = mean and sum of squared deviations of the chunk's rows.
// Grid: block (x, y) takes chunk x and 32 columns from 32 y on. Thread (own, lane) takes every
// eighth row of one column; lane by lane the sums are added through shared memory (8, 32). Pass 0
// gives the mean, pass 1 the squares.
__global__ void __launch_bounds__(kReduceColumns* kReduceLanes)
    chunkMomentsKernel(int64_t rows, int channels, ConstActivations x, float* partials) {
  auto& smem = sharedMemory<ChunkSmem>();
  const int lane = static_cast<int>(threadIdx.y), own = static_cast<int>(threadIdx.x),
            column = static_cast<int>(blockIdx.y) * kReduceColumns + own;
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * kReduceRows,
                end = begin + kReduceRows < rows ? begin + kReduceRows : rows;
  float mean = 0;

  for (int pass = 0; pass < 2; ++pass) {
    // The thread's rows.
    float sum = 0;
    for (int64_t row = begin + lane; column < channels && row < end; row += kReduceLanes) {
      const float value = read(x, row * channels + column);
      sum += pass == 0 ? value : (value - mean) * (value - mean);
    }
    smem.sums.put(lane, own, sum);
    __syncthreads();

    // The chunk's. All lanes need the mean in pass 1.
    float total = 0;
    for (int i = 0; i < kReduceLanes; ++i) total += smem.sums.get(i, own);
    if (pass == 0) mean = total = total / static_cast<float>(end - begin);
    if (lane == 0 && column < channels)
      partials[(static_cast<int64_t>(blockIdx.x) * 2 + pass) * channels + column] = total;
    __syncthreads();
  }
}

struct MergeSmem {
  SharedMatrix<double, 3 * kMergeLanes, kMergeColumns> moments;
};

// mean, inverseStd = 1 / sqrt(variance + epsilon) and the running statistics from the chunks'
// partial moments, in double precision. Grid: block x takes 32 columns from 32 x on. Thread (own,
// lane) joins every eighth chunk of one column; lane 0 then joins the 8 sets in order, through
// shared memory (3 x 8, 32).
__global__ void __launch_bounds__(kMergeColumns* kMergeLanes)
    mergeMomentsKernel(int64_t rows, int chunkRows, int channels, const float* partials,
                       float* mean, float* inverseStd, float* runningMean, float* runningVariance) {
  auto& smem = sharedMemory<MergeSmem>();
  const int lane = static_cast<int>(threadIdx.y), own = static_cast<int>(threadIdx.x),
            column = static_cast<int>(blockIdx.x) * kMergeColumns + own;

  // The thread's chunks.
  Moments moments;
  for (int64_t chunk = lane; column < channels && chunk * chunkRows < rows; chunk += kMergeLanes) {
    const int64_t left = rows - chunk * chunkRows;
    const float* at = partials + chunk * 2 * channels + column;
    moments.join(static_cast<double>(at[0]), static_cast<double>(at[channels]),
                 static_cast<double>(left < chunkRows ? left : chunkRows));
  }
  smem.moments.put(3 * lane, own, moments.mean);
  smem.moments.put(3 * lane + 1, own, moments.squares);
  smem.moments.put(3 * lane + 2, own, moments.count);
  __syncthreads();
  if (lane != 0 || column >= channels) return;

  // All chunks.
  Moments all;
  for (int i = 0; i < kMergeLanes; ++i)
    all.join(smem.moments.get(3 * i, own), smem.moments.get(3 * i + 1, own),
             smem.moments.get(3 * i + 2, own));

  // Statistics: the running variance is the unbiased one.
  const double count = static_cast<double>(rows), variance = all.squares / count,
               unbiased = rows > 1 ? all.squares / (count - 1) : 0.0;
  mean[column] = static_cast<float>(all.mean);
  inverseStd[column] =
      static_cast<float>(1.0 / sqrt(variance + static_cast<double>(kBatchNormEpsilonFloat)));
  runningMean[column] += kBatchNormMomentum * (static_cast<float>(all.mean) - runningMean[column]);
  runningVariance[column] +=
      kBatchNormMomentum * (static_cast<float>(unbiased) - runningVariance[column]);
}

// y = (x - runningMean) / sqrt(runningVariance + epsilon) gamma + beta. For elementwise().
struct EvaluateBatchNorm {
  BatchNormForward op;
  __device__ void operator()(int64_t row, int c, float) const {
    const int64_t at = row * op.channels + c;
    op.y[at] = (op.x[at] - op.runningMean[c]) * inverseStdOf(op.runningVariance[c]) * op.gamma[c] +
               op.beta[c];
  }
};

// Of a row and column: dU, and dU times the normalised x. For reduceRows().
struct BatchNormTerms {
  BatchNormBackward op;
  __device__ void operator()(int64_t row, int c, float (&values)[2]) const {
    const int64_t at = row * op.channels + c;
    const float dY = read(op.dY, at);
    values[0] = dY;
    values[1] = dY * (read(op.x, at) - op.mean[c]) * op.inverseStd[c];
  }
};

// dX = or += gamma inverseStd (dU - mean(dU) - xhat mean(dU xhat)). For elementwise().
struct BatchNormInput {
  BatchNormBackward op;
  const float* sums;  // (2, channels)
  __device__ void operator()(int64_t row, int c, float) const {
    const int64_t at = row * op.channels + c;
    const float inverseRows = 1.0f / static_cast<float>(op.rows),
                xhat = (read(op.x, at) - op.mean[c]) * op.inverseStd[c];
    const float value =
        op.gamma[c] * op.inverseStd[c] *
        (read(op.dY, at) - sums[c] * inverseRows - xhat * sums[op.channels + c] * inverseRows);
    write(op.dX, at, op.accumulate ? read(op.dX, at) + value : value);
  }
};

// y = (x - mean) / (std + epsilon) a + b; std unbiased. mean and std are kept.
// Grid: a block takes 4 rows, a warp one. The row is read three times: for the mean, for the
// squares, for y; the second and third time it comes from the cache. No shared memory.
__global__ void __launch_bounds__(kRowWarps* kWarp) layerNormForwardKernel(LayerNormForward op) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kWarp;
  if (row >= op.rows) return;  // whole warps
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const float* x = op.x + row * op.channels;

  // Mean.
  float total = 0;
  for (int c = lane; c < op.channels; c += kWarp) total += x[c];
  const float mean = sumOfLanes(total) / static_cast<float>(op.channels);

  // Standard deviation.
  float squares = 0;
  for (int c = lane; c < op.channels; c += kWarp) squares += (x[c] - mean) * (x[c] - mean);
  const float std = sqrtf(sumOfLanes(squares) / static_cast<float>(op.channels - 1)),
              factor = 1.0f / (std + kLayerNormEpsilon);

  // The row.
  for (int c = lane; c < op.channels; c += kWarp)
    write(op.y, row * op.channels + c, (x[c] - mean) * factor * op.a[c] + op.b[c]);
  if (lane == 0) {
    op.mean[row] = mean;
    op.std[row] = std;
  }
}

// dX of the layer norm. With t = 1 / (std + eps), g = dY a, u = x - mean:
//   dX = or += t (g - mean(g)) - u t^2 sum(g u) / (std (channels - 1))
// Grid: a block takes 4 rows, a warp one. No shared memory.
__global__ void __launch_bounds__(kRowWarps* kWarp) layerNormInputKernel(LayerNormBackward op) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kWarp;
  if (row >= op.rows) return;  // whole warps
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const float* x = op.x + row * op.channels;
  const int64_t first = row * op.channels;
  float* dX = op.dX + row * op.channels;
  const float mean = op.mean[row], std = op.std[row], t = 1.0f / (std + kLayerNormEpsilon);

  // mean(g), and the factor of u.
  float sumG = 0, sumGU = 0;
  for (int c = lane; c < op.channels; c += kWarp) {
    const float g = read(op.dY, first + c) * op.a[c];
    sumG += g;
    sumGU += g * (x[c] - mean);
  }
  const float meanG = sumOfLanes(sumG) / static_cast<float>(op.channels), sum = sumOfLanes(sumGU);
  const float spread =
      std > 0.0f ? t * t * sum / (std * static_cast<float>(op.channels - 1)) : 0.0f;

  // The row.
  for (int c = lane; c < op.channels; c += kWarp) {
    const float value = t * (read(op.dY, first + c) * op.a[c] - meanG) - (x[c] - mean) * spread;
    dX[c] = op.accumulate ? dX[c] + value : value;
  }
}

// Of a row and column: dA's and dB's terms, dY xhat and dY. For reduceRows().
struct LayerNormTerms {
  LayerNormBackward op;
  __device__ void operator()(int64_t row, int c, float (&values)[2]) const {
    const int64_t at = row * op.channels + c;
    const float dY = read(op.dY, at);
    values[0] = dY * (op.x[at] - op.mean[row]) * (1.0f / (op.std[row] + kLayerNormEpsilon));
    values[1] = dY;
  }
};

// dX = dY times dropout's factor. For elementwise().
struct TimesFactor {
  DropoutBackward op;
  __device__ void operator()(int64_t row, int c, float factor) const {
    write(op.dX, row * op.channels + c, op.dY[row * op.channels + c] * factor);
  }
};

unsigned rowBlocks(int64_t rows) {
  return static_cast<unsigned>((rows + kRowWarps - 1) / kRowWarps);
}

}  // namespace

void CudaBackend::mergeMoments(int64_t rows, int chunkRows, int channels, const float* partials,
                               float* mean, float* inverseStd, float* runningMean,
                               float* runningVariance) {
  launch(mergeMomentsKernel,
         dim3(static_cast<unsigned>((channels + kMergeColumns - 1) / kMergeColumns)),
         dim3(kMergeColumns, kMergeLanes), sizeof(MergeSmem), stream(), rows, chunkRows, channels,
         partials, mean, inverseStd, runningMean, runningVariance);
}

void CudaBackend::chunkMoments(int64_t rows, int channels, const ConstActivations& x,
                               float* partials) {
  const dim3 grid(static_cast<unsigned>(reduceChunks(rows)),
                  static_cast<unsigned>((channels + kReduceColumns - 1) / kReduceColumns));
  launch(chunkMomentsKernel, grid, dim3(kReduceColumns, kReduceLanes), sizeof(ChunkSmem), stream(),
         rows, channels, x, partials);
}

void CudaBackend::run(const BatchNormForward& op) {
  if (!op.training) {
    elementwise(stream(), op.rows, op.channels, {}, EvaluateBatchNorm{op});
    return;
  }
  const int64_t chunks = reduceChunks(op.rows);
  float* partials =
      partials_.floats(static_cast<size_t>(chunks) * 2 * static_cast<size_t>(op.channels));
  chunkMoments(op.rows, op.channels, op.x, partials);
  mergeMoments(op.rows, kReduceRows, op.channels, partials, op.mean, op.inverseStd, op.runningMean,
               op.runningVariance);
  elementwise(
      stream(), op.rows, op.channels, {},
      Normalize{op.x, op.mean, op.inverseStd, op.gamma, op.beta, {}, op.y, op.channels, 1.0f});
}

// The sums over the rows first (dBeta, dGamma +=), then dX with their means. dX may be dY.
void CudaBackend::run(const BatchNormBackward& op) {
  const int64_t chunks = reduceChunks(op.rows);
  float* partials =
      partials_.floats(static_cast<size_t>(chunks) * 2 * static_cast<size_t>(op.channels));
  float* sums = sums_.floats(2 * static_cast<size_t>(op.channels));
  reduceRows<2>(stream(), op.rows, op.channels, BatchNormTerms{op}, partials);
  addPartials(stream_, partials, chunks, 2, op.channels, sums, op.dBeta, op.dGamma);
  elementwise(stream_, op.rows, op.channels, {}, BatchNormInput{op, sums});
}

void CudaBackend::run(const LayerNormForward& op) {
  launch(layerNormForwardKernel, dim3(rowBlocks(op.rows)), dim3(kRowWarps * kWarp), 0, stream(),
         op);
}

// dA, dB += first, then dX, which may be dY.
void CudaBackend::run(const LayerNormBackward& op) {
  const int64_t chunks = reduceChunks(op.rows);
  float* partials =
      partials_.floats(static_cast<size_t>(chunks) * 2 * static_cast<size_t>(op.channels));
  reduceRows<2>(stream(), op.rows, op.channels, LayerNormTerms{op}, partials);
  addPartials(stream_, partials, chunks, 2, op.channels, nullptr, op.dA, op.dB);
  launch(layerNormInputKernel, dim3(rowBlocks(op.rows)), dim3(kRowWarps * kWarp), 0, stream_, op);
}

void CudaBackend::run(const DropoutBackward& op) {
  elementwise(stream(), op.rows, op.channels, dropoutMaskOf(op.dropout), TimesFactor{op});
}

}  // namespace pstmo::cuda
