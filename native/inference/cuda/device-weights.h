// A network's folded weights in a GPU's memory, packed as the kernels of this folder read them.
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

struct DeviceLayer {
  int stride = 0;  // 0: plain
  cuda::WeightMatrix heads, output, expand, contract;
};

// Elements of a row in device memory, padded to kRowElements.
struct DeviceRows {
  int perWord;
  bool rounded;   // whether words are other than the floats themselves
  int splitPart;  // of a row of keypoints: of each of three parts; 0: such a row has floats
  int frame, inner, width, hidden,
      pose;              // keypoints; twice the width; width; hidden width; 3 J'
  int headWidth, heads;  // of a head, padded; of Q, K and V of all heads
  DeviceRows(const NetworkConfig& config, Precision precision);
  int words(int elements) const { return elements / perWord; }
};

class DeviceWeights {
 public:
  DeviceWeights(const NetworkConfig& config, const Folds& folds, Precision precision,
                cuda::LifterDevice& device, const TensorReader& read);

  const DeviceRows rows;
  std::vector<cuda::WeightMatrix> blocks;  // of the spatial encoder
  cuda::WeightMatrix project;
  const float* positions = nullptr;  // (N, row)
  std::vector<DeviceLayer> layers, aggregator;
  std::vector<const float*> tables;  // (N, row) each
  cuda::WeightMatrix head;
  const int32_t* mirrorInput = nullptr;
  const int32_t* mirrorOutput = nullptr;
  // The first layer's Q, K and V of the positions alone, (N, rows.heads); null where that layer is
  // not split.
  const float* positionParts = nullptr;
  // Those of `count` frames' tokens, (count, rows.heads).
  void firstLayerParts(const float* tokens, int count, float* parts) const;
  size_t bytes() const { return arrays_.total(); }

 private:
  // Padding of one dimension of a matrix: each block of `block` elements to `padded`.
  struct Padding {
    int block, padded;
  };
  const float* upload(const std::vector<float>& values);
  const float* table(const std::vector<float>& values, int width, int stride);
  // Linear layers whose columns follow each other; tapElements: of the left side's rows, padded.
  cuda::WeightMatrix pack(const std::vector<const FoldedLinear*>& parts, Padding out, Padding in,
                          int taps, int tapElements,
                          cuda::WordKind kind = cuda::WordKind::ofPrecision);
  cuda::WeightMatrix pack(const FoldedLinear& linear, int taps, int tapElements,
                          cuda::WordKind kind = cuda::WordKind::ofPrecision);
  DeviceLayer layer(const FoldedLayer& folded);

  const NetworkConfig& config_;
  cuda::LifterDevice& device_;
  DeviceArrays arrays_;
  float* trained_ = nullptr;       // the matrix that is packed now
  cuda::WeightMatrix firstHeads_;  // the first layer's, without its bias
};

}  // namespace pstmo::inference
