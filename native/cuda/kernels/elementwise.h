// Kernels that go element by element: over a (rows, width) matrix, with dropout or without
// (elementwise), and over a plain count (forEach). One thread writes each element: the same bits
// each time. No shared memory.
#pragma once

#include "dropout-mask.h"

namespace pstmo::cuda {

constexpr int kElementThreads = 256;

// body(row, column, factor) for every element; factor is dropout's (1 where there is none).
// Grid: thread `item` of all blocks takes the four elements that share a counter of Philox: rows 2
// pair and 2 pair + 1, and two columns 16 apart. 16 neighbouring threads take 16 neighbouring
// columns.
template <typename Body>
__global__ void __launch_bounds__(kElementThreads)
    elementwiseKernel(int64_t rows, int width, DropoutMask dropout, Body body) {
  const int itemsOfPair = (width + 31) / 32 * 16;  // 16 for each 32 columns
  const int64_t item = static_cast<int64_t>(blockIdx.x) * kElementThreads + threadIdx.x,
                pair = item / itemsOfPair;
  if (pair * 2 >= rows) return;

  // The item's first column, and its words of Philox.
  const int lane = static_cast<int>(item % itemsOfPair), first = lane / 16 * 32 + lane % 16;
  PhiloxWords words{};
  if (dropout.active) words = dropoutWords(dropout, width, pair, first);

  // Its four elements.
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int64_t row = pair * 2 + i / 2;
    const int column = first + i % 2 * 16;
    if (row < rows && column < width) body(row, column, dropoutFactor(dropout, words, row, column));
  }
}

template <typename Body>
void elementwise(cudaStream_t stream, int64_t rows, int width, const DropoutMask& dropout,
                 const Body& body) {
  const int64_t items = (rows + 1) / 2 * ((width + 31) / 32 * 16);
  launch(elementwiseKernel<Body>,
         dim3(static_cast<unsigned>((items + kElementThreads - 1) / kElementThreads)),
         dim3(kElementThreads), 0, stream, rows, width, dropout, body);
}

// body(i) for i < count, one thread each.
template <typename Body>
__global__ void __launch_bounds__(kElementThreads) forEachKernel(int64_t count, Body body) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kElementThreads + threadIdx.x;
  if (i < count) body(i);
}

template <typename Body>
void forEach(cudaStream_t stream, int64_t count, const Body& body) {
  launch(forEachKernel<Body>,
         dim3(static_cast<unsigned>((count + kElementThreads - 1) / kElementThreads)),
         dim3(kElementThreads), 0, stream, count, body);
}

}  // namespace pstmo::cuda
