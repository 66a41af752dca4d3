// Operations that go row by row: layer norm, batch norm with its activation and dropout, dropout,
// column sums, Adam. Included by kernels.inl alone.
#pragma once

void layerNormForward(const LayerNormForward& op, int begin, int end) {
  const int channels = op.channels;
  for (int row = begin; row < end; ++row) {
    const float* x = op.x + (ptrdiff_t)row * channels;
    float* y = op.y.floats() + (ptrdiff_t)row * channels;
    Vec total{};
    for (int c = 0; c < channels; c += kLanes)
      total += loadUpTo(x + c, least(kLanes, channels - c));
    const float mean = sum(total) / (float)channels;
    Vec squares{};
    for (int c = 0; c < channels; c += kLanes) {
      const int count = least(kLanes, channels - c);
      const Vec centred = firstLanes(loadUpTo(x + c, count) - mean, count, Vec{});
      squares += centred * centred;
    }
    const float std = __builtin_sqrtf(sum(squares) / (float)(channels - 1));
    const float factor = 1.0f / (std + 1e-6f);
    for (int c = 0; c < channels; c += kLanes) {
      const int count = least(kLanes, channels - c);
      saveUpTo(y + c,
               (loadUpTo(x + c, count) - mean) * factor * loadUpTo(op.a + c, count) +
                   loadUpTo(op.b + c, count),
               count);
    }
    op.mean[row] = mean;
    op.std[row] = std;
  }
}

// With t = 1 / (std + eps), g = dY a, u = x - mean:  dX = t (g - mean(g)) - u t^2 sum(g u) / (std
// (channels - 1)).
void layerNormBackward(const LayerNormBackward& op, int begin, int end, float* sums) {
  const int channels = op.channels;
  for (int c = 0; c < 2 * channels; ++c) sums[c] = 0.0f;
  for (int row = begin; row < end; ++row) {
    const float* x = op.x + (ptrdiff_t)row * channels;
    const float* dY = op.dY.floats() + (ptrdiff_t)row * channels;
    float* dX = op.dX + (ptrdiff_t)row * channels;
    const float mean = op.mean[row], std = op.std[row], t = 1.0f / (std + 1e-6f);
    Vec total{}, products{};
    for (int c = 0; c < channels; c += kLanes) {
      const int count = least(kLanes, channels - c);
      const Vec d = loadUpTo(dY + c, count), g = d * loadUpTo(op.a + c, count),
                u = loadUpTo(x + c, count) - mean;
      total += g;
      products += g * u;  // g is zero behind the last channel
      saveUpTo(sums + c, loadUpTo(sums + c, count) + d * u * t, count);
      saveUpTo(sums + channels + c, loadUpTo(sums + channels + c, count) + d, count);
    }
    const float meanG = sum(total) / (float)channels;
    const float spread = std > 0.0f ? t * t * sum(products) / (std * (float)(channels - 1)) : 0.0f;
    for (int c = 0; c < channels; c += kLanes) {
      const int count = least(kLanes, channels - c);
      Vec value = t * (loadUpTo(dY + c, count) * loadUpTo(op.a + c, count) - meanG) -
                  (loadUpTo(x + c, count) - mean) * spread;
      if (op.accumulate) value += loadUpTo(dX + c, count);
      saveUpTo(dX + c, value, count);
    }
  }
}

void columnSums(const float* x, int channels, int begin, int end, float* sums) {
  constexpr int kTogether = 4;  // independent sums: one addition need not wait for the one before
  int first = 0;
  for (; first + kTogether * kLanes <= channels; first += kTogether * kLanes) {
    Vec totals[kTogether] = {};
    for (int row = begin; row < end; ++row) {
#pragma GCC unroll 4
      for (int i = 0; i < kTogether; ++i)
        totals[i] += load(x + (ptrdiff_t)row * channels + first + i * kLanes);
    }
#pragma GCC unroll 4
    for (int i = 0; i < kTogether; ++i) save(sums + first + i * kLanes, totals[i]);
  }
  for (int c = first; c < channels; c += kLanes) {
    const int count = least(kLanes, channels - c);
    Vec total{};
    for (int row = begin; row < end; ++row)
      total += loadUpTo(x + (ptrdiff_t)row * channels + c, count);
    saveUpTo(sums + c, total, count);
  }
}

void columnMoments(const float* x, int channels, int begin, int end, float* moments) {
  columnSums(x, channels, begin, end, moments);
  for (int c = 0; c < channels; c += kLanes) {
    const int count = least(kLanes, channels - c);
    const Vec mean = loadUpTo(moments + c, count) / (float)(end - begin);
    Vec squares{};
    for (int row = begin; row < end; ++row) {
      const Vec centred = loadUpTo(x + (ptrdiff_t)row * channels + c, count) - mean;
      squares += centred * centred;
    }
    saveUpTo(moments + c, mean, count);
    saveUpTo(moments + channels + c, squares, count);
  }
}

void normalize(const Normalize& op, int begin, int end) {
  const int channels = op.channels;
  forEachVector(op.dropout, channels, begin, end, [&](int64_t row, int c, int count, Vec factor) {
    const ptrdiff_t at = row * channels + c;
    const Vec xhat = (loadUpTo(op.x + at, count) - loadUpTo(op.mean + c, count)) *
                     loadUpTo(op.inverseStd + c, count);
    Vec u = xhat * loadUpTo(op.gamma + c, count) + loadUpTo(op.beta + c, count);
    u = u > 0.0f ? u : u * op.slope;
    u *= factor;
    if (op.residual) u += loadUpTo(op.residual + at, count);
    saveUpTo(op.y + at, u, count);
  });
}

void normalizeBackwardSums(const NormalizeBackward& op, int begin, int end, float* sums) {
  const int channels = op.channels;
  for (int c = 0; c < 2 * channels; ++c) sums[c] = 0.0f;
  forEachVector(op.dropout, channels, begin, end, [&](int64_t row, int c, int count, Vec factor) {
    const ptrdiff_t at = row * channels + c;
    const Vec xhat = (loadUpTo(op.x + at, count) - loadUpTo(op.mean + c, count)) *
                     loadUpTo(op.inverseStd + c, count);
    Vec dU = loadUpTo(op.dY + at, count) * factor;
    if (op.slope != 1.0f) {
      const Vec u = xhat * loadUpTo(op.gamma + c, count) + loadUpTo(op.beta + c, count);
      dU = u > 0.0f ? dU : dU * op.slope;
    }
    saveUpTo(op.dU + at, dU, count);
    saveUpTo(sums + c, loadUpTo(sums + c, count) + dU, count);
    saveUpTo(sums + channels + c, loadUpTo(sums + channels + c, count) + dU * xhat, count);
  });
}

// dX = gamma inverseStd (dU - mean(dU) - xhat mean(dU xhat)).
void normalizeBackward(const NormalizeBackward& op, int begin, int end) {
  const int channels = op.channels;
  for (int row = begin; row < end; ++row) {
    for (int c = 0; c < channels; c += kLanes) {
      const int count = least(kLanes, channels - c);
      const ptrdiff_t at = (ptrdiff_t)row * channels + c;
      const Vec inverseStd = loadUpTo(op.inverseStd + c, count);
      const Vec xhat = (loadUpTo(op.x + at, count) - loadUpTo(op.mean + c, count)) * inverseStd;
      const Vec means = loadUpTo(op.sums + c, count) * op.inverseRows,
                products = loadUpTo(op.sums + channels + c, count) * op.inverseRows;
      Vec value = loadUpTo(op.gamma + c, count) * inverseStd *
                  (loadUpTo(op.dU + at, count) - means - xhat * products);
      if (op.accumulate) value += loadUpTo(op.dX + at, count);
      saveUpTo(op.dX + at, value, count);
    }
  }
}

void dropoutBackward(const DropoutBackward& op, int begin, int end) {
  forEachVector(op.dropout, op.channels, begin, end,
                [&](int64_t row, int c, int count, Vec factor) {
                  const ptrdiff_t at = row * op.channels + c;
                  saveUpTo(op.dX.floats() + at, loadUpTo(op.dY + at, count) * factor, count);
                });
}

// PyTorch's order: mean, variance, running maximum, denominator sqrt(maximum) / sqrt(1 - beta2^t) +
// eps, step lr / (1 - beta1^t).
void adam(const AdamStep& op, size_t begin, size_t end) {
  const double correction1 = 1.0 - __builtin_pow(op.beta1, (double)op.step),
               correction2 = 1.0 - __builtin_pow(op.beta2, (double)op.step);
  const float stepSize = (float)(op.learningRate / correction1),
              rootCorrection = (float)__builtin_sqrt(correction2);
  const float toMean = (float)(1.0 - op.beta1), keep = (float)op.beta2,
              toVariance = (float)(1.0 - op.beta2), epsilon = (float)op.epsilon;
  for (size_t i = begin; i < end; ++i) {
    const float g = op.gradient[i];
    const float mean = op.mean[i] + toMean * (g - op.mean[i]);
    const float variance = op.variance[i] * keep + toVariance * g * g;
    const float highest = op.maximum[i] > variance ? op.maximum[i] : variance;
    op.mean[i] = mean;
    op.variance[i] = variance;
    op.maximum[i] = highest;
    op.value[i] -= stepSize * mean / (__builtin_sqrtf(highest) / rootCorrection + epsilon);
  }
}
