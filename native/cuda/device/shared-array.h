// Arrays in a block's shared memory. The emulated device checks each access: its bounds, and that a
// barrier lies between two lanes that touch one cell, of which one writes.
#pragma once

#include "runtime.h"

namespace pstmo::cuda {

template <typename T, int kCount>
struct SharedArray {
  T cells[kCount];

  __device__ __forceinline__ T get(int i) const { return cells[i]; }
  __device__ __forceinline__ void put(int i, T value) { cells[i] = value; }
};

// kRows rows of kColumns, kPad unused ones behind each row (other banks for a column of it).
template <typename T, int kRows, int kColumns, int kPad = 0>
struct SharedMatrix {
  SharedArray<T, kRows*(kColumns + kPad)> cells;

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
};

// The same for words of any content, whose rows and columns are known at launch alone. Behind each
// row lie kWordPad unused words: where a row is a multiple of 32 words, a column of eight rows lies
// in other banks.
constexpr int kWordPad = 4;

struct SharedWords {
  uint32_t* words;
  int rows, columns;

  // Words that such an array takes, its padding with it.
  __host__ __device__ static constexpr int size(int rows, int columns) {
    return rows * (columns + kWordPad);
  }

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
  __device__ __forceinline__ void put4(int row, int column, uint4 values) const {
    *reinterpret_cast<uint4*>(at4(row, column)) = values;
  }
  // Two words at once; `column` even.
  __device__ __forceinline__ void put2(int row, int column, uint2 values) const {
    *reinterpret_cast<uint2*>(words + row * (columns + kWordPad) + column) = values;
  }
};

}  // namespace pstmo::cuda
