// Weight gradient: a matmul whose inner dimension is the rows of a batch.
//
//   dWeight[o, c, t] += sum over r of dZ[r, o] source[r, t in + c]
//
// Shapes: dZ (rows, out); source (rows, taps * in), see RowSource; dWeight (out, in, taps).
//
// Loop, from the outside in:
//   part         some tiles of rows by some panels of columns of the result, one a pool item; the
//                part's sums stand in scratch until every row of the batch is through
//   block        128 rows of the batch (bf16: 128 pairs of rows), copied together: the left side's
//                (block, outs), the right side's (panels, block, panelColumns)
//   tile, panel  each tile of sums takes the block, held in registers: kernels/matmul.h, whose left
//                side is k-major here, so that nothing is transposed
// While a block is worked on, the next one's rows are prefetched into the second-level cache.
//
// Deterministic: an element is summed over the rows in order by one thread, in blocks whose size is
// a constant, then added to dWeight once. Threads share out elements, never rows.
#include <algorithm>
#include <cstring>
#include <vector>

#include "../core/rounding.h"
#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

constexpr int kBlock = 128;  // steps over the batch reduced at a time: rows, bf16: pairs of rows
// A part is at most this large, so that its sums and a block stay in the second-level cache.
constexpr int kPartPanels = 16, kPartRows = 384;

void prefetch(const float* x, int count) {
  for (int i = 0; i < count; i += 16) __builtin_prefetch(x + i, 0, 1);
}

class WeightGradient {
 public:
  WeightGradient(const Kernels& kernels, int threads, bool bf16, int rows, const RowSource& dZ,
                 const RowSource& source, float* dWeight)
      : kernels_(kernels),
        bf16_(bf16),
        rows_(rows),
        swapped_(isSwapped(kernels, dZ, source)),
        left_(swapped_ ? source : dZ),
        right_(swapped_ ? dZ : source),
        in_(source.width),
        taps_(source.taps),
        dWeight_(dWeight),
        zeros_(std::max(dZ.length(), source.length()), 0.0f) {
    panelSplit_ = std::max(1, ceilDiv(panelCount(), kPartPanels));
    // Each part packs the rows of the right side for itself, so there are no more parts than the
    // second-level cache asks for and the threads share evenly.
    rowSplit_ = ceilDiv(tall(), kPartRows);
    while (parts() % threads != 0 && parts() < 4 * threads) ++rowSplit_;
    rowSplit_ = std::min(rowSplit_, tileCount());
  }

  int parts() const { return panelSplit_ * rowSplit_; }

  void run(int index, GrowingBuffer& scratch) const {
    const Part part = partOf(index, scratch);
    const int block = bf16_ ? 2 * kBlock : kBlock;
    for (int first = 0; first < rows_; first += block) {
      const int count = std::min(block, rows_ - first), steps = bf16_ ? ceilDiv(count, 2) : count;
      copyBlock(part, first, count, steps);
      multiplyBlock(part, first, steps, std::min(block, rows_ - first - block));
    }
    addToWeight(part);
  }

 private:
  // What one item computes, and where.
  struct Part {
    int panelBegin, panels;  // of the right side
    int begin, outs, tiles;  // of the left side: first column, columns, tiles of them
    ptrdiff_t leftStride;    // of leftRows, in words
    float* sums;             // (tiles, panels, tileRows, panelColumns)
    float* rightPanels;      // (panels, steps, panelColumns); bf16: words of two rows
    float* leftRows;         // (steps, leftStride); bf16: words of two rows
    float* gathered[2];      // (wide): rows of the right side whose taps do not lie together
  };

  // The sums stand in tiles of one side's columns by whole panels of the other's: which is which
  // goes by what less is padded (34 columns fill two panels badly).
  static bool isSwapped(const Kernels& kernels, const RowSource& dZ, const RowSource& source) {
    const auto padded = [&](int tall, int wide) {
      return static_cast<int64_t>(roundUp(tall, kernels.tileRows)) *
             roundUp(wide, kernels.panelColumns);
    };
    return source.taps == 1 &&
           padded(source.length(), dZ.length()) < padded(dZ.length(), source.length());
  }

  int tall() const { return left_.length(); }
  int wide() const { return right_.length(); }
  int tileCount() const { return ceilDiv(tall(), kernels_.tileRows); }
  int panelCount() const { return ceilDiv(wide(), kernels_.panelColumns); }
  size_t tileFloats() const {
    return static_cast<size_t>(kernels_.tileRows) * kernels_.panelColumns;
  }

  Part partOf(int index, GrowingBuffer& scratch) const {
    // Which panels and tiles of the result: even shares.
    const int panelPart = index % panelSplit_, rowPart = index / panelSplit_;
    const int tileBegin = tileCount() * rowPart / rowSplit_,
              tileEnd = tileCount() * (rowPart + 1) / rowSplit_;
    Part part{};
    part.panelBegin = panelCount() * panelPart / panelSplit_;
    part.panels = panelCount() * (panelPart + 1) / panelSplit_ - part.panelBegin;
    part.begin = tileBegin * kernels_.tileRows;
    part.outs = std::min(tall(), tileEnd * kernels_.tileRows) - part.begin;
    part.tiles = tileEnd - tileBegin;
    // Off the powers of two, which would crowd a few cache sets.
    part.leftStride = roundUp(part.outs, 16) + 16;

    // Where its sums and copies lie in the worker's scratch.
    const size_t sums = tileFloats() * part.tiles * part.panels,
                 rights = static_cast<size_t>(kBlock) * part.panels * kernels_.panelColumns,
                 lefts = static_cast<size_t>(kBlock) * part.leftStride;
    part.sums = scratch.floats(sums + rights + lefts + 2 * static_cast<size_t>(wide()));
    part.rightPanels = part.sums + sums;
    part.leftRows = part.rightPanels + rights;
    part.gathered[0] = part.leftRows + lefts;
    part.gathered[1] = part.gathered[0] + wide();
    return part;
  }

  // `count` floats of row `even`; bf16: words of it and of row `odd`.
  void copyStep(const float* even, const float* odd, int count, float* to) const {
    if (bf16_) {
      kernels_.roundRowPair(even, odd, count, reinterpret_cast<uint32_t*>(to));
    } else {
      std::memcpy(to, even, static_cast<size_t>(count) * sizeof(float));
    }
  }

  // Rows [first, first + count) of both sides, in `steps` steps, to the part's copies.
  void copyBlock(const Part& part, int first, int count, int steps) const {
    const int width = kernels_.panelColumns;
    for (int step = 0; step < steps; ++step) {
      const int row = bf16_ ? 2 * step : step;
      const bool paired = bf16_ && row + 1 < count;  // else the odd row is zeros

      // Left: columns [begin, begin + outs) of a plain row.
      const float* left = left_.x + static_cast<int64_t>(first + row) * tall() + part.begin;
      copyStep(left, paired ? left + tall() : zeros_.data(), part.outs,
               part.leftRows + static_cast<size_t>(step) * part.leftStride);

      // Right: cut into panels, zeros behind the last column.
      const float* even = right_.row(first + row, part.gathered[0]);
      const float* odd = paired ? right_.row(first + row + 1, part.gathered[1]) : zeros_.data();
      for (int p = 0; p < part.panels; ++p) {
        const int column = (part.panelBegin + p) * width, floats = std::min(width, wide() - column);
        float* to = part.rightPanels + (static_cast<size_t>(p) * steps + step) * width;
        copyStep(even + column, odd + column, floats, to);
        std::fill(to + floats, to + width, 0.0f);
      }
    }
  }

  // sums = or += (the first block overwrites) leftRows^T rightPanels. `next`: rows of the block
  // that follows, at most 0 where none does.
  void multiplyBlock(const Part& part, int first, int steps, int next) const {
    const int tileRows = kernels_.tileRows, width = kernels_.panelColumns;
    const int block = bf16_ ? 2 * kBlock : kBlock;
    const auto times = bf16_ ? kernels_.tileBf16 : kernels_.tile;
    int prefetched = 0;
    for (int t = 0; t < part.tiles; ++t) {
      const int tileCount = std::min(tileRows, part.outs - t * tileRows);
      const float* a = part.leftRows + t * tileRows;
      for (int p = 0; p < part.panels; ++p) {
        // An even share of the next block's rows with each tile.
        const int until = next * (t * part.panels + p + 1) / (part.tiles * part.panels);
        for (; prefetched < until; ++prefetched) {
          const int64_t row = first + block + prefetched;
          prefetch(left_.prefetchAddress(row) + part.begin, part.outs);
          prefetch(right_.prefetchAddress(row) + part.panelBegin * width,
                   std::min(part.panels * width, wide()));
        }

        float* sums = tileSums(part, t, p);
        const float* b = part.rightPanels + static_cast<size_t>(p) * steps * width;
        times(tileCount, a, part.leftStride, true, steps, b, sums, first > 0);
      }
    }
  }

  float* tileSums(const Part& part, int tile, int panel) const {
    return part.sums + tileFloats() * (static_cast<size_t>(tile) * part.panels + panel);
  }

  // dWeight += sums.
  void addToWeight(const Part& part) const {
    const int tileRows = kernels_.tileRows, width = kernels_.panelColumns;
    for (int t = 0; t < part.tiles; ++t) {
      const int tileCount = std::min(tileRows, part.outs - t * tileRows);
      for (int p = 0; p < part.panels; ++p) {
        const int column = (part.panelBegin + p) * width, count = std::min(width, wide() - column);
        const float* sums = tileSums(part, t, p);
        for (int i = 0; i < tileCount; ++i)
          addRow(part.begin + t * tileRows + i, column, count,
                 sums + static_cast<size_t>(i) * width);
      }
    }
  }

  // `count` sums from row `row` and column `column` of the result to dWeight (out, in, taps).
  void addRow(size_t row, int column, int count, const float* sums) const {
    if (swapped_) {
      for (int c = 0; c < count; ++c)
        dWeight_[static_cast<size_t>(column + c) * tall() + row] += sums[c];
    } else if (taps_ == 1) {
      for (int c = 0; c < count; ++c) dWeight_[row * wide() + column + c] += sums[c];
    } else {
      // Columns of the result are (tap, in), the weight's are (in, tap).
      int tap = column / in_, channel = column % in_;
      for (int c = 0; c < count; ++c) {
        dWeight_[row * wide() + channel * taps_ + tap] += sums[c];
        if (++channel == in_) channel = 0, ++tap;
      }
    }
  }

  const Kernels& kernels_;
  const bool bf16_;
  const int rows_;                  // of the batch
  const bool swapped_;              // left is the source, the result dWeight^T
  const RowSource &left_, &right_;  // of the result: its rows, in tiles; its columns, in panels
  const int in_, taps_;
  float* const dWeight_;
  const std::vector<float> zeros_;
  int panelSplit_, rowSplit_;  // parts along columns and rows of the result
};

}  // namespace

void CpuBackend::weightGradient(int rows, const float* dZ, int out, const RowSource& source,
                                float* dWeight) {
  const RowSource gradient{.x = dZ, .width = out};
  const WeightGradient sum(kernels_, pool_.threads(), usesBf16(out, source.length()), rows,
                           gradient, source, dWeight);
  pool_.run(sum.parts(), [&](int part, int worker) { sum.run(part, workerScratch_[worker]); });
}

}  // namespace pstmo::cpu
