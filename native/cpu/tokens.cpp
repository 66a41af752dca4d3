// Positions, learned tokens, masks, and the small operations that move rows. ops/tokens.h has each
// formula.
//
// Loop: what writes activations takes a window an item, what sums a table's or a token's gradient
// takes a token an item; rows too few to share out stay with the caller's thread.
//
// Deterministic: an element of a gradient adds its windows in order, in one thread.
#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

// Row `token` of window `window` of x (B, tokens, channels).
template <typename T>
T* rowOf(T* x, int window, int tokens, int token, int channels) {
  return x + (static_cast<size_t>(window) * tokens + token) * channels;
}

// y = x + table, one row.
void addRows(const float* x, const float* table, int channels, float* y) {
  for (int c = 0; c < channels; ++c) y[c] = x[c] + table[c];
}

// sum += row `token` of each window of x (B, tokens, channels), window after window.
void addOverWindows(const float* x, int batch, int tokens, int token, int channels, float* sum) {
  for (int window = 0; window < batch; ++window) {
    const float* row = rowOf(x, window, tokens, token, channels);
    for (int c = 0; c < channels; ++c) sum[c] += row[c];
  }
}

}  // namespace

void CpuBackend::run(const PositionsForward& op) {
  pool_.run(op.batch, [&](int window, int) {
    for (int i = 0; i < op.outTokens; ++i) {
      const float* x = rowOf(op.x, window, op.tokens, op.rows ? op.rows[i] : i, op.channels);
      float* y = rowOf(op.y, window, op.outTokens, i, op.channels);
      if (op.table) {
        const int row = op.tableRows ? op.tableRows[i] : i;
        addRows(x, op.table + static_cast<size_t>(row) * op.channels, op.channels, y);
      } else {
        std::memmove(y, x, static_cast<size_t>(op.channels) * sizeof(float));
      }
    }
  });
}

void CpuBackend::run(const PositionsBackward& op) {
  const size_t rowBytes = static_cast<size_t>(op.channels) * sizeof(float);
  if (op.dX) {
    pool_.run(op.batch, [&](int window, int) {
      if (op.outTokens < op.tokens || op.rows) {  // rows that no output took have no gradient
        std::memset(rowOf(op.dX, window, op.tokens, 0, op.channels), 0,
                    static_cast<size_t>(op.tokens) * rowBytes);
      }
      for (int i = 0; i < op.outTokens; ++i) {
        std::memcpy(rowOf(op.dX, window, op.tokens, op.rows ? op.rows[i] : i, op.channels),
                    rowOf(op.dY, window, op.outTokens, i, op.channels), rowBytes);
      }
    });
  }

  if (op.dTable) {
    pool_.run(op.outTokens, [&](int i, int) {
      const int row = op.tableRows ? op.tableRows[i] : i;
      addOverWindows(op.dY, op.batch, op.outTokens, i, op.channels,
                     op.dTable + static_cast<size_t>(row) * op.channels);
    });
  }
}

void CpuBackend::run(const DecoderInputForward& op) {
  pool_.run(op.batch, [&](int window, int) {
    for (int i = 0; i < op.tokens; ++i) {
      const float* x = i < op.visible ? rowOf(op.x, window, op.visible, i, op.channels) : op.token;
      addRows(x, op.table + static_cast<size_t>(op.order[i]) * op.channels, op.channels,
              rowOf(op.y, window, op.tokens, i, op.channels));
    }
  });
}

void CpuBackend::run(const DecoderInputBackward& op) {
  pool_.run(op.batch, [&](int window, int) {
    std::memcpy(rowOf(op.dX, window, op.visible, 0, op.channels),
                rowOf(op.dY, window, op.tokens, 0, op.channels),
                static_cast<size_t>(op.visible) * op.channels * sizeof(float));
  });

  // Each token's gradient summed over the windows: added to its row of the table, and to the
  // learned token's gradient where it stands for a masked frame.
  const size_t channels = static_cast<size_t>(op.channels);
  float* sums = partials_.floats(op.tokens * channels);  // (tokens, channels)
  pool_.run(op.tokens, [&](int i, int) {
    float* sum = sums + i * channels;
    std::fill(sum, sum + channels, 0.0f);
    addOverWindows(op.dY, op.batch, op.tokens, i, op.channels, sum);
    float* table = op.dTable + op.order[i] * channels;
    for (int c = 0; c < op.channels; ++c) table[c] += sum[c];
  });
  for (int i = op.visible; i < op.tokens; ++i) {
    for (int c = 0; c < op.channels; ++c) op.dToken[c] += sums[i * channels + c];
  }
}

void CpuBackend::run(const JointMaskForward& op) {
  const int points = op.frames * op.joints;
  pool_.run(op.batch, [&](int window, int) {
    const float* x = op.x + static_cast<size_t>(window) * points * 2;
    float* y = op.y + static_cast<size_t>(window) * points * 2;
    for (int p = 0; p < points; ++p) {
      y[2 * p] = op.mask[p] ? op.token[0] : x[2 * p];
      y[2 * p + 1] = op.mask[p] ? op.token[1] : x[2 * p + 1];
    }
  });
}

void CpuBackend::run(const JointMaskBackward& op) {
  const int points = op.frames * op.joints;
  double total[2] = {0, 0};  // x, y
  for (int window = 0; window < op.batch; ++window) {
    const float* dY = op.dY + static_cast<size_t>(window) * points * 2;
    for (int p = 0; p < points; ++p) {
      if (!op.mask[p]) continue;
      total[0] += dY[2 * p];
      total[1] += dY[2 * p + 1];
    }
  }
  op.dToken[0] += static_cast<float>(total[0]);
  op.dToken[1] += static_cast<float>(total[1]);
}

void CpuBackend::run(const ConcatForward& op) {
  for (int row = 0; row < op.rows; ++row) {
    float* y = op.y + static_cast<size_t>(row) * (op.left + op.right);
    std::copy_n(op.a + static_cast<size_t>(row) * op.left, op.left, y);
    std::copy_n(op.b + static_cast<size_t>(row) * op.right, op.right, y + op.left);
  }
}

void CpuBackend::run(const ConcatBackward& op) {
  for (int row = 0; row < op.rows; ++row) {
    const float* dY = op.dY + static_cast<size_t>(row) * (op.left + op.right);
    for (int c = 0; c < op.left; ++c) op.dA[static_cast<size_t>(row) * op.left + c] += dY[c];
    for (int c = 0; c < op.right; ++c)
      op.dB[static_cast<size_t>(row) * op.right + c] += dY[op.left + c];
  }
}

void CpuBackend::run(const AddForward& op) {
  constexpr size_t kChunk = 1 << 15;
  pool_.run(static_cast<int>((op.count + kChunk - 1) / kChunk), [&](int item, int) {
    const size_t end = std::min(op.count, (static_cast<size_t>(item) + 1) * kChunk);
    for (size_t i = static_cast<size_t>(item) * kChunk; i < end; ++i) op.y[i] += op.x[i];
  });
}

}  // namespace pstmo::cpu
