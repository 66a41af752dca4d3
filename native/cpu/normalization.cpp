// Batch norm (training and evaluation), layer norm, dropout's way back.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

constexpr int kRows = 64;  // rows a thread takes at a time
constexpr float kEpsilon = 1e-5f, kMomentum = 0.1f;

}  // namespace

// Chan's way of joining the moments of chunks, in order, in double precision.
void CpuBackend::batchMoments(int rows, int channels, const float* x, float* mean,
                              float* inverseStd, float* runningMean, float* runningVariance) {
  const int chunks = (rows + kRows - 1) / kRows;
  float* moments = partials_.floats(static_cast<size_t>(chunks) * 2 * channels);
  forRows(rows, kRows, [&](int begin, int end, int) {
    kernels_.columnMoments(x, channels, begin, end,
                           moments + static_cast<size_t>(begin / kRows) * 2 * channels);
  });
  std::vector<double> means(channels, 0.0), squares(channels, 0.0);
  double seen = 0;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    const double count = std::min(kRows, rows - chunk * kRows), total = seen + count;
    const float* at = moments + static_cast<size_t>(chunk) * 2 * channels;
    for (int c = 0; c < channels; ++c) {
      const double difference = at[c] - means[c];
      means[c] += difference * count / total;
      squares[c] += at[channels + c] + difference * difference * seen * count / total;
    }
    seen = total;
  }
  for (int c = 0; c < channels; ++c) {
    const double variance = squares[c] / rows, unbiased = rows > 1 ? squares[c] / (rows - 1) : 0.0;
    mean[c] = static_cast<float>(means[c]);
    inverseStd[c] = static_cast<float>(1.0 / std::sqrt(variance + kEpsilon));
    runningMean[c] += kMomentum * (static_cast<float>(means[c]) - runningMean[c]);
    runningVariance[c] += kMomentum * (static_cast<float>(unbiased) - runningVariance[c]);
  }
}

void CpuBackend::normalizeForward(const BatchNormForward& op, float slope, const float* residual,
                                  const Dropout& dropout) {
  Normalize n{.channels = op.channels,
              .x = op.x,
              .mean = op.mean,
              .inverseStd = op.inverseStd,
              .gamma = op.gamma,
              .beta = op.beta,
              .slope = slope,
              .residual = residual,
              .dropout = dropout,
              .y = op.y};
  std::vector<float> inverse;
  if (op.training) {
    batchMoments(op.rows, op.channels, op.x, op.mean, op.inverseStd, op.runningMean,
                 op.runningVariance);
  } else {
    inverse.resize(op.channels);
    for (int c = 0; c < op.channels; ++c)
      inverse[c] = 1.0f / std::sqrt(op.runningVariance[c] + kEpsilon);
    n.mean = op.runningMean;
    n.inverseStd = inverse.data();
  }
  forRows(op.rows, kRows, [&](int begin, int end, int) { kernels_.normalize(n, begin, end); });
}

void CpuBackend::run(const BatchNormForward& op) { normalizeForward(op, 1.0f, nullptr, {}); }

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
  float* dU = conv_.floats(static_cast<size_t>(op.rows) * op.channels);
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
