// The CUDA backend: one class, its operations spread over the .cu files of this folder by noun, one
// stream.
#pragma once

#include <device/runtime.h>

#include <map>
#include <memory>
#include <string>

#include "cublaslt/matmul.h"
#include "cuda-backend.h"
#include "kernels/matmul.h"
#include "scratch.h"
#include "staging.h"

namespace pstmo::cuda {

// Rates of the optimizer that depend on the number of the step.
struct AdamRates {
  float stepSize, rootCorrection;
};
AdamRates adamRates(const AdamStep& op);

class CudaBackend final : public Backend {
 public:
  CudaBackend(int device, Precision precision, const std::string& matmul);
  ~CudaBackend() override;

  std::string describe() const override;
  Precision precision() const override { return precision_; }
  Storage branchStorage() const override {
    return precision_ == Precision::bf16 ? Storage::bfloat16 : Storage::narrowable;
  }
  std::unique_ptr<Timeline> timeline() override;
  void* allocate(size_t bytes) override;
  void release(void* memory) override;
  void copyIn(void* device, const void* host, size_t bytes) override;
  void copyOut(void* host, const void* device, size_t bytes) override;
  void copyOutLater(void* host, const void* device, size_t bytes) override;
  void finishCopies() override { staging_.finish(); }
  void abandonCopies() override { staging_.abandon(); }
  void copyWithin(void* to, const void* from, size_t bytes) override;
  void zero(void* device, size_t bytes) override;
  size_t freeBytes() override;
  void runStep(const StepKey& key, const StepValues& values,
               const std::function<void()>& body) override;
  void weightsChanged() override {}  // weights are read where they stand

  // The stream, after making its device this thread's: a model is made on one thread and runs on
  // another.
  cudaStream_t stream() const;
  int device() const { return device_; }

  // As measureCudaPeak and measureCudaCopy of cuda-backend.h, in this backend's precision.
  double peak(double seconds);
  double copyRate(double seconds);

  PSTMO_FOR_EACH_OP(PSTMO_DECLARE_RUN)

 private:
  // Dropout for a kernel: within runStep, seed and step are read from device memory.
  DropoutMask dropoutMaskOf(const Dropout& dropout) const;
  // Where the optimizer's step reads its rates, or null.
  const StepState* stateOf(const AdamStep& op) const;
  StepKey withScratch(StepKey key) const;
  void capture(cudaGraphExec_t& graph, const std::function<void()>& body);
  void dropGraphs();

  // The precision of a matmul of this shape.
  Precision precisionOf(int64_t inner, int64_t columns) const;
  // C (rows, columns) of `inner` terms through the epilogue.
  template <typename A, typename B>
  void matmul(int64_t rows, int columns, int64_t inner, const A& a, const B& b,
              const Epilogue& epilogue);
  // The same by own kernels, `depth` of the inner dimension a block.
  template <typename A, typename B>
  void launchMatmul(Precision precision, int64_t rows, int columns, int64_t inner, int64_t depth,
                    const A& a, const B& b, const Epilogue& epilogue);
  // The same in bf16.
  template <typename A, typename B>
  void launchBrainFloatMatmul(int64_t rows, int columns, int64_t inner, int64_t depth, const A& a,
                              const B& b, const Epilogue& epilogue);
  // (rows, columns) in memory, or its transposed, as pairs of bf16: as it lies, or rounded into
  // `scratch`.
  BrainOperand rounded(const ConstActivations& from, int fromStride, bool transposed, int64_t rows,
                       int columns, Scratch& scratch);
  // The same by cuBLASLt, and a kernel after it for the rest of the epilogue. False where own
  // kernels must do it all.
  template <typename A, typename B>
  bool matmulByLibrary(int64_t rows, int columns, int64_t inner, const A& a, const B& b,
                       const Epilogue& epilogue);
  // dWeight (out, length) += dZ^T b, where b's element (column j, inner index row) is the layer's
  // input; dBias (out) += column sums of dZ. Either may be null.
  template <typename B>
  void weightGradient(int64_t rows, const ConstActivations& dZ, int out, int length, const B& b,
                      float* dWeight, float* dBias);
  template <typename B>
  bool weightGradientByLibrary(int64_t rows, const ConstActivations& dZ, int out, int length,
                               const B& b, float* dWeight, float* dBias);
  LibraryOperand operandOf(const RowMajor& a, int64_t) const { return {a.data, a.stride, true}; }
  LibraryOperand operandOf(const InnerMajor& a, int64_t) const { return {a.data, a.stride, false}; }
  // The gathered rows, laid out in memory.
  LibraryOperand operandOf(const ConvolutionRowMajor& a, int64_t rows);
  LibraryOperand operandOf(const ConvolutionInnerMajor& a, int64_t rows);
  ConstActivations gatherRows(const ConvolutionRows& a, int64_t rows);
  // By cuBLASLt, which multiplies two matrices of one type: where one array is bfloat16, the
  // float32 ones that come in are rounded first. False where nothing was done.
  bool runByLibrary(Precision precision, LibraryMatmul product);
  // sums (channels) += column sums of x (rows, channels).
  void addColumnSums(int64_t rows, int channels, const ConstActivations& x, float* sums);
  // Partial moments of chunks of kReduceRows rows of x (rows, channels).
  void chunkMoments(int64_t rows, int channels, const ConstActivations& x, float* partials);
  // Partial moments (chunks of `chunkRows` rows, 2, channels) to mean and 1 / std, running
  // statistics moved.
  void mergeMoments(int64_t rows, int chunkRows, int channels, const float* partials, float* mean,
                    float* inverseStd, float* runningMean, float* runningVariance);

  int device_;
  Precision precision_;
  std::string name_;
  cudaStream_t stream_ = nullptr;
  Scratch partials_, sums_, gathered_;
  Scratch rounded_[3];  // left and right operand, and bias for cuBLASLt, in bfloat16
  Staging staging_;
  std::unique_ptr<MatmulLibrary> library_;  // null: own kernels

  // Recorded steps by key and scratch memory; null until the second time. `now_` is set while a
  // step's operations are called.
  std::map<StepKey, cudaGraphExec_t> graphs_;
  bool recordsSteps_;
  StepState* state_ = nullptr;
  const StepValues* now_ = nullptr;
};

}  // namespace pstmo::cuda
