// Column sums over the rows of a matrix, second part: the chunks' sums become the columns' sums.
// reduce.h has the first part, and says which sums these are.
//
// Determinism. Chunks are added in a fixed order, in double precision, without atomics: the same
// bits each time.
#include "reduce.h"

namespace pstmo::cuda {
namespace {

struct PartialsSmem {
  SharedMatrix<double, kReduceLanes, kReduceColumns> sums;
};

// total[column] = sum over the chunks of partials[chunk][column]. partials (chunks, columns); the
// columns are (sums, channels), one or two sums. Those that are not null take the totals:
//   result (columns) =,   first (channels) += of sum 0,   second (channels) += of sum 1
//
// Grid: block x takes 32 columns from 32 x on. Thread (x, lane) adds every eighth chunk of one
// column. Shared memory (8, 32): those sums, which lane 0 adds in order.
__global__ void __launch_bounds__(kReduceColumns* kReduceLanes)
    addPartialsKernel(const float* partials, int64_t chunks, int columns, int channels,
                      float* result, float* first, float* second) {
  auto& smem = sharedMemory<PartialsSmem>();
  const int lane = static_cast<int>(threadIdx.y), x = static_cast<int>(threadIdx.x),
            column = static_cast<int>(blockIdx.x) * kReduceColumns + x;

  // The thread's chunks.
  double sum = 0;
  for (int64_t chunk = lane; column < columns && chunk < chunks; chunk += kReduceLanes)
    sum += static_cast<double>(partials[chunk * columns + column]);
  smem.sums.put(lane, x, sum);
  __syncthreads();
  if (lane != 0 || column >= columns) return;

  // All chunks, and where the total goes.
  double total = 0;
  for (int i = 0; i < kReduceLanes; ++i) total += smem.sums.get(i, x);
  if (result) result[column] = static_cast<float>(total);
  float* target = column < channels ? first : second;
  if (target) target[column % channels] += static_cast<float>(total);
}

}  // namespace

void addPartials(cudaStream_t stream, const float* partials, int64_t chunks, int sums, int channels,
                 float* result, float* first, float* second) {
  const int columns = sums * channels;
  launch(addPartialsKernel,
         dim3(static_cast<unsigned>((columns + kReduceColumns - 1) / kReduceColumns)),
         dim3(kReduceColumns, kReduceLanes), sizeof(PartialsSmem), stream, partials, chunks,
         columns, channels, result, first, second);
}

}  // namespace pstmo::cuda
