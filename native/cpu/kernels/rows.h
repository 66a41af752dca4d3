// What goes row by row: layer norm, batch norm with its activation and dropout, the backward of
// dropout, column sums, and Adam. Included by kernels.inl alone.
//
// Shapes: x, y and their gradients (rows, channels), whole; parameters (channels). A call does rows
// [begin, end). Column sums of those rows go to `sums`, (2, channels) or (channels), overwritten.
// CpuBackend::reduceRows adds the chunks' sums; normalization.cpp joins the chunks' moments. Adam
// takes parameters [begin, end), whatever their shape.
//
// Loop: rows outside, vectors of channels inside. Two exceptions: column sums and moments take
// vectors of columns outside and rows inside, so that sums stay in registers; with dropout,
// forEachVector() takes two rows at a time, which share random words, so `begin` is even. The last
// vector of a row is read and written in part, zeros behind it.
//
// Deterministic: a row's sum adds its vectors in order, then their lanes in a fixed tree; a
// column's sum adds the rows [begin, end) in order. Instruction sets differ in their lanes, and so
// in the last bits.
#pragma once

// ---- Layer norm

// y = a (x - mean) / (std + epsilon) + b, std unbiased: three passes over a row that stays in the
// first-level cache.
void layerNormForward(const LayerNormForward& op, int begin, int end) {
  const int channels = op.channels;
  for (int row = begin; row < end; ++row) {
    const float* x = op.x + (ptrdiff_t)row * channels;
    float* y = op.y.floats() + (ptrdiff_t)row * channels;

    // Mean.
    Vec total{};
    for (int c = 0; c < channels; c += kLanes)
      total += loadUpTo(x + c, least(kLanes, channels - c));
    const float mean = sum(total) / (float)channels;

    // Standard deviation; what lies behind the last channel does not count.
    Vec squares{};
    for (int c = 0; c < channels; c += kLanes) {
      const int count = least(kLanes, channels - c);
      const Vec centred = firstLanes(loadUpTo(x + c, count) - mean, count, Vec{});
      squares += centred * centred;
    }
    const float std = __builtin_sqrtf(sum(squares) / (float)(channels - 1));

    // Output, and the moments for backward.
    const float factor = 1.0f / (std + kLayerNormEpsilon);
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

// With t = 1 / (std + epsilon), g = dY a, u = x - mean:
//   dX = t (g - mean(g)) - u t^2 sum(g u) / (std (channels - 1))
//   sums: dA += dY u t, dB += dY
void layerNormBackward(const LayerNormBackward& op, int begin, int end, float* sums) {
  const int channels = op.channels;
  for (int c = 0; c < 2 * channels; ++c) sums[c] = 0.0f;
  for (int row = begin; row < end; ++row) {
    const float* x = op.x + (ptrdiff_t)row * channels;
    const float* dY = op.dY.floats() + (ptrdiff_t)row * channels;
    float* dX = op.dX + (ptrdiff_t)row * channels;
    const float mean = op.mean[row], std = op.std[row], t = 1.0f / (std + kLayerNormEpsilon);

    // Sums of g and g u over the row; the row's part of dA and dB.
    Vec totalG{}, totalGu{};
    for (int c = 0; c < channels; c += kLanes) {
      const int count = least(kLanes, channels - c);
      const Vec d = loadUpTo(dY + c, count), g = d * loadUpTo(op.a + c, count),
                u = loadUpTo(x + c, count) - mean;
      totalG += g;
      totalGu += g * u;  // g is zero behind the last channel
      saveUpTo(sums + c, loadUpTo(sums + c, count) + d * u * t, count);
      saveUpTo(sums + channels + c, loadUpTo(sums + channels + c, count) + d, count);
    }
    const float meanG = sum(totalG) / (float)channels;
    const float slopeU = std > 0.0f ? t * t * sum(totalGu) / (std * (float)(channels - 1)) : 0.0f;

    // dX, whose last vector is saved in part.
    for (int c = 0; c < channels; c += kLanes) {
      const int count = least(kLanes, channels - c);
      Vec value = t * (loadUpTo(dY + c, count) * loadUpTo(op.a + c, count) - meanG) -
                  (loadUpTo(x + c, count) - mean) * slopeU;
      if (op.accumulate) value += loadUpTo(dX + c, count);
      saveUpTo(dX + c, value, count);
    }
  }
}

// ---- Column sums

// sums (channels) = the sum over the rows of x.
void columnSums(const float* x, int channels, int begin, int end, float* sums) {
  constexpr int kVectors = 4;  // independent sums: one addition need not wait for the one before
  // Four vectors of columns together through all rows, then the rest one by one.
  int first = 0;
  for (; first + kVectors * kLanes <= channels; first += kVectors * kLanes) {
    Vec totals[kVectors] = {};
    for (int row = begin; row < end; ++row) {
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; ++i)
        totals[i] += load(x + (ptrdiff_t)row * channels + first + i * kLanes);
    }
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; ++i) save(sums + first + i * kLanes, totals[i]);
  }

  for (int c = first; c < channels; c += kLanes) {
    const int count = least(kLanes, channels - c);
    Vec total{};
    for (int row = begin; row < end; ++row)
      total += loadUpTo(x + (ptrdiff_t)row * channels + c, count);
    saveUpTo(sums + c, total, count);
  }
}

// moments (2, channels): the mean of the rows, then the sum of squared deviations from it, in two
// passes.
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

// ---- Batch norm: Normalize and NormalizeBackward of kernels.h have the formulas.

// xhat = (x - mean) inverseStd of one vector of channels.
template <typename Op>
inline Vec standardized(const Op& op, ptrdiff_t at, int c, int count) {
  return (loadUpTo(op.x + at, count) - loadUpTo(op.mean + c, count)) *
         loadUpTo(op.inverseStd + c, count);
}

// y of Normalize: norm, leaky ReLU, dropout, residual, in this order.
void normalize(const Normalize& op, int begin, int end) {
  const int channels = op.channels;
  forEachVector(op.dropout, channels, begin, end, [&](int64_t row, int c, int count, Vec mask) {
    const ptrdiff_t at = row * channels + c;
    Vec u = standardized(op, at, c, count) * loadUpTo(op.gamma + c, count) +
            loadUpTo(op.beta + c, count);
    u = u > 0.0f ? u : u * op.slope;
    u *= mask;
    if (op.residual) u += loadUpTo(op.residual + at, count);
    saveUpTo(op.y + at, u, count);
  });
}

// First pass of NormalizeBackward: dU, and sums (2, channels) of dU and of dU xhat.
void normalizeBackwardSums(const NormalizeBackward& op, int begin, int end, float* sums) {
  const int channels = op.channels;
  for (int c = 0; c < 2 * channels; ++c) sums[c] = 0.0f;
  forEachVector(op.dropout, channels, begin, end, [&](int64_t row, int c, int count, Vec mask) {
    const ptrdiff_t at = row * channels + c;
    const Vec xhat = standardized(op, at, c, count);
    Vec dU = loadUpTo(op.dY + at, count) * mask;
    if (op.slope != 1.0f) {
      const Vec u = xhat * loadUpTo(op.gamma + c, count) + loadUpTo(op.beta + c, count);
      dU = u > 0.0f ? dU : dU * op.slope;
    }
    saveUpTo(op.dU + at, dU, count);
    saveUpTo(sums + c, loadUpTo(sums + c, count) + dU, count);
    saveUpTo(sums + channels + c, loadUpTo(sums + channels + c, count) + dU * xhat, count);
  });
}

// Second pass: dX, with the sums of all rows.
void normalizeBackward(const NormalizeBackward& op, int begin, int end) {
  const int channels = op.channels;
  for (int row = begin; row < end; ++row) {
    for (int c = 0; c < channels; c += kLanes) {
      const int count = least(kLanes, channels - c);
      const ptrdiff_t at = (ptrdiff_t)row * channels + c;
      const Vec inverseStd = loadUpTo(op.inverseStd + c, count);
      const Vec xhat = standardized(op, at, c, count);
      const Vec meanDu = loadUpTo(op.sums + c, count) * op.inverseRows,
                meanDuXhat = loadUpTo(op.sums + channels + c, count) * op.inverseRows;
      Vec value = loadUpTo(op.gamma + c, count) * inverseStd *
                  (loadUpTo(op.dU + at, count) - meanDu - xhat * meanDuXhat);
      if (op.accumulate) value += loadUpTo(op.dX + at, count);
      saveUpTo(op.dX + at, value, count);
    }
  }
}

// ---- Dropout and the optimizer

// dX = dY times the mask, which is 0 or 1 / (1 - rate).
void dropoutBackward(const DropoutBackward& op, int begin, int end) {
  forEachVector(op.dropout, op.channels, begin, end, [&](int64_t row, int c, int count, Vec mask) {
    const ptrdiff_t at = row * op.channels + c;
    saveUpTo(op.dX.floats() + at, loadUpTo(op.dY + at, count) * mask, count);
  });
}

// Adam with amsgrad, in PyTorch's order:
//   mean += (1 - beta1) (g - mean); variance = beta2 variance + (1 - beta2) g^2
//   maximum = max(maximum, variance)
//   value -= lr / (1 - beta1^t) * mean / (sqrt(maximum) / sqrt(1 - beta2^t) + epsilon)
// Rates are worked out in double precision, the rest in float. The loop is a parameter at a time.
void adam(const AdamStep& op, size_t begin, size_t end) {
  const double correction1 = 1.0 - __builtin_pow(op.beta1, (double)op.step),
               correction2 = 1.0 - __builtin_pow(op.beta2, (double)op.step);
  const float stepSize = (float)(op.learningRate / correction1),
              rootCorrection = (float)__builtin_sqrt(correction2);
  const float toMean = (float)(1.0 - op.beta1), decay = (float)op.beta2,
              toVariance = (float)(1.0 - op.beta2), epsilon = (float)op.epsilon;
  for (size_t i = begin; i < end; ++i) {
    const float g = op.gradient[i];
    const float mean = op.mean[i] + toMean * (g - op.mean[i]);
    const float variance = op.variance[i] * decay + toVariance * g * g;
    const float highest = op.maximum[i] > variance ? op.maximum[i] : variance;
    op.mean[i] = mean;
    op.variance[i] = variance;
    op.maximum[i] = highest;
    op.value[i] -= stepSize * mean / (__builtin_sqrtf(highest) / rootCorrection + epsilon);
  }
}
