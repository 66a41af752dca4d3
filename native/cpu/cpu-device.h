// The CPU backend: one class, its operations spread over the .cpp files of this folder by noun.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "../core/thread-pool.h"
#include "cpu-backend.h"
#include "kernels/kernels.h"

namespace pstmo::cpu {

// Memory aligned to cache lines that only grows.
class GrowingBuffer {
 public:
  ~GrowingBuffer();
  GrowingBuffer() = default;
  GrowingBuffer(GrowingBuffer&& other) noexcept : data_(other.data_), capacity_(other.capacity_) {
    other.data_ = nullptr;
  }
  GrowingBuffer(const GrowingBuffer&) = delete;
  GrowingBuffer& operator=(const GrowingBuffer&) = delete;
  float* floats(size_t count);  // contents are lost when it grows

 private:
  float* data_ = nullptr;
  size_t capacity_ = 0;
};

// Where the rows of a matmul's left operand come from: plain rows, or the three neighbours that a
// strided convolution reads (token stride * i - 1 .. stride * i + 1 of a window, zero outside),
// laid side by side.
struct RowSource {
  const float* x;  // (rows, width); taps 3: (B, tokens, width)
  int width;
  int taps = 1;  // 1 or 3
  int outTokens = 1, tokens = 1, stride = 1;

  int length() const { return width * taps; }
  void copy(int64_t row, float* to) const;
  // The row where it stands, or copied to `scratch` (length() floats) where a part of it is outside
  // its window.
  const float* row(int64_t index, float* scratch) const;
  // About where it stands.
  const float* prefetchAddress(int64_t row) const;
};

// The right operand of a matmul, a packed weight: see panels.cpp.
struct Panels {
  int inner = 0, columns = 0, count = 0;  // count: panels
  bool bf16 = false;
  GrowingBuffer memory;
  float* data = nullptr;  // (count, inner, panelColumns), or words of two bf16
  uint64_t epoch = 0;     // of the weights that were packed

  size_t panelFloats(int panelColumns) const {
    return static_cast<size_t>(bf16 ? (inner + 1) / 2 : inner) * panelColumns;
  }
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, Precision precision, const std::string& isa);

  std::string describe() const override;
  int missingThreads() const override { return pool_.missing(); }
  Precision precision() const override { return precision_; }
  Storage branchStorage() const override { return Storage::narrowable; }
  std::unique_ptr<Timeline> timeline() override { return std::make_unique<HostTimeline>(); }
  void* allocate(size_t bytes) override;
  void release(void* memory) override;
  void copyIn(void* device, const void* host, size_t bytes) override;
  void copyOut(void* host, const void* device, size_t bytes) override;
  void zero(void* device, size_t bytes) override;
  void copyOutLater(void* host, const void* device, size_t bytes) override {
    copyOut(host, device, bytes);
  }
  void finishCopies() override {}
  void abandonCopies() override {}
  void copyWithin(void* to, const void* from, size_t bytes) override { copyOut(to, from, bytes); }
  size_t freeBytes() override { return 0; }
  void runStep(const StepKey&, const StepValues&, const std::function<void()>& body) override {
    body();
  }
  void weightsChanged() override { ++epoch_; }

  PSTMO_FOR_EACH_OP(PSTMO_DECLARE_RUN)

 private:
  using Range = std::function<void(int begin, int end, int worker)>;
  // [0, rows) in chunks of `chunk` rows (even, so that rows which share random words stay
  // together).
  void forRows(int rows, int chunk, const Range& body);
  // Column sums over all rows of what `kernel` gives for a chunk: fixed chunks, added in order.
  // Returns `width` floats.
  float* reduceRows(int rows, int width,
                    const std::function<void(int begin, int end, float* sums)>& kernel);

  // Every head of every window, with scratch of attentionScratch floats.
  void forHeads(int batch, int heads, int tokens, int width,
                const std::function<void(int window, int head, float* scratch)>& body);
  // Whether a matmul of that inner dimension and so many columns runs in bf16.
  bool usesBf16(int inner, int columns) const;
  // Panels of a weight (out, in, taps), packed again where the weights have changed. transposed:
  // the inner dimension is (tap, in), as forward needs it; else it is `out`, as dX needs it.
  const Panels& packed(const float* weight, int out, int in, int taps, bool transposed);
  // Rows of `source` times panels, through the epilogue.
  void matmul(int rows, const RowSource& source, const Panels& panels, const Epilogue& epilogue);
  // dWeight (out, in, taps) += dZ^T source.
  void weightGradient(int rows, const float* dZ, int out, const RowSource& source, float* dWeight);
  // dX of a strided convolution.
  void convInputGradient(const StridedConvBackward& op, int outTokens);
  // sums (channels) += column sums of x (rows, channels).
  void addColumnSums(int rows, int channels, const float* x, float* sums);
  // Mean and 1 / std of each column, running statistics moved.
  void batchMoments(int rows, int channels, const float* x, float* mean, float* inverseStd,
                    float* runningMean, float* runningVariance);
  // Batch norm, leaky ReLU of `slope` (1: none), dropout, residual.
  void normalizeForward(const BatchNormForward&, float slope, const float* residual,
                        const Dropout&);
  void batchNormBackward(int rows, NormalizeBackward op, float* dGamma, float* dBeta);

  ThreadPool pool_;
  const Kernels& kernels_;
  Precision precision_;
  uint64_t epoch_ = 1;
  std::unordered_map<uint64_t, Panels> panels_;
  std::vector<GrowingBuffer> workerScratch_;  // one a thread
  GrowingBuffer partials_;                    // sums of chunks of rows
  GrowingBuffer intermediate_;                // rows between two passes of an operation
};

}  // namespace pstmo::cpu
