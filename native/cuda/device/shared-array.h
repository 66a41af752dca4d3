// Arrays in a block's shared memory. On the emulated device every access is checked: its bounds,
// and that a barrier lies between two lanes that touch one cell, of which one writes.
#pragma once

#include "runtime.h"

namespace pstmo::cuda {

#if defined(PSTMO_CUDA_EMULATED)
#define PSTMO_PLACE , ::pstmo::emulation::Place place = ::pstmo::emulation::Place::current()
#else
#define PSTMO_PLACE
#endif

template <typename T, int kCount>
struct SharedArray {
  static_assert(sizeof(T) % 4 == 0, "the shadow has a cell for each four bytes");
  T cells[kCount];

  __device__ __forceinline__ T get(int i PSTMO_PLACE) const {
#if defined(PSTMO_CUDA_EMULATED)
    auto& block = emulation::Block::current();
    if (i < 0 || i >= kCount)
      block.fail("reads element " + std::to_string(i) + " of " + std::to_string(kCount), place);
    block.noteRead(&cells[i], place);
#endif
    return cells[i];
  }
  __device__ __forceinline__ void put(int i, T value PSTMO_PLACE) {
#if defined(PSTMO_CUDA_EMULATED)
    auto& block = emulation::Block::current();
    if (i < 0 || i >= kCount)
      block.fail("writes element " + std::to_string(i) + " of " + std::to_string(kCount), place);
    block.noteWrite(&cells[i], place);
#endif
    cells[i] = value;
  }
};

// kRows rows of kColumns, kPad unused ones behind each row (other banks for a column of it).
template <typename T, int kRows, int kColumns, int kPad = 0>
struct SharedMatrix {
  SharedArray<T, kRows*(kColumns + kPad)> cells;

#if defined(PSTMO_CUDA_EMULATED)
  T get(int row, int column PSTMO_PLACE) const { return cells.get(at(row, column, place), place); }
  void put(int row, int column, T value PSTMO_PLACE) {
    cells.put(at(row, column, place), value, place);
  }
  float4 get4(int row, int column PSTMO_PLACE) const {
    if (column % 4 != 0)
      emulation::Block::current().fail(
          "reads four elements at once from column " + std::to_string(column), place);
    return {get(row, column, place), get(row, column + 1, place), get(row, column + 2, place),
            get(row, column + 3, place)};
  }

 private:
  static int at(int row, int column, emulation::Place place) {
    if (row < 0 || row >= kRows || column < 0 || column >= kColumns) {
      emulation::Block::current().fail(
          "touches (" + std::to_string(row) + ", " + std::to_string(column) + ") of (" +
              std::to_string(kRows) + ", " + std::to_string(kColumns) + ")",
          place);
    }
    return row * (kColumns + kPad) + column;
  }
#else
  __device__ __forceinline__ T get(int row, int column) const {
    return cells.get(row * (kColumns + kPad) + column);
  }
  __device__ __forceinline__ void put(int row, int column, T value) {
    cells.put(row * (kColumns + kPad) + column, value);
  }
  // Four floats at once; `column` a multiple of 4, as the length of a row must be.
  __device__ __forceinline__ float4 get4(int row, int column) const {
    static_assert((kColumns + kPad) % 4 == 0, "rows begin at 16 bytes");
    return *reinterpret_cast<const float4*>(&cells.cells[row * (kColumns + kPad) + column]);
  }
#endif
};

// The same for words of any content, how many rows and how long they are known at launch alone.
// Behind each row lie kWordPad unused words: where a row is a multiple of 32 words, a column of
// eight rows lies in other banks.
constexpr int kWordPad = 4;

struct SharedWords {
  uint32_t* words;
  int rows, columns;

  __host__ __device__ static constexpr int size(int rows, int columns) {
    return rows * (columns + kWordPad);
  }
#if defined(PSTMO_CUDA_EMULATED)
  uint32_t get(int row, int column PSTMO_PLACE) const {
    const uint32_t* cell = at(row, column, place);
    emulation::Block::current().noteRead(cell, place);
    return *cell;
  }
  void put(int row, int column, uint32_t value PSTMO_PLACE) const {
    uint32_t* cell = at(row, column, place);
    emulation::Block::current().noteWrite(cell, place);
    *cell = value;
  }
  uint4 get4(int row, int column PSTMO_PLACE) const {
    (void)at4(row, column, place);
    return {get(row, column, place), get(row, column + 1, place), get(row, column + 2, place),
            get(row, column + 3, place)};
  }
  uint32_t* at4(int row, int column PSTMO_PLACE) const {
    if (column % 4 != 0)
      emulation::Block::current().fail(
          "takes four words at once from column " + std::to_string(column), place);
    (void)at(row, column + 3, place);
    return at(row, column, place);
  }

 private:
  uint32_t* at(int row, int column, emulation::Place place) const {
    if (row < 0 || row >= rows || column < 0 || column >= columns) {
      emulation::Block::current().fail(
          "touches (" + std::to_string(row) + ", " + std::to_string(column) + ") of (" +
              std::to_string(rows) + ", " + std::to_string(columns) + ")",
          place);
    }
    return words + row * (columns + kWordPad) + column;
  }
#else
  __device__ __forceinline__ uint32_t get(int row, int column) const {
    return words[row * (columns + kWordPad) + column];
  }
  __device__ __forceinline__ void put(int row, int column, uint32_t value) const {
    words[row * (columns + kWordPad) + column] = value;
  }
  // Four words at once; `column` a multiple of 4, as the length of a row must be.
  __device__ __forceinline__ uint4 get4(int row, int column) const {
    return *reinterpret_cast<const uint4*>(at4(row, column));
  }
  __device__ __forceinline__ uint32_t* at4(int row, int column) const {
    return words + row * (columns + kWordPad) + column;
  }
#endif
};

}  // namespace pstmo::cuda
