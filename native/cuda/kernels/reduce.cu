#include "reduce.h"

namespace pstmo::cuda {
namespace {

struct PartialsSmem {
  SharedMatrix<double, kReduceLanes, kReduceColumns> sums;
};

// The second kernel of reduce.h: partials (chunks, columns) to (columns).
// Grid: block x takes 32 columns from 32 x on. Thread (x, lane) adds every eighth chunk of one
// column; lane 0 then adds the 8 sums in order, through shared memory (8, 32).
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

  // All chunks.
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
