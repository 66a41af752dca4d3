// Batch norm (training and evaluation), layer norm, the backward of dropout: how their rows are
// shared out and how column sums of all rows come together. kernels/rows.h holds the arithmetic of
// a chunk of rows, kernels/kernels.h the formulas of batch norm.
//
// Shapes: x, y, dX, dY, residual (rows, channels); batch norm's mean, inverseStd, gamma, beta and
// running statistics (channels); layer norm's a and b (channels), its mean and std (rows).
//
// Loop: kRows rows an item, an even number, so that two rows that share dropout's random words stay
// with one thread.
//
// Workspace: partials_ holds the sums of all chunks (chunks, 2, channels) and their total;
// intermediate_ holds dU (rows, channels) between the two passes of BatchNormBackward.
//
// Deterministic: a row is one thread's. Sums over the rows (moments, gradients of gamma, beta, a
// and b) are taken of chunks of constant size, then added in order in double precision by one
// thread.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../core/constants.h"
#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

constexpr int kRows = 64;  // rows a thread takes at a time

// Mean and sum of squared deviations of each column.
struct Moments {
  std::vector<double> means, squares;  // (channels)
};

// Joins the moments of chunks in order (Chan, Golub, LeVeque 1979): with d = mean_b - mean_a and
// n = n_a + n_b, mean = mean_a + d n_b / n and squares = squares_a + squares_b + d^2 n_a n_b / n.
Moments joinMoments(int rows, int channels, const float* chunkMoments) {
  Moments joined{std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  double seen = 0;
  for (int first = 0; first < rows; first += kRows) {
    const double count = std::min(kRows, rows - first), total = seen + count;
    const float* chunk = chunkMoments + static_cast<size_t>(first / kRows) * 2 * channels;
    for (int c = 0; c < channels; ++c) {
      const double difference = chunk[c] - joined.means[c];
      joined.means[c] += difference * count / total;
      joined.squares[c] += chunk[channels + c] + difference * difference * seen * count / total;
    }
    seen = total;
  }
  return joined;
}

}  // namespace

// mean, inverseStd = 1 / sqrt(biased variance + epsilon); the running statistics move by momentum,
// the running variance towards the unbiased one.
void CpuBackend::batchMoments(int rows, int channels, const float* x, float* mean,
                              float* inverseStd, float* runningMean, float* runningVariance) {
  // Moments of each chunk of rows.
  const int chunks = (rows + kRows - 1) / kRows;
  float* moments = partials_.floats(static_cast<size_t>(chunks) * 2 * channels);
  forRows(rows, kRows, [&](int begin, int end, int) {
    kernels_.columnMoments(x, channels, begin, end,
                           moments + static_cast<size_t>(begin / kRows) * 2 * channels);
  });

  // Moments of all rows, and the statistics that come of them.
  const Moments joined = joinMoments(rows, channels, moments);
  for (int c = 0; c < channels; ++c) {
    const double variance = joined.squares[c] / rows,
                 unbiased = rows > 1 ? joined.squares[c] / (rows - 1) : 0.0;
    const float batchMean = static_cast<float>(joined.means[c]);
    mean[c] = batchMean;
    inverseStd[c] = static_cast<float>(1.0 / std::sqrt(variance + kBatchNormEpsilonFloat));
    runningMean[c] += kBatchNormMomentum * (batchMean - runningMean[c]);
    runningVariance[c] += kBatchNormMomentum * (static_cast<float>(unbiased) - runningVariance[c]);
  }
}

// One pass over the rows, with this batch's statistics in training, else with the running ones.
void CpuBackend::normalizeForward(const BatchNormForward& op, float slope, const float* residual,
                                  const Dropout& dropout) {
  Normalize normalize{.channels = op.channels,
                      .x = op.x,
                      .mean = op.mean,
                      .inverseStd = op.inverseStd,
                      .gamma = op.gamma,
                      .beta = op.beta,
                      .slope = slope,
                      .residual = residual,
                      .dropout = dropout,
                      .y = op.y};
  std::vector<float> inverseStd;  // (channels), of the running statistics
  if (op.training) {
    batchMoments(op.rows, op.channels, op.x, op.mean, op.inverseStd, op.runningMean,
                 op.runningVariance);
  } else {
    inverseStd.resize(op.channels);
    for (int c = 0; c < op.channels; ++c)
      inverseStd[c] = 1.0f / std::sqrt(op.runningVariance[c] + kBatchNormEpsilonFloat);
    normalize.mean = op.runningMean;
    normalize.inverseStd = inverseStd.data();
  }
  forRows(op.rows, kRows,
          [&](int begin, int end, int) { kernels_.normalize(normalize, begin, end); });
}

void CpuBackend::run(const BatchNormForward& op) { normalizeForward(op, 1.0f, nullptr, {}); }

// Two passes over the rows: dU and its column sums, then dX, which needs the sums of all rows.
// dBeta += sum of dU, dGamma += sum of dU xhat.
void CpuBackend::batchNormBackward(int rows, NormalizeBackward op, float* dGamma, float* dBeta) {
  op.sums = reduceRows(rows, 2 * op.channels, [&](int begin, int end, float* sums) {
    kernels_.normalizeBackwardSums(op, begin, end, sums);
  });
  op.inverseRows = 1.0f / static_cast<float>(rows);
  forRows(rows, kRows,
          [&](int begin, int end, int) { kernels_.normalizeBackward(op, begin, end); });
  for (int c = 0; c < op.channels; ++c) {
    dBeta[c] += op.sums[c];
    dGamma[c] += op.sums[op.channels + c];
  }
}

void CpuBackend::run(const BatchNormBackward& op) {
  float* dU = intermediate_.floats(static_cast<size_t>(op.rows) * op.channels);
  batchNormBackward(op.rows,
                    {.channels = op.channels,
                     .dY = op.dY.floats(),
                     .x = op.x.floats(),
                     .mean = op.mean,
                     .inverseStd = op.inverseStd,
                     .gamma = op.gamma,
                     .beta = nullptr,
                     .dU = dU,
                     .sums = nullptr,
                     .dX = op.dX.floats(),
                     .accumulate = op.accumulate},
                    op.dGamma, op.dBeta);
}

void CpuBackend::run(const LayerNormForward& op) {
  forRows(op.rows, kRows,
          [&](int begin, int end, int) { kernels_.layerNormForward(op, begin, end); });
}

void CpuBackend::run(const LayerNormBackward& op) {
  const float* sums = reduceRows(op.rows, 2 * op.channels, [&](int begin, int end, float* partial) {
    kernels_.layerNormBackward(op, begin, end, partial);
  });
  for (int c = 0; c < op.channels; ++c) {
    op.dA[c] += sums[c];
    op.dB[c] += sums[op.channels + c];
  }
}

void CpuBackend::run(const DropoutBackward& op) {
  forRows(op.rows, kRows,
          [&](int begin, int end, int) { kernels_.dropoutBackward(op, begin, end); });
}

}  // namespace pstmo::cpu
