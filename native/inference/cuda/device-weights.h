// A network's folded weights in a GPU's memory, packed as the kernels of native/cuda read them.
#pragma once

#include <vector>

#include "../folded-network.h"
#include "kernels.h"

namespace pstmo::inference {

// Device memory that lives as long as this.
class DeviceArrays {
 public:
  explicit DeviceArrays(Backend& backend) : backend_(backend) {}
  ~DeviceArrays() { clear(); }
  DeviceArrays(const DeviceArrays&) = delete;
  DeviceArrays& operator=(const DeviceArrays&) = delete;

  void* bytes(size_t count) {
    arrays_.reserve(arrays_.size() + 1);
    arrays_.push_back(backend_.allocate(count));
    total_ += count;
    return arrays_.back();
  }
  float* floats(size_t count) { return static_cast<float*>(bytes(count * sizeof(float))); }
  uint32_t* words(size_t count) { return static_cast<uint32_t*>(bytes(count * sizeof(uint32_t))); }
  void clear() {
    for (void* array : arrays_) backend_.release(array);
    arrays_.clear();
    total_ = 0;
  }
  size_t total() const { return total_; }

 private:
  Backend& backend_;
  std::vector<void*> arrays_;
  size_t total_ = 0;
};

// A product of the spatial encoder, or the head; scale and shift are a batch norm's that is not
// folded.
struct CudaPlanBlock {
  cuda::PlanMatrix matrix;
  const float* scale = nullptr;
  const float* shift = nullptr;
};

struct CudaPlanLayer {
  int stride = 0;  // 0: plain
  cuda::PlanMatrix heads, output, expand, contract;
  const float* norms[2][2] = {};  // a and b before attention and feed-forward; null where folded
};

// Elements of a row in device memory: whole depths of words.
struct CudaPlanRows {
  int perWord, frame, inner, width, hidden,
      pose;              // keypoints; twice the width; width; hidden width; 3 J'
  int headWidth, heads;  // of a head, padded; of Q, K and V of all heads
  CudaPlanRows(const PlanConfig& config, Precision precision);
  int words(int elements) const { return elements / perWord; }
};

class CudaPlanWeights {
 public:
  CudaPlanWeights(const PlanConfig& config, const PlanFolds& folds, Precision precision,
                  cuda::PlanDevice& device, const TensorReader& read);

  const CudaPlanRows rows;
  std::vector<CudaPlanBlock> blocks;
  cuda::PlanMatrix project;
  const float* positions = nullptr;  // (N, row)
  std::vector<CudaPlanLayer> layers, aggregator;
  std::vector<const float*> tables;  // (N, row) each
  CudaPlanBlock head;
  const int32_t* mirrorInput = nullptr;
  const int32_t* mirrorOutput = nullptr;
  // The first layer's Q, K and V of the positions alone, (N, rows.heads); null where that layer is
  // not split.
  const float* positionParts = nullptr;
  // Those of `count` frames' tokens, (count, rows.heads).
  void firstLayerParts(const float* tokens, int count, float* parts) const;
  size_t bytes() const { return arrays_.total(); }

 private:
  // How one dimension of a matrix is padded: blocks of so many elements to so many.
  struct Padding {
    int block, padded;
  };
  const float* upload(const std::vector<float>& values);
  const float* table(const std::vector<float>& values, int width, int stride);
  // Linear layers whose columns follow each other; tapElements: of the left side's rows, padded.
  cuda::PlanMatrix pack(const std::vector<const FoldedLinear*>& parts, Padding out, Padding in,
                        int taps, int tapElements, bool exact = false);
  cuda::PlanMatrix pack(const FoldedLinear& linear, int taps, int tapElements, bool exact = false);
  CudaPlanLayer layer(const FoldedLayer& folded);

  const PlanConfig& config_;
  cuda::PlanDevice& device_;
  DeviceArrays arrays_;
  float* trained_ = nullptr;     // the matrix that is packed now
  cuda::PlanMatrix firstHeads_;  // the first layer's, without its bias
};

}  // namespace pstmo::inference
