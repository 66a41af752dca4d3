// Linear layers (1x1 convolutions) and the spatial MLP block.
#include "../cuda-device.h"
#include "elementwise.h"
#include "matmul-launch.h"
#include "reduce.h"

namespace pstmo::cuda {
namespace {

// Column sums: values[0] = x[row][column]. For reduceRows().
struct ColumnTerm {
  ConstActivations x;
  int channels;
  __device__ void operator()(int64_t row, int column, float (&values)[1]) const {
    values[0] = read(x, row * channels + column);
  }
};

}  // namespace

bool CudaBackend::runByLibrary(Precision precision, LibraryMatmul product) {
  const auto narrow = [](const ConstActivations& array) {
    return array.storage == Storage::bfloat16;
  };
  if (narrow(product.left.data) || narrow(product.right.data) || narrow(product.d)) {
    if (precision != Precision::bf16 ||
        (product.added && narrow(product.added) != narrow(product.d)))
      return false;
    const auto round = [&](ConstActivations& array, int64_t rows, int64_t columns,
                           Scratch& scratch) {
      if (!array || narrow(array)) return;
      const Activations rounded =
          scratch.activations(static_cast<size_t>(rows * columns), Storage::bfloat16);
      const int stride = static_cast<int>(columns);
      forEach(stream(), rows * columns, RoundRow{array, stride, false, stride, stride, rounded});
      array = rounded;
    };
    const LibraryOperand &left = product.left, &right = product.right;
    round(product.left.data, left.innerFirst ? product.rows : product.inner, left.stride,
          rounded_[0]);
    round(product.right.data, right.innerFirst ? product.columns : product.inner, right.stride,
          rounded_[1]);
    if (narrow(product.d)) round(product.bias, 1, product.columns, rounded_[2]);
  }
  return library_->run(stream(), precision, product);
}

void CudaBackend::addColumnSums(int64_t rows, int channels, const ConstActivations& x,
                                float* sums) {
  float* partials =
      partials_.floats(static_cast<size_t>(reduceChunks(rows)) * static_cast<size_t>(channels));
  reduceRows<1>(stream(), rows, channels, ColumnTerm{x, channels}, partials);
  addPartials(stream_, partials, reduceChunks(rows), 1, channels, nullptr, sums, nullptr);
}

// y = residual + dropout(relu(x weight^T + bias)); nothing is kept. One kernel.
void CudaBackend::run(const LinearForward& op) {
  const Epilogue epilogue{.y = op.y,
                          .bias = op.bias,
                          .relu = op.relu,
                          .dropout = dropoutMaskOf(op.dropout),
                          .residual = op.residual};
  matmul(op.rows, op.out, op.in, RowMajor{op.x, op.in}, RowMajor{op.weight, op.in}, epilogue);
}

// dX = or += dZ weight, through the ReLU and dropout of the layer before; dWeight += dZ^T x; dBias
// += column sums of dZ.
void CudaBackend::run(const LinearBackward& op) {
  if (op.dX) {
    const Epilogue epilogue{.y = op.dX,
                            .reluOutput = op.reluOutput,
                            .reluScale = op.reluScale,
                            .accumulate = op.accumulate};
    matmul(op.rows, op.in, op.out, RowMajor{op.dZ, op.out}, InnerMajor{op.weight, op.in}, epilogue);
  }
  weightGradient(op.rows, op.dZ, op.out, op.in, InnerMajor{op.x, op.in}, op.dWeight, op.dBias);
}

// Training: z = x weight^T + bias with the moments of each tile of 64 rows (on tensor cores: of
// chunks of 128, by a kernel after it), the moments joined, y normalised; z, mean and inverseStd
// are kept. Evaluation: z is not written.
void CudaBackend::run(const SpatialBlockForward& op) {
  const RowMajor x{op.x, op.in}, weight{op.weight, op.in};
  if (!op.training) {
    const Epilogue epilogue{.y = op.y,
                            .bias = op.bias,
                            .mean = op.runningMean,
                            .variance = op.runningVariance,
                            .gamma = op.gamma,
                            .beta = op.beta,
                            .slope = kLeakySlope,
                            .dropout = dropoutMaskOf(op.dropout),
                            .residual = op.residual};
    matmul(op.rows, op.out, op.in, x, weight, epilogue);
    return;
  }
  const bool apart = library_ || precisionOf(op.in, op.out) != Precision::fp32;
  const int chunkRows = apart ? kReduceRows : kTile;
  const int64_t chunks = (op.rows + chunkRows - 1) / chunkRows;
  float* moments = partials_.floats(static_cast<size_t>(chunks) * 2 * static_cast<size_t>(op.out));
  matmul(op.rows, op.out, op.in, x, weight,
         Epilogue{.y = op.z, .bias = op.bias, .moments = apart ? nullptr : moments});
  if (apart) chunkMoments(op.rows, op.out, op.z, moments);
  mergeMoments(op.rows, chunkRows, op.out, moments, op.mean, op.inverseStd, op.runningMean,
               op.runningVariance);
  elementwise(stream(), op.rows, op.out, dropoutMaskOf(op.dropout),
              Normalize{op.z, op.mean, op.inverseStd, op.gamma, op.beta, op.residual, op.y, op.out,
                        kLeakySlope});
}

// dZ first holds dY through dropout and leaky ReLU, then, after the sums over the rows, the
// gradient of z; dGamma, dBeta +=.
void CudaBackend::run(const SpatialBlockBackward& op) {
  elementwise(stream(), op.rows, op.out, dropoutMaskOf(op.dropout),
              ThroughActivation{op.dY, op.z, op.mean, op.inverseStd, op.gamma, op.beta, op.dZ,
                                op.out, kLeakySlope});
  run(BatchNormBackward{.rows = op.rows,
                        .channels = op.out,
                        .dY = op.dZ,
                        .x = op.z,
                        .gamma = op.gamma,
                        .mean = op.mean,
                        .inverseStd = op.inverseStd,
                        .dX = op.dZ,
                        .dGamma = op.dGamma,
                        .dBeta = op.dBeta});
  run(LinearBackward{.rows = op.rows,
                     .in = op.in,
                     .out = op.out,
                     .dZ = op.dZ,
                     .x = op.x,
                     .weight = op.weight,
                     .dX = op.dX,
                     .dWeight = op.dWeight,
                     .dBias = op.dBias,
                     .accumulate = op.accumulate});
}

}  // namespace pstmo::cuda
