// Positions, learned tokens, masks, and operations that move rows. b is a window, i a token of it.
//
// Shapes, unless a functor says otherwise. x, y and their gradients (batch, tokens, channels): for
// functors (rows, channels), rows = batch tokens. Tables (positions, channels), learned tokens
// (channels). rows, tableRows and order are lists of indices, which all windows share.
//
// Grid. Functors are for elementwise() over (rows, channels) unless they say otherwise: no shared
// memory. Gradients of learned tokens are column sums over many rows (reduce.h).
//
// Determinism. One thread writes each element, since no list names a row twice. Sums over the
// windows go in their order, column sums in reduce.h's: the same bits each time.
#include "../cuda-device.h"
#include "elementwise.h"
#include "reduce.h"

namespace pstmo::cuda {
namespace {

// y[b, i] = x[b, rows[i]] + table[tableRows[i]]; without the lists, i itself.
struct GatherRows {
  PositionsForward op;
  __device__ void operator()(int64_t row, int c, float) const {
    const int i = static_cast<int>(row % op.outTokens);
    const float x =
        op.x[(row / op.outTokens * op.tokens + (op.rows ? op.rows[i] : i)) * op.channels + c];
    op.y[row * op.channels + c] =
        op.table
            ? x + op.table[static_cast<int64_t>(op.tableRows ? op.tableRows[i] : i) * op.channels +
                           c]
            : x;
  }
};

// dX[b, rows[i]] = dY[b, i]; the other rows are zeroed before.
struct ScatterRows {
  PositionsBackward op;
  __device__ void operator()(int64_t row, int c, float) const {
    const int i = static_cast<int>(row % op.outTokens);
    op.dX[(row / op.outTokens * op.tokens + (op.rows ? op.rows[i] : i)) * op.channels + c] =
        op.dY[row * op.channels + c];
  }
};

// table[rows[i]] += sum over the windows of dY[b, i], in their order. A thread adds all windows of
// one (i, channel): for elementwise() over (tokens, channels).
struct AddOverWindows {
  int batch, tokens, channels;
  const float* dY;
  const int* rows;
  float* table;
  __device__ void operator()(int64_t i, int c, float) const {
    float sum = 0;
    for (int window = 0; window < batch; ++window)
      sum += dY[(static_cast<int64_t>(window) * tokens + i) * channels + c];
    table[static_cast<int64_t>(rows ? rows[i] : i) * channels + c] += sum;
  }
};

// y[b, i] = (x[b, i] where i < visible, else the token) + table[order[i]]. x (batch, visible,
// channels).
struct DecoderRows {
  DecoderInputForward op;
  __device__ void operator()(int64_t row, int c, float) const {
    const int i = static_cast<int>(row % op.tokens);
    const float x =
        i < op.visible ? op.x[(row / op.tokens * op.visible + i) * op.channels + c] : op.token[c];
    op.y[row * op.channels + c] = x + op.table[static_cast<int64_t>(op.order[i]) * op.channels + c];
  }
};

// dX[b, i] = dY[b, i] of the visible rows. For elementwise() over (batch visible, channels).
struct VisibleRows {
  DecoderInputBackward op;
  __device__ void operator()(int64_t row, int c, float) const {
    op.dX[row * op.channels + c] =
        op.dY[(row / op.visible * op.tokens + row % op.visible) * op.channels + c];
  }
};

// dToken's terms: dY of the masked rows, which stand behind the visible ones of each window. For
// reduceRows() over (batch masked, channels).
struct MaskedRowTerm {
  DecoderInputBackward op;
  __device__ void operator()(int64_t row, int c, float (&values)[1]) const {
    const int masked = op.tokens - op.visible;
    values[0] = op.dY[(row / masked * op.tokens + op.visible + row % masked) * op.channels + c];
  }
};

// y = the token (2) where a joint is masked, else x. Rows are points of two coordinates. mask
// (frames, joints) holds for every window.
struct MaskJoints {
  JointMaskForward op;
  __device__ void operator()(int64_t point, int c, float) const {
    const int64_t points = static_cast<int64_t>(op.frames) * op.joints;
    op.y[point * 2 + c] = op.mask[point % points] ? op.token[c] : op.x[point * 2 + c];
  }
};

// dToken's terms: dY of the masked joints. For reduceRows().
struct MaskedJointTerm {
  JointMaskBackward op;
  __device__ void operator()(int64_t point, int c, float (&values)[1]) const {
    const int64_t points = static_cast<int64_t>(op.frames) * op.joints;
    values[0] = op.mask[point % points] ? op.dY[point * 2 + c] : 0.0f;
  }
};

// y = [a | b], row by row.
struct Concatenate {
  ConcatForward op;
  __device__ void operator()(int64_t row, int c, float) const {
    op.y[row * (op.left + op.right) + c] =
        c < op.left ? op.a[row * op.left + c] : op.b[row * op.right + c - op.left];
  }
};

// dA, dB += the two parts of dY.
struct Split {
  ConcatBackward op;
  __device__ void operator()(int64_t row, int c, float) const {
    const float dY = op.dY[row * (op.left + op.right) + c];
    if (c < op.left) {
      op.dA[row * op.left + c] += dY;
    } else {
      op.dB[row * op.right + c - op.left] += dY;
    }
  }
};

// y += x. For forEach().
struct AddElement {
  AddForward op;
  __device__ void operator()(int64_t i) const { op.y[i] += op.x[i]; }
};

}  // namespace

void CudaBackend::run(const PositionsForward& op) {
  elementwise(stream(), static_cast<int64_t>(op.batch) * op.outTokens, op.channels, {},
              GatherRows{op});
}

void CudaBackend::run(const PositionsBackward& op) {
  if (op.dX) {
    if (op.outTokens < op.tokens || op.rows)
      zero(op.dX, static_cast<size_t>(op.batch) * static_cast<size_t>(op.tokens) *
                      static_cast<size_t>(op.channels) * sizeof(float));
    elementwise(stream(), static_cast<int64_t>(op.batch) * op.outTokens, op.channels, {},
                ScatterRows{op});
  }
  if (op.dTable)
    elementwise(
        stream(), op.outTokens, op.channels, {},
        AddOverWindows{op.batch, op.outTokens, op.channels, op.dY, op.tableRows, op.dTable});
}

void CudaBackend::run(const DecoderInputForward& op) {
  elementwise(stream(), static_cast<int64_t>(op.batch) * op.tokens, op.channels, {},
              DecoderRows{op});
}

// dX =; dTable += over the windows; dToken += over the windows' masked tokens.
void CudaBackend::run(const DecoderInputBackward& op) {
  elementwise(stream(), static_cast<int64_t>(op.batch) * op.visible, op.channels, {},
              VisibleRows{op});
  elementwise(stream_, op.tokens, op.channels, {},
              AddOverWindows{op.batch, op.tokens, op.channels, op.dY, op.order, op.dTable});
  const int64_t rows = static_cast<int64_t>(op.batch) * (op.tokens - op.visible);
  if (rows == 0) return;
  float* partials =
      partials_.floats(static_cast<size_t>(reduceChunks(rows)) * static_cast<size_t>(op.channels));
  reduceRows<1>(stream_, rows, op.channels, MaskedRowTerm{op}, partials);
  addPartials(stream_, partials, reduceChunks(rows), 1, op.channels, nullptr, op.dToken, nullptr);
}

void CudaBackend::run(const JointMaskForward& op) {
  elementwise(stream(), static_cast<int64_t>(op.batch) * op.frames * op.joints, 2, {},
              MaskJoints{op});
}

void CudaBackend::run(const JointMaskBackward& op) {
  const int64_t points = static_cast<int64_t>(op.batch) * op.frames * op.joints;
  float* partials = partials_.floats(static_cast<size_t>(reduceChunks(points)) * 2);
  reduceRows<1>(stream(), points, 2, MaskedJointTerm{op}, partials);
  addPartials(stream_, partials, reduceChunks(points), 1, 2, nullptr, op.dToken, nullptr);
}

void CudaBackend::run(const ConcatForward& op) {
  elementwise(stream(), op.rows, op.left + op.right, {}, Concatenate{op});
}

void CudaBackend::run(const ConcatBackward& op) {
  elementwise(stream(), op.rows, op.left + op.right, {}, Split{op});
}

void CudaBackend::run(const AddForward& op) {
  forEach(stream(), static_cast<int64_t>(op.count), AddElement{op});
}

}  // namespace pstmo::cuda
