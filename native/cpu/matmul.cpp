// Matmul: rows of activations times a packed weight, with the epilogue on the way to memory.
//
//   y = epilogue(A B)   A (rows, inner), B (inner, columns) in panels, y (rows, columns)
//
// Loop, from the outside in:
//   chunk of rows   27 tiles (9 of a wide A), 243 rows at most, which stay in the second-level
//                   cache while every panel passes; a thread takes one, or a share of its panels
//                   where there are too few chunks for the threads
//   panel           panelColumns columns of B: two vectors
//   inner block     kInnerBlock rows of the panel, which stay in the first-level cache while every
//                   tile of rows passes; sums of tiles wait in scratch from block to block
//   tile            tileRows rows by a panel, sums in registers: kernels/matmul.h
//
// Deterministic: each element of y is summed over `inner` in order by one thread, in blocks whose
// size is a constant. How rows and panels are shared out changes with the number of threads, and no
// sum crosses that.
#include <algorithm>
#include <cstring>

#include "../core/rounding.h"
#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

constexpr int kInnerBlock = 256;      // 32 KB of a panel with 32 columns; bf16: 128 pairs, 16 KB
constexpr double kSmallMatmul = 5e5;  // multiply-adds that take about as long as waking a thread

class Matmul {
 public:
  Matmul(const Kernels& kernels, int threads, int rows, const RowSource& source,
         const Panels& panels, const Epilogue& epilogue)
      : kernels_(kernels),
        rows_(rows),
        source_(source),
        panels_(panels),
        epilogue_(epilogue),
        words_(panels.bf16 ? (panels.inner + 1) / 2 : panels.inner),
        blockWords_(panels.bf16 ? kInnerBlock / 2 : kInnerBlock),
        blocks_((words_ + blockWords_ - 1) / blockWords_) {
    const int tileRows = kernels.tileRows;
    chunk_ = std::min(tileRows * (panels.inner <= 512 ? 27 : 9), roundUp(rows, tileRows));
    chunks_ = (rows + chunk_ - 1) / chunk_;
    // Few rows: the panels are shared out too, so that one window still uses every thread.
    const bool small = static_cast<double>(rows) * panels.inner * panels.columns < kSmallMatmul;
    const int wanted = small ? 1 : 3 * threads;
    if (chunks_ < wanted) groups_ = std::min(panels.count, (wanted + chunks_ - 1) / chunks_);
  }

  int items() const { return chunks_ * groups_; }

  // One chunk of rows times one group of panels.
  void run(int item, GrowingBuffer& scratch) const {
    const int first = item / groups_ * chunk_, count = std::min(chunk_, rows_ - first),
              group = item % groups_;
    const size_t sumFloats = tileFloats() * (chunk_ / kernels_.tileRows),
                 copyWords = static_cast<size_t>(words_) * chunk_;
    float* sums = scratch.floats(sumFloats + copyWords + panels_.inner);
    float* copies = sums + sumFloats;  // (chunk, words)
    float* row = copies + copyWords;   // (inner)
    const float* left = leftRows(first, count, copies, row);

    const int end = panels_.count * (group + 1) / groups_;
    for (int panel = panels_.count * group / groups_; panel < end; ++panel)
      multiplyPanel(left, first, count, panel, sums);
  }

 private:
  size_t tileFloats() const {
    return static_cast<size_t>(kernels_.tileRows) * kernels_.panelColumns;
  }

  // Rows [first, first + count) of A, (count, words): where they stand, or copied to `copies`
  // where they are rounded to bf16 or laid together from the taps of a convolution. row (inner):
  // one that does not lie together, before it is rounded.
  const float* leftRows(int first, int count, float* copies, float* row) const {
    if (!panels_.bf16 && source_.taps == 1)
      return source_.x + static_cast<int64_t>(first) * panels_.inner;
    for (int r = 0; r < count; ++r) {
      float* to = copies + static_cast<size_t>(r) * words_;
      if (panels_.bf16) {
        kernels_.roundRow(source_.row(first + r, row), panels_.inner,
                          reinterpret_cast<uint32_t*>(to));
      } else {
        source_.copy(first + r, to);
      }
    }
    return copies;
  }

  // left (count, words) times one panel, through the epilogue. sums (tiles, tileRows, panelColumns)
  // hold partial sums where `inner` takes more than one block; else one tile serves them all.
  void multiplyPanel(const float* left, int first, int count, int panel, float* sums) const {
    const int tileRows = kernels_.tileRows, width = kernels_.panelColumns;
    const auto times = panels_.bf16 ? kernels_.tileBf16 : kernels_.tile;
    const float* right = panels_.data + panels_.panelFloats(width) * panel;
    for (int block = 0; block < blocks_; ++block) {
      const int begin = block * blockWords_, length = std::min(blockWords_, words_ - begin);
      const float* b = right + static_cast<size_t>(begin) * width;
      for (int r = 0; r < count; r += tileRows) {
        const int tileCount = std::min(tileRows, count - r);
        const float* a = left + static_cast<size_t>(r) * words_ + begin;
        float* tile = sums + (blocks_ > 1 ? tileFloats() * (r / tileRows) : 0);
        times(tileCount, a, words_, false, length, b, tile, block > 0);
        if (block == blocks_ - 1)
          kernels_.storeTile(epilogue_, tile, first + r, tileCount, panel * width);
      }
    }
  }

  const Kernels& kernels_;
  const int rows_;
  const RowSource& source_;
  const Panels& panels_;
  const Epilogue& epilogue_;
  const int words_;       // 32-bit words of a row of A: floats, or pairs of bf16
  const int blockWords_;  // of an inner block
  const int blocks_;
  int chunk_, chunks_, groups_ = 1;  // rows of a chunk; chunks; groups of panels
};

}  // namespace

void RowSource::copy(int64_t row, float* to) const {
  const size_t bytes = static_cast<size_t>(width) * sizeof(float);
  if (taps == 1) {
    std::memcpy(to, x + row * width, bytes);
    return;
  }
  const int64_t window = row / outTokens, first = row % outTokens * stride - 1;
  for (int tap = 0; tap < 3; ++tap) {
    const int64_t token = first + tap;
    float* at = to + tap * width;
    if (token < 0 || token >= tokens) {
      std::memset(at, 0, bytes);
    } else {
      std::memcpy(at, x + (window * tokens + token) * width, bytes);
    }
  }
}

const float* RowSource::row(int64_t index, float* scratch) const {
  if (taps == 1) return x + index * width;
  const int64_t first = index % outTokens * stride - 1;
  if (first >= 0 && first + 2 < tokens) return x + (index / outTokens * tokens + first) * width;
  copy(index, scratch);
  return scratch;
}

const float* RowSource::prefetchAddress(int64_t row) const {
  return taps == 1 ? x + row * width
                   : x + (row / outTokens * tokens + row % outTokens * stride) * width;
}

void CpuBackend::matmul(int rows, const RowSource& source, const Panels& panels,
                        const Epilogue& epilogue) {
  const Matmul matmul(kernels_, pool_.threads(), rows, source, panels, epilogue);
  pool_.run(matmul.items(),
            [&](int item, int worker) { matmul.run(item, workerScratch_[worker]); });
}

void CpuBackend::addColumnSums(int rows, int channels, const float* x, float* sums) {
  const float* total = reduceRows(rows, channels, [&](int begin, int end, float* partial) {
    kernels_.columnSums(x, channels, begin, end, partial);
  });
  for (int c = 0; c < channels; ++c) sums[c] += total[c];
}

}  // namespace pstmo::cpu
