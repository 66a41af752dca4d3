// Twin of native/cuda/device/shared-array.h: each access is checked for its bounds and noted in the
// block's shadow, which finds races.
#pragma once

#include <string>

#include "runtime.h"

namespace pstmo::cuda {

template <typename T, int kCount>
struct SharedArray {
  static_assert(sizeof(T) % 4 == 0, "the shadow has a cell for each four bytes");
  T cells[kCount];

  T get(int i, emulation::Place place = emulation::Place::current()) const {
    auto& block = emulation::Block::current();
    if (i < 0 || i >= kCount)
      block.fail("reads element " + std::to_string(i) + " of " + std::to_string(kCount), place);
    block.noteRead(&cells[i], place);
    return cells[i];
  }
  void put(int i, T value, emulation::Place place = emulation::Place::current()) {
    auto& block = emulation::Block::current();
    if (i < 0 || i >= kCount)
      block.fail("writes element " + std::to_string(i) + " of " + std::to_string(kCount), place);
    block.noteWrite(&cells[i], place);
    cells[i] = value;
  }
};

// Stops the kernel where (row, column) is outside of (rows, columns).
inline void checkPlace(int row, int column, int rows, int columns, emulation::Place place) {
  if (row >= 0 && row < rows && column >= 0 && column < columns) return;
  emulation::Block::current().fail("touches (" + std::to_string(row) + ", " +
                                       std::to_string(column) + ") of (" + std::to_string(rows) +
                                       ", " + std::to_string(columns) + ")",
                                   place);
}

inline void checkColumnOfFour(int column, emulation::Place place) {
  if (column % 4 == 0) return;
  emulation::Block::current().fail("takes four words at once from column " + std::to_string(column),
                                   place);
}

template <typename T, int kRows, int kColumns, int kPad = 0>
struct SharedMatrix {
  SharedArray<T, kRows*(kColumns + kPad)> cells;

  T get(int row, int column, emulation::Place place = emulation::Place::current()) const {
    checkPlace(row, column, kRows, kColumns, place);
    return cells.get(row * (kColumns + kPad) + column, place);
  }
  void put(int row, int column, T value, emulation::Place place = emulation::Place::current()) {
    checkPlace(row, column, kRows, kColumns, place);
    cells.put(row * (kColumns + kPad) + column, value, place);
  }
  float4 get4(int row, int column, emulation::Place place = emulation::Place::current()) const {
    static_assert((kColumns + kPad) % 4 == 0, "rows begin at 16 bytes");
    checkColumnOfFour(column, place);
    return {get(row, column, place), get(row, column + 1, place), get(row, column + 2, place),
            get(row, column + 3, place)};
  }
};

constexpr int kWordPad = 4;

struct SharedWords {
  uint32_t* words;
  int rows, columns;

  static constexpr int size(int rows, int columns) { return rows * (columns + kWordPad); }

  uint32_t get(int row, int column, emulation::Place place = emulation::Place::current()) const {
    const uint32_t* cell = at(row, column, place);
    emulation::Block::current().noteRead(cell, place);
    return *cell;
  }
  void put(int row, int column, uint32_t value,
           emulation::Place place = emulation::Place::current()) const {
    uint32_t* cell = at(row, column, place);
    emulation::Block::current().noteWrite(cell, place);
    *cell = value;
  }
  uint4 get4(int row, int column, emulation::Place place = emulation::Place::current()) const {
    (void)at4(row, column, place);
    return {get(row, column, place), get(row, column + 1, place), get(row, column + 2, place),
            get(row, column + 3, place)};
  }
  uint32_t* at4(int row, int column, emulation::Place place = emulation::Place::current()) const {
    checkColumnOfFour(column, place);
    (void)at(row, column + 3, place);
    return at(row, column, place);
  }
  void put4(int row, int column, uint4 values,
            emulation::Place place = emulation::Place::current()) const {
    (void)at4(row, column, place);
    put2(row, column, {values.x, values.y}, place);
    put2(row, column + 2, {values.z, values.w}, place);
  }
  void put2(int row, int column, uint2 values,
            emulation::Place place = emulation::Place::current()) const {
    if (column % 2 != 0)
      emulation::Block::current().fail("puts two words at once to column " + std::to_string(column),
                                       place);
    put(row, column, values.x, place);
    put(row, column + 1, values.y, place);
  }

 private:
  uint32_t* at(int row, int column, emulation::Place place) const {
    checkPlace(row, column, rows, columns, place);
    return words + row * (columns + kWordPad) + column;
  }
};

}  // namespace pstmo::cuda
