// The tensors of a network: name, shape, role and initial value of each, stated once when a layer
// is built and read by everything else (loading, saving, Adam, tests). All trained values lie in
// one range of device memory, as do gradients and Adam's three states.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "../device-array.h"
#include "../network.h"

namespace pstmo::network {

class Parameters;

// A trained tensor, or several laid end to end (the projections to Q, K and V are used as one).
struct Parameter {
  const Parameters* owner = nullptr;
  size_t offset = 0;
  const float* value() const;
  float* gradient() const;
};

// A running mean or variance.
struct Statistic {
  const Parameters* owner = nullptr;
  size_t offset = 0;
  float* value() const;
};

struct LinearParameters {
  Parameter weight;
  Parameter bias;
};
struct LayerNormParameters {
  Parameter a;
  Parameter b;
};
struct BatchNormParameters {
  Parameter gamma;
  Parameter beta;
  Statistic runningMean;
  Statistic runningVariance;
};

class Parameters {
 public:
  // PyTorch's defaults. uniform: within +-1 / sqrt(fanIn).
  enum class Initial { zero, one, normal, uniform };
  using Shape = std::vector<int64_t>;

  Parameters() = default;
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  // Names share the shape and lie end to end.
  Parameter add(const std::vector<std::string>& names, const Shape& shape, Initial initial,
                int64_t fanIn = 1);
  // Weight (out, in), or (out, in, taps) for a convolution, and bias (out). taps = 0: linear.
  LinearParameters addLinear(const std::string& name, int out, int in, int taps = 0);
  // Several linears that read the same input, used as one with `names` * out outputs.
  LinearParameters addLinears(const std::vector<std::string>& names, int out, int in, int taps = 0);
  LayerNormParameters addLayerNorm(const std::string& name, int channels);
  BatchNormParameters addBatchNorm(const std::string& name, int channels);
  // In files, and never applied.
  void addUnusedLayerNorm(const std::string& name, int channels);

  // After the last add. Values are zero until they are initialized, written or attached.
  void use(Backend& backend);
  void initialize(uint64_t seed);

  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  void read(TensorState state, const std::string& name, float* host);
  void write(TensorState state, const std::string& name, const float* host);
  // Values that are read from the file until materialize() copies them to the device.
  void attachFile(std::shared_ptr<const ValuesFile> file);
  // Before anything runs: gives the values their memory, the first time.
  void materialize();

  // Gradients and Adam's states take memory from the first training step on; until then they read
  // as zero.
  void prepareTraining();
  void zeroGradients() { gradient_.zero(); }
  // Every trained tensor at once. One whose gradient has been zero from the start does not move, as
  // in PyTorch, which skips it.
  void adamStep(double learningRate, int64_t step);

  size_t memoryBytes() const;

 private:
  friend struct Parameter;
  friend struct Statistic;
  struct Place {
    size_t offset;
    size_t count;
    Initial initial;
    int64_t fanIn;
  };

  size_t reserve(const std::vector<std::string>& names, const Shape& shape, TensorRole role,
                 Initial initial, int64_t fanIn);
  size_t find(const std::string& name) const;
  void copyFrom(const ValuesFile& file);
  const DeviceArray<float>& array(TensorState state, TensorRole role,
                                  const std::string& name) const;

  Backend* backend_ = nullptr;
  std::vector<TensorInfo> tensors_;
  std::vector<Place> places_;
  std::mutex reading_;
  bool materialized_ = false;
  std::shared_ptr<const ValuesFile> attached_;  // until materialized
  std::unordered_map<std::string, size_t> index_;
  size_t trainedCount_ = 0;
  size_t fixedCount_ = 0;
  DeviceArray<float> value_, gradient_, adamMean_, adamVariance_, adamMaximum_;  // trained tensors
  DeviceArray<float> fixed_;  // statistics and unused tensors
};

}  // namespace pstmo::network
