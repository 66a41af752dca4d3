// Sums over the rows of a matrix (rows, columns), column by column, in two kernels: over fixed
// chunks of 128 rows, then over the chunks in their order, in double precision. No atomics: the
// same bits each time, on every device.
#pragma once

#include <device/shared-array.h>

namespace pstmo::cuda {

constexpr int kReduceColumns = 32, kReduceLanes = 8;  // threads of a block, x and y
constexpr int kReduceRows = 128;                      // of a chunk

inline int64_t reduceChunks(int64_t rows) { return (rows + kReduceRows - 1) / kReduceRows; }

template <int kSums>
struct ReduceSmem {
  SharedMatrix<float, kReduceLanes * kSums, kReduceColumns> sums;
};

// partials[chunk][s][column] = sum over the chunk's rows of values[s] of terms(row, column,
// values). Grid: block (x, y) takes chunk x and 32 columns from 32 y on. Thread (x, lane) sums
// every eighth row of one column. Shared memory: those sums (8 kSums, 32), which lane s adds in
// order for sum s.
template <int kSums, typename Terms>
__global__ void __launch_bounds__(kReduceColumns* kReduceLanes)
    reduceChunksKernel(int64_t rows, int columns, Terms terms, float* partials) {
  auto& smem = sharedMemory<ReduceSmem<kSums>>();
  const int lane = static_cast<int>(threadIdx.y), x = static_cast<int>(threadIdx.x);
  const int column = static_cast<int>(blockIdx.y) * kReduceColumns + x;
  const int64_t chunk = blockIdx.x,
                end = (chunk + 1) * kReduceRows < rows ? (chunk + 1) * kReduceRows : rows;

  // The thread's rows.
  float sums[kSums] = {};
  for (int64_t row = chunk * kReduceRows + lane; column < columns && row < end;
       row += kReduceLanes) {
    float values[kSums];
    terms(row, column, values);
#pragma unroll
    for (int s = 0; s < kSums; ++s) sums[s] += values[s];
  }

  // The 8 lanes of a column, in order.
#pragma unroll
  for (int s = 0; s < kSums; ++s) smem.sums.put(s * kReduceLanes + lane, x, sums[s]);
  __syncthreads();
  if (lane >= kSums || column >= columns) return;
  float total = 0;
  for (int i = 0; i < kReduceLanes; ++i) total += smem.sums.get(lane * kReduceLanes + i, x);
  partials[(chunk * kSums + lane) * columns + column] = total;
}

// Adds the chunks' partials (chunks, sums channels) in order. Where they are not null, `result`
// (sums channels) = all of it, `first` (channels) += the first sum, `second` (channels) += the
// second.
void addPartials(cudaStream_t stream, const float* partials, int64_t chunks, int sums, int channels,
                 float* result, float* first, float* second);

// Runs the first of the two kernels. partials: reduceChunks(rows) kSums columns floats.
template <int kSums, typename Terms>
void reduceRows(cudaStream_t stream, int64_t rows, int columns, const Terms& terms,
                float* partials) {
  const dim3 grid(static_cast<unsigned>(reduceChunks(rows)),
                  static_cast<unsigned>((columns + kReduceColumns - 1) / kReduceColumns));
  launch(reduceChunksKernel<kSums, Terms>, grid, dim3(kReduceColumns, kReduceLanes),
         sizeof(ReduceSmem<kSums>), stream, rows, columns, terms, partials);
}

}  // namespace pstmo::cuda
