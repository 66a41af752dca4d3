// Positions, learned tokens, masks, and the small helpers that move rows.
#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu-device.h"

namespace pstmo::cpu {

void CpuBackend::run(const PositionsForward& op) {
  pool_.run(op.batch, [&](int window, int) {
    for (int i = 0; i < op.outTokens; ++i) {
      const float* x =
          op.x +
          (static_cast<size_t>(window) * op.tokens + (op.rows ? op.rows[i] : i)) * op.channels;
      float* y = op.y + (static_cast<size_t>(window) * op.outTokens + i) * op.channels;
      if (!op.table) {
        std::memmove(y, x, static_cast<size_t>(op.channels) * sizeof(float));
        continue;
      }
      const float* table =
          op.table + static_cast<size_t>(op.tableRows ? op.tableRows[i] : i) * op.channels;
      for (int c = 0; c < op.channels; ++c) y[c] = x[c] + table[c];
    }
  });
}

void CpuBackend::run(const PositionsBackward& op) {
  if (op.dX) {
    pool_.run(op.batch, [&](int window, int) {
      float* dX = op.dX + static_cast<size_t>(window) * op.tokens * op.channels;
      if (op.outTokens < op.tokens || op.rows)
        std::memset(dX, 0, static_cast<size_t>(op.tokens) * op.channels * sizeof(float));
      for (int i = 0; i < op.outTokens; ++i) {
        std::memcpy(dX + static_cast<size_t>(op.rows ? op.rows[i] : i) * op.channels,
                    op.dY + (static_cast<size_t>(window) * op.outTokens + i) * op.channels,
                    static_cast<size_t>(op.channels) * sizeof(float));
      }
    });
  }
  if (op.dTable) {
    pool_.run(op.outTokens, [&](int i, int) {
      float* table =
          op.dTable + static_cast<size_t>(op.tableRows ? op.tableRows[i] : i) * op.channels;
      for (int window = 0; window < op.batch; ++window) {
        const float* dY = op.dY + (static_cast<size_t>(window) * op.outTokens + i) * op.channels;
        for (int c = 0; c < op.channels; ++c) table[c] += dY[c];
      }
    });
  }
}

void CpuBackend::run(const DecoderInputForward& op) {
  pool_.run(op.batch, [&](int window, int) {
    for (int i = 0; i < op.tokens; ++i) {
      const float* x = i < op.visible
                           ? op.x + (static_cast<size_t>(window) * op.visible + i) * op.channels
                           : op.token;
      const float* table = op.table + static_cast<size_t>(op.order[i]) * op.channels;
      float* y = op.y + (static_cast<size_t>(window) * op.tokens + i) * op.channels;
      for (int c = 0; c < op.channels; ++c) y[c] = x[c] + table[c];
    }
  });
}

void CpuBackend::run(const DecoderInputBackward& op) {
  pool_.run(op.batch, [&](int window, int) {
    std::memcpy(op.dX + static_cast<size_t>(window) * op.visible * op.channels,
                op.dY + static_cast<size_t>(window) * op.tokens * op.channels,
                static_cast<size_t>(op.visible) * op.channels * sizeof(float));
  });
  float* rows = partials_.floats(static_cast<size_t>(op.tokens) *
                                 op.channels);  // each token's gradient summed over the windows
  pool_.run(op.tokens, [&](int i, int) {
    float* row = rows + static_cast<size_t>(i) * op.channels;
    float* table = op.dTable + static_cast<size_t>(op.order[i]) * op.channels;
    std::fill(row, row + op.channels, 0.0f);
    for (int window = 0; window < op.batch; ++window) {
      const float* dY = op.dY + (static_cast<size_t>(window) * op.tokens + i) * op.channels;
      for (int c = 0; c < op.channels; ++c) row[c] += dY[c];
    }
    for (int c = 0; c < op.channels; ++c) table[c] += row[c];
  });
  for (int i = op.visible; i < op.tokens; ++i) {
    for (int c = 0; c < op.channels; ++c)
      op.dToken[c] += rows[static_cast<size_t>(i) * op.channels + c];
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
  double total[2] = {0, 0};
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
