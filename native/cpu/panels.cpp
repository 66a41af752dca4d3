// Packs a weight into panels, the right operand of every matmul, once for each change of the
// weights.
//
//   forward  B[k, n] = weight[n, k]   inner = taps * in, columns = out         (transposed)
//   dX       B[k, n] = weight[k, n]   inner = out,       columns = taps * in
//
// Shapes: weight (out, in, taps) as PyTorch stores it; a matmul counts its columns (tap, in).
// Panels (count, inner, panelColumns) in fp32, (count, ceil(inner / 2), panelColumns) words of two
// bf16 of one column in bf16. Zeros fill the last panel's missing columns and an odd last row.
//
// Loop: a thread takes one panel at a time. Panels are copies, rounded at most, and no two threads
// write the same one: their contents do not depend on the number of threads.
#include <algorithm>

#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

struct Weight {
  const float* data;  // (out, in, taps)
  int in, taps;

  int length() const { return in * taps; }
  const float* row(int out) const { return data + static_cast<size_t>(out) * length(); }
  // Where a matmul's column q stands in a row: the taps of a channel lie side by side in memory,
  // the channels of a tap in a matmul.
  int position(int q) const { return taps == 1 ? q : q % in * taps + q / in; }
};

// Columns [first, first + count) of a panel: where they begin and how wide the panel is.
struct PanelColumns {
  int first, count, width;
};

// panel (inner, width): panel[k, c] = weight[first + c, k].
void packTransposed(const Weight& weight, int inner, const PanelColumns& columns, float* panel) {
  // Sixteen rows of the panel at a time: their cache lines stay near while every column writes
  // into them.
  for (int block = 0; block < inner; block += 16) {
    const int end = std::min(inner, block + 16);
    for (int c = 0; c < columns.count; ++c) {
      const float* from = weight.row(columns.first + c);
      float* to = panel + c;
      if (weight.taps == 1) {
        for (int k = block; k < end; ++k) to[static_cast<size_t>(k) * columns.width] = from[k];
      } else {
        for (int k = block; k < end; ++k)
          to[static_cast<size_t>(k) * columns.width] = from[weight.position(k)];
      }
    }
    for (int k = block; columns.count < columns.width && k < end; ++k) {
      std::fill(panel + static_cast<size_t>(k) * columns.width + columns.count,
                panel + static_cast<size_t>(k + 1) * columns.width, 0.0f);
    }
  }
}

// panel (inner, width): panel[k, c] = weight[k, first + c].
void packPlain(const Weight& weight, int inner, const PanelColumns& columns, float* panel) {
  for (int k = 0; k < inner; ++k) {
    const float* from = weight.row(k);
    float* to = panel + static_cast<size_t>(k) * columns.width;
    if (weight.taps == 1) {
      std::copy_n(from + columns.first, columns.count, to);
    } else {
      for (int c = 0; c < columns.count; ++c) to[c] = from[weight.position(columns.first + c)];
    }
    std::fill(to + columns.count, to + columns.width, 0.0f);
  }
}

}  // namespace

bool CpuBackend::usesBf16(int inner, int columns) const {
  // Coordinates near 1 would lose up to 0.002 in bf16: the first matmul (2J -> ...) and the last
  // (... -> 3J) stay in fp32.
  return precision_ == Precision::bf16 && inner >= 64 && columns >= 64;
}

const Panels& CpuBackend::packed(const float* data, int out, int in, int taps, bool transposed) {
  const Weight weight{data, in, taps};
  const int inner = transposed ? weight.length() : out,
            columns = transposed ? out : weight.length();
  Panels& panels = panels_[reinterpret_cast<uint64_t>(data) * 2 + (transposed ? 1 : 0)];
  if (panels.epoch == epoch_ && panels.inner == inner && panels.columns == columns) return panels;

  const int width = kernels_.panelColumns;
  panels.inner = inner;
  panels.columns = columns;
  panels.count = (columns + width - 1) / width;
  panels.bf16 = usesBf16(inner, columns);
  panels.data = panels.memory.floats(panels.panelFloats(width) * panels.count);

  pool_.run(panels.count, [&](int index, int worker) {
    const int first = index * width;
    const PanelColumns own{first, std::min(width, columns - first), width};
    float* panel = panels.data + panels.panelFloats(width) * index;
    float* rows = panel;  // (inner, width); bf16: one row more where that is odd
    if (panels.bf16) rows = workerScratch_[worker].floats(static_cast<size_t>(inner + 1) * width);
    if (transposed) {
      packTransposed(weight, inner, own, rows);
    } else {
      packPlain(weight, inner, own, rows);
    }
    if (!panels.bf16) return;

    // Round: rows 2 p and 2 p + 1 become row p of words.
    if (inner % 2 == 1) std::fill_n(rows + static_cast<size_t>(inner) * width, width, 0.0f);
    auto* words = reinterpret_cast<uint32_t*>(panel);
    for (int k = 0; k < inner; k += 2) {
      kernels_.roundRowPair(rows + static_cast<size_t>(k) * width,
                            rows + static_cast<size_t>(k + 1) * width, width,
                            words + static_cast<size_t>(k / 2) * width);
    }
  });
  panels.epoch = epoch_;
  return panels;
}

}  // namespace pstmo::cpu
