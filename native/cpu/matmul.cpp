// Matrix products on packed panels: weights are packed once for each change, rows are taken about
// 243 at a time so that they stay in the second-level cache while every panel passes through the
// first.
#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu-device.h"

namespace pstmo::cpu {
namespace {

constexpr int kInnerBlock =
    256;  // rows of a panel that stay in the first-level cache (32 KB with 32 columns)
constexpr double kSmallProduct = 5e5;  // multiply-adds that take about as long as waking a thread
constexpr int kGradientBlock =
    128;  // steps (rows, bf16: row pairs) reduced at a time in a weight gradient

int roundUp(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

void prefetch(const float* x, int count) {
  for (int i = 0; i < count; i += 16) __builtin_prefetch(x + i, 0, 1);
}

}  // namespace

void RowSource::copy(int64_t row, float* to) const {
  if (taps == 1) {
    std::memcpy(to, x + row * width, static_cast<size_t>(width) * sizeof(float));
    return;
  }
  const int64_t window = row / outTokens, first = row % outTokens * stride - 1;
  for (int tap = 0; tap < 3; ++tap) {
    const int64_t token = first + tap;
    float* at = to + tap * width;
    if (token < 0 || token >= tokens) {
      std::memset(at, 0, static_cast<size_t>(width) * sizeof(float));
    } else {
      std::memcpy(at, x + (window * tokens + token) * width,
                  static_cast<size_t>(width) * sizeof(float));
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

const float* RowSource::near(int64_t row) const {
  return taps == 1 ? x + row * width
                   : x + (row / outTokens * tokens + row % outTokens * stride) * width;
}

bool CpuBackend::usesBf16(int inner, int columns) const {
  // Coordinates near 1 would lose up to 0.002 in bf16: the first product (2J -> ...) and the last
  // (... -> 3J) stay in fp32.
  return precision_ == Precision::bf16 && inner >= 64 && columns >= 64;
}

const Panels& CpuBackend::packed(const float* weight, int out, int in, int taps, bool transposed) {
  Panels& p = panels_[reinterpret_cast<uint64_t>(weight) * 2 + (transposed ? 1 : 0)];
  const int length = in * taps, inner = transposed ? length : out,
            columns = transposed ? out : length;
  if (p.epoch == epoch_ && p.inner == inner && p.columns == columns) return p;
  const int width = kernels_.panelColumns;
  p.inner = inner;
  p.columns = columns;
  p.count = (columns + width - 1) / width;
  p.bf16 = usesBf16(inner, columns);
  p.data = p.memory.floats(p.panelFloats(width) * p.count);
  // Where column q of a weight's row stands: the taps of a channel lie side by side in memory, the
  // channels of a tap in a product.
  const auto at = [&](int q) { return taps == 1 ? q : q % in * taps + q / in; };
  pool_.run(p.count, [&](int panel, int worker) {
    const int first = panel * width, count = std::min(width, columns - first);
    float* packed = p.data + p.panelFloats(width) * panel;
    float* row =
        p.bf16 ? workerScratch_[worker].floats(static_cast<size_t>(inner + 1) * width) : packed;
    if (p.bf16 && inner % 2 == 1)
      std::fill(row + static_cast<size_t>(inner) * width,
                row + static_cast<size_t>(inner + 1) * width, 0.0f);
    if (transposed) {
      // Sixteen rows of the panel at a time: their cache lines stay near while every column writes
      // into them.
      for (int block = 0; block < inner; block += 16) {
        const int end = std::min(inner, block + 16);
        for (int c = 0; c < count; ++c) {
          const float* from = weight + static_cast<size_t>(first + c) * length;
          float* to = row + c;
          if (taps == 1) {
            for (int k = block; k < end; ++k) to[static_cast<size_t>(k) * width] = from[k];
          } else {
            for (int k = block; k < end; ++k) to[static_cast<size_t>(k) * width] = from[at(k)];
          }
        }
        for (int k = block; count < width && k < end; ++k)
          std::fill(row + static_cast<size_t>(k) * width + count,
                    row + static_cast<size_t>(k + 1) * width, 0.0f);
      }
    } else {
      for (int k = 0; k < inner; ++k) {
        const float* from = weight + static_cast<size_t>(k) * length;
        float* to = row + static_cast<size_t>(k) * width;
        if (taps == 1) {
          std::copy_n(from + first, count, to);
        } else {
          for (int c = 0; c < count; ++c) to[c] = from[at(first + c)];
        }
        std::fill(to + count, to + width, 0.0f);
      }
    }
    if (p.bf16) {
      auto* pairs = reinterpret_cast<uint32_t*>(packed);
      for (int k = 0; k < inner; k += 2)
        kernels_.pairsOfRows(row + static_cast<size_t>(k) * width,
                             row + static_cast<size_t>(k + 1) * width, width,
                             pairs + static_cast<size_t>(k / 2) * width);
    }
  });
  p.epoch = epoch_;
  return p;
}

void CpuBackend::product(int rows, const RowSource& source, const Panels& panels,
                         const TileStore& store) {
  const int tileRows = kernels_.tileRows, width = kernels_.panelColumns, inner = panels.inner;
  const int chunk = std::min(tileRows * (inner <= 512 ? 27 : 9), roundUp(rows, tileRows));
  const int chunks = (rows + chunk - 1) / chunk;
  // Few rows: the panels are shared out too, so that one window still uses every thread.
  const bool small = static_cast<double>(rows) * inner * panels.columns < kSmallProduct;
  const int wanted = small ? 1 : 3 * pool_.threads();
  const int groups = chunks >= wanted ? 1 : std::min(panels.count, (wanted + chunks - 1) / chunks);
  const bool copies = panels.bf16 || source.taps > 1;
  const int pairs = (inner + 1) / 2, unit = panels.bf16 ? pairs : inner,
            block = panels.bf16 ? kInnerBlock / 2 : kInnerBlock;
  const int blocks = (unit + block - 1) / block, tiles = chunk / tileRows;
  const size_t tileFloats = static_cast<size_t>(tileRows) * width;
  pool_.run(chunks * groups, [&](int item, int worker) {
    const int first = item / groups * chunk, count = std::min(chunk, rows - first),
              group = item % groups;
    float* outs = workerScratch_[worker].floats(tileFloats * tiles +
                                                static_cast<size_t>(unit) * chunk + inner + 16);
    float* copied = outs + tileFloats * tiles;
    if (copies) {
      float* row = copied + static_cast<size_t>(unit) * chunk;
      for (int r = 0; r < count; ++r) {
        if (!panels.bf16) {
          source.copy(first + r, copied + static_cast<size_t>(r) * unit);
        } else if (source.taps == 1) {
          kernels_.pairsOfRow(source.x + static_cast<int64_t>(first + r) * inner, inner,
                              reinterpret_cast<uint32_t*>(copied) + static_cast<size_t>(r) * unit);
        } else {
          kernels_.pairsOfRow(source.row(first + r, row), inner,
                              reinterpret_cast<uint32_t*>(copied) + static_cast<size_t>(r) * unit);
        }
      }
    }
    const float* a = copies ? copied : source.x + static_cast<int64_t>(first) * inner;
    for (int panel = panels.count * group / groups; panel < panels.count * (group + 1) / groups;
         ++panel) {
      const float* b = panels.data + panels.panelFloats(width) * panel;
      for (int k = 0; k < blocks; ++k) {
        const int length = std::min(block, unit - k * block);
        for (int r = 0; r < count; r += tileRows) {
          const int tileCount = std::min(tileRows, count - r);
          float* out = outs + (blocks > 1 ? tileFloats * (r / tileRows) : 0);
          const float* left = a + static_cast<size_t>(r) * unit + static_cast<size_t>(k) * block;
          const float* right = b + static_cast<size_t>(k) * block * width;
          if (panels.bf16) {
            kernels_.tileBf16(tileCount, reinterpret_cast<const uint32_t*>(left), unit, false,
                              length, reinterpret_cast<const uint32_t*>(right), out, k > 0);
          } else {
            kernels_.tile(tileCount, left, unit, false, length, right, width, out, k > 0);
          }
          if (k == blocks - 1) kernels_.store(store, out, first + r, tileCount, panel * width);
        }
      }
    }
  });
}

void CpuBackend::weightGradient(int rows, const float* dZ, int out, const RowSource& source,
                                float* dWeight) {
  const int tileRows = kernels_.tileRows, width = kernels_.panelColumns, length = source.length(),
            in = source.width, taps = source.taps;
  // The sums stand in tiles, rows of one side by whole panels of the other: which is which goes by
  // what less is padded (34 columns fill two panels badly).
  const RowSource gradient{.x = dZ, .width = out};
  const auto padded = [&](int tall, int wide) {
    return static_cast<int64_t>(roundUp(tall, tileRows)) * roundUp(wide, width);
  };
  const bool swapped = taps == 1 && padded(length, out) < padded(out, length);
  const RowSource& left = swapped ? source : gradient;
  const RowSource& right = swapped ? gradient : source;
  const int tall = left.length(), wide = right.length();

  const bool bf16 = usesBf16(out, length);
  const int block = bf16 ? 2 * kGradientBlock : kGradientBlock;
  const int panelCount = (wide + width - 1) / width, rowTiles = (tall + tileRows - 1) / tileRows;
  const int panelSplit = std::max(1, (panelCount + 15) / 16);
  // Each part packs the rows of the right side for itself, so there are no more parts than the
  // second-level cache asks for and the threads share evenly.
  int rowSplit = (tall + 383) / 384;
  while (panelSplit * rowSplit % pool_.threads() != 0 &&
         panelSplit * rowSplit < 4 * pool_.threads())
    ++rowSplit;
  rowSplit = std::min(rowSplit, rowTiles);
  const std::vector<float> zeros(std::max(out, length), 0.0f);
  pool_.run(panelSplit * rowSplit, [&](int item, int worker) {
    const int panelBegin = panelCount * (item % panelSplit) / panelSplit,
              panelEnd = panelCount * (item % panelSplit + 1) / panelSplit;
    const int tileBegin = rowTiles * (item / panelSplit) / rowSplit,
              tileEnd = rowTiles * (item / panelSplit + 1) / rowSplit;
    const int panels = panelEnd - panelBegin, tiles = tileEnd - tileBegin, columns = panels * width;
    const size_t tileFloats = static_cast<size_t>(tileRows) * width;
    const int begin = tileBegin * tileRows, outs = std::min(tall, tileEnd * tileRows) - begin;
    const int leftStride =
        roundUp(outs, 16) + 16;  // off the powers of two, which would crowd a few cache sets
    float* sums = workerScratch_[worker].floats(
        tileFloats * tiles * panels + static_cast<size_t>(kGradientBlock) * (columns + leftStride) +
        2 * static_cast<size_t>(wide));
    float* rightPanels =
        sums + tileFloats * tiles * panels;  // [panel][row][width], bf16: [panel][row pair][width]
    float* leftRows = rightPanels + static_cast<size_t>(kGradientBlock) *
                                        columns;  // [row][outs], bf16: [row pair][outs]
    float* row0 = leftRows + static_cast<size_t>(kGradientBlock) * leftStride;
    float* row1 = row0 + wide;
    for (int first = 0; first < rows; first += block) {
      const int count = std::min(block, rows - first), units = bf16 ? (count + 1) / 2 : count;
      for (int u = 0; u < units; ++u) {
        const int r = bf16 ? 2 * u : u;
        const bool paired = bf16 && r + 1 < count;
        const float* from =
            left.x + static_cast<int64_t>(first + r) * tall + begin;  // one tap, on this side
        const float* source0 = right.row(first + r, row0);
        const float* source1 = paired ? right.row(first + r + 1, row1) : zeros.data();
        if (bf16) {
          kernels_.pairsOfRows(
              from, paired ? from + tall : zeros.data(), outs,
              reinterpret_cast<uint32_t*>(leftRows) + static_cast<size_t>(u) * leftStride);
        } else {
          std::memcpy(leftRows + static_cast<size_t>(u) * leftStride, from,
                      static_cast<size_t>(outs) * sizeof(float));
        }
        for (int p = 0; p < panels; ++p) {
          float* to = rightPanels + (static_cast<size_t>(p) * units + u) * width;
          const int column = (panelBegin + p) * width, floats = std::min(width, wide - column);
          if (bf16) {
            kernels_.pairsOfRows(source0 + column, source1 + column, floats,
                                 reinterpret_cast<uint32_t*>(to));
          } else {
            std::memcpy(to, source0 + column, static_cast<size_t>(floats) * sizeof(float));
          }
          std::fill(to + floats, to + width, 0.0f);
        }
      }
      int asked = 0;  // rows of the next block that are on their way to the second-level cache
                      // while this one is worked on
      const int next = std::min(block, rows - first - block);
      for (int t = 0; t < tiles; ++t) {
        const int tileCount = std::min(tileRows, outs - t * tileRows);
        for (int p = 0; p < panels; ++p) {
          for (const int until = next * (t * panels + p + 1) / (tiles * panels); asked < until;
               ++asked) {
            const int64_t row = first + block + asked;
            prefetch(left.near(row) + begin, outs);
            prefetch(right.near(row) + panelBegin * width, std::min(columns, wide));
          }
          float* tileSums = sums + tileFloats * (static_cast<size_t>(t) * panels + p);
          const float* b = rightPanels + static_cast<size_t>(p) * units * width;
          if (bf16) {
            kernels_.tileBf16(tileCount, reinterpret_cast<uint32_t*>(leftRows) + t * tileRows,
                              leftStride, true, units, reinterpret_cast<const uint32_t*>(b),
                              tileSums, first > 0);
          } else {
            kernels_.tile(tileCount, leftRows + t * tileRows, leftStride, true, units, b, width,
                          tileSums, first > 0);
          }
        }
      }
    }
    for (int t = 0; t < tiles; ++t) {
      for (int p = 0; p < panels; ++p) {
        const float* tileSums = sums + tileFloats * (static_cast<size_t>(t) * panels + p);
        const int firstColumn = (panelBegin + p) * width;
        const int tileCount = std::min(tileRows, outs - t * tileRows),
                  columnCount = std::min(width, wide - firstColumn);
        for (int i = 0; i < tileCount; ++i) {
          const size_t row = static_cast<size_t>(begin + t * tileRows + i);
          const float* from = tileSums + static_cast<size_t>(i) * width;
          if (swapped) {
            for (int c = 0; c < columnCount; ++c)
              dWeight[static_cast<size_t>(firstColumn + c) * tall + row] += from[c];
          } else if (taps == 1) {
            for (int c = 0; c < columnCount; ++c) dWeight[row * wide + firstColumn + c] += from[c];
          } else {
            // Columns are (tap, in), the weight's are (in, tap).
            int tap = firstColumn / in, channel = firstColumn % in;
            for (int c = 0; c < columnCount; ++c) {
              dWeight[row * wide + channel * taps + tap] += from[c];
              if (++channel == in) channel = 0, ++tap;
            }
          }
        }
      }
    }
  });
}

void CpuBackend::addColumnSums(int rows, int channels, const float* x, float* sums) {
  const float* total = reduceRows(rows, channels, [&](int begin, int end, float* partial) {
    kernels_.columnSums(x, channels, begin, end, partial);
  });
  for (int c = 0; c < channels; ++c) sums[c] += total[c];
}

}  // namespace pstmo::cpu
