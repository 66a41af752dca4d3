// The compiled lifter's kernels that go row by row: layer norm, sums of rows. Included by
// kernels.inl alone; kernels.h has each formula.
//
// Shapes: x, y (rows, stride), `channels` of each row padded with zeros to whole vectors;
// parameters (padded channels).
//
// Loop: rows outside, vectors of channels inside, no tail: padding is computed as the rest, and
// stays zero where a kernel says so.
//
// Deterministic: a row is computed from itself alone. Its sums run in two accumulators, even and
// odd vectors, which are added, then their lanes in a fixed tree.
#pragma once

inline int paddedChannels(int channels) { return (channels + kLanes - 1) / kLanes * kLanes; }

// ---- Layer norm

struct RowMoments {
  float mean, scale;  // scale = 1 / (std + 1e-6)
};

// Two passes: the mean, then the squares of the deviations from it. Padding counts for neither.
inline RowMoments rowMoments(const float* x, int channels) {
  // Mean: padding is zero and adds nothing.
  const int padded = paddedChannels(channels);
  Vec total0{}, total1{};
  int c = 0;
  for (; c + 2 * kLanes <= padded; c += 2 * kLanes) {
    total0 += load(x + c);
    total1 += load(x + c + kLanes);
  }
  if (c < padded) total0 += load(x + c);
  const float mean = sum(total0 + total1) / (float)channels;

  // Squares: padding is not zero once the mean is subtracted, so it is masked.
  Vec squares0{}, squares1{};
  const int whole = channels / kLanes * kLanes;
  for (c = 0; c + 2 * kLanes <= whole; c += 2 * kLanes) {
    const Vec centred0 = load(x + c) - mean, centred1 = load(x + c + kLanes) - mean;
    squares0 += centred0 * centred0;
    squares1 += centred1 * centred1;
  }
  for (; c < padded; c += kLanes) {
    const Vec centred = firstLanes(load(x + c) - mean, channels - c, Vec{});
    squares0 += centred * centred;
  }
  return {mean, 1.0f / (__builtin_sqrtf(sum(squares0 + squares1) / (float)(channels - 1)) +
                        kLayerNormEpsilon)};
}

// scale[row] = 1 / (std + 1e-6): all that is left of a layer norm which is folded into the weights.
void rowScales(const float* x, ptrdiff_t stride, int channels, int rows, float* scale) {
  for (int row = 0; row < rows; ++row) scale[row] = rowMoments(x + row * stride, channels).scale;
}

// Saves vectors of a row one after the other as bf16; without the instructions nobody asks for it.
inline void saveRounded(Bf16* to, Vec v) {
#if defined(__AVX512BF16__)
  const __m256bh half = _mm512_cvtneps_pbh((__m512)v);
  __builtin_memcpy(to, &half, sizeof half);
#else
  (void)to, (void)v;
#endif
}

#if defined(__AVX512BF16__)
// Two vectors of a normalised row, zero behind its last channel.
inline void normalizedPanel(const LayerNorm& op, const float* x, int c, float mean, float factor,
                            Vec (&out)[2]) {
#pragma GCC unroll 2
  for (int v = 0; v < 2; ++v) {
    const int at = c + v * kLanes;
    out[v] = (load(x + at) - mean) * factor;
    if (at + kLanes > op.channels) out[v] = firstLanes(out[v], op.channels - at, Vec{});
  }
}

void layerNorm(const LayerNorm& op) {
  for (int row = 0; row < op.rows; ++row) {
    const float* x = op.x + row * op.stride;
    const RowMoments moments = rowMoments(x, op.channels);
    const float factor = op.scaled ? moments.scale : 1.0f;
    Bf16* y = op.y + row * op.stride;
    Vec values[2];  // one panel's columns
    for (int c = 0; c < op.channels; c += kPanel) {
      normalizedPanel(op, x, c, moments.mean, factor, values);
      saveBf16(y + c, values[0], values[1]);
    }
  }
}
#endif

// ---- Sums

void addRows(const float* x, const int32_t* xRows, ptrdiff_t stride, const float* table,
             RowMap tableMap, int channels, int rows, float* y) {
  const int padded = paddedChannels(channels);
  RowWalk walk(tableMap, 0);
  for (int row = 0; row < rows; ++row) {
    const float* from = x + (xRows ? xRows[row] : row) * stride;
    if (table) {
      for (int c = 0; c < padded; c += kLanes)
        save(y + row * stride + c, load(from + c) + load(table + walk.at + c));
    } else {
      for (int c = 0; c < padded; c += kLanes) save(y + row * stride + c, load(from + c));
    }
    walk.next();
  }
}

void combineRows(const CombineRows& op) {
  for (int row = 0; row < op.rows; ++row) {
    const float* frame = op.frames + op.frameRows[row] * op.frameStride;
    const float* position = op.positions + row * op.positionStride;
    const Vec factor = splat(op.scale[row]);
    for (int c = 0; c < op.columns; c += kLanes) {
      // The layer norm is folded: its row scale multiplies both parts.
      const Vec value = (load(frame + c) + load(position + c)) * factor + load(op.bias + c);
      if (op.bf16) {
        saveRounded(static_cast<Bf16*>(op.out) + row * op.outStride + c, value);
      } else {
        save(static_cast<float*>(op.out) + row * op.outStride + c, value);
      }
    }
  }
}
