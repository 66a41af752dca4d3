#include "parameters.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "../../core/error.h"
#include "../../core/philox.h"
#include "../../core/tensor-names.h"

namespace pstmo::network {

namespace {

constexpr size_t kAlignment = 64;  // floats

uint64_t hashOf(const std::string& name) {  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

double unitInterval(uint32_t word) { return (word + 0.5) / 4294967296.0; }

// Element i of a tensor: a pure function of seed, name and i.
float initialValue(Parameters::Initial initial, int64_t fanIn, uint64_t seed, uint64_t hash,
                   size_t i) {
  if (initial == Parameters::Initial::zero) return 0;
  if (initial == Parameters::Initial::one) return 1;
  const PhiloxWords words =
      philox(seed, i, static_cast<uint32_t>(hash), static_cast<uint32_t>(hash >> 32));
  const double u = unitInterval(words.word[0]);
  if (initial == Parameters::Initial::uniform)
    return static_cast<float>((2 * u - 1) / std::sqrt(static_cast<double>(fanIn)));
  const double angle = 2 * std::numbers::pi * unitInterval(words.word[1]);  // Box and Muller
  return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(angle));
}

const char* stateName(TensorState state) {
  switch (state) {
    case TensorState::value:
      return "value";
    case TensorState::gradient:
      return "gradient";
    case TensorState::adamMean:
      return "adamMean";
    case TensorState::adamVariance:
      return "adamVariance";
    case TensorState::adamMaximum:
      return "adamMaximum";
  }
  return "";
}

}  // namespace

const float* Parameter::value() const { return owner->value_.data() + offset; }
float* Parameter::gradient() const { return owner->gradient_.data() + offset; }
float* Statistic::value() const { return owner->fixed_.data() + offset; }

size_t Parameters::reserve(const std::vector<std::string>& names, const Shape& shape,
                           TensorRole role, Initial initial, int64_t fanIn) {
  size_t& end = role == TensorRole::parameter ? trainedCount_ : fixedCount_;
  const size_t start = (end + kAlignment - 1) / kAlignment * kAlignment;
  end = start;
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  for (const std::string& name : names) {
    index_.emplace(name, tensors_.size());
    tensors_.push_back({name, shape, role});
    places_.push_back({end, count, initial, fanIn});
    end += count;
  }
  return start;
}

Parameter Parameters::add(const std::vector<std::string>& names, const Shape& shape,
                          Initial initial, int64_t fanIn) {
  return {this, reserve(names, shape, TensorRole::parameter, initial, fanIn)};
}

LinearParameters Parameters::addLinear(const std::string& name, int out, int in, int taps) {
  return addLinears({name}, out, in, taps);
}

LinearParameters Parameters::addLinears(const std::vector<std::string>& names, int out, int in,
                                        int taps) {
  std::vector<std::string> weights, biases;
  for (const std::string& name : names) {
    weights.push_back(tensor_names::weight(name));
    biases.push_back(tensor_names::bias(name));
  }
  Shape shape = {out, in};
  if (taps > 0) shape.push_back(taps);
  const int64_t fanIn = int64_t{in} * std::max(taps, 1);
  const Parameter weight = add(weights, shape, Initial::uniform, fanIn);
  return {weight, add(biases, {out}, Initial::uniform, fanIn)};
}

LayerNormParameters Parameters::addLayerNorm(const std::string& name, int channels) {
  const Parameter a = add({tensor_names::layerNormA(name)}, {channels}, Initial::one);
  return {a, add({tensor_names::layerNormB(name)}, {channels}, Initial::zero)};
}

BatchNormParameters Parameters::addBatchNorm(const std::string& name, int channels) {
  BatchNormParameters norm;
  norm.gamma = add({tensor_names::weight(name)}, {channels}, Initial::one);
  norm.beta = add({tensor_names::bias(name)}, {channels}, Initial::zero);
  norm.runningMean = {this, reserve({tensor_names::runningMean(name)}, {channels},
                                    TensorRole::statistic, Initial::zero, 1)};
  norm.runningVariance = {this, reserve({tensor_names::runningVariance(name)}, {channels},
                                        TensorRole::statistic, Initial::one, 1)};
  return norm;
}

void Parameters::addUnusedLayerNorm(const std::string& name, int channels) {
  reserve({tensor_names::layerNormA(name)}, {channels}, TensorRole::unused, Initial::one, 1);
  reserve({tensor_names::layerNormB(name)}, {channels}, TensorRole::unused, Initial::zero, 1);
}

void Parameters::use(Backend& backend) { backend_ = &backend; }

void Parameters::materialize() {
  if (materialized_) return;
  value_ = DeviceArray<float>(*backend_, trainedCount_);
  fixed_ = DeviceArray<float>(*backend_, fixedCount_);
  value_.zero();
  fixed_.zero();
  if (attached_) copyFrom(*attached_);
  attached_.reset();
  materialized_ = true;
}

void Parameters::attachFile(std::shared_ptr<const ValuesFile> file) {
  if (attached_) materialize();
  if (materialized_) {
    copyFrom(*file);
  } else {
    attached_ = std::move(file);
  }
}

void Parameters::copyFrom(const ValuesFile& file) {
  std::vector<float> values;
  for (size_t tensor = 0; tensor < tensors_.size(); ++tensor) {
    const auto& [name, shape, role] = tensors_[tensor];
    if (!file.has(name)) continue;
    values.resize(places_[tensor].count);
    file.read(name, values.data());
    backend_->copyIn(array(TensorState::value, role, name).data() + places_[tensor].offset,
                     values.data(), values.size() * sizeof(float));
  }
  backend_->weightsChanged();
}

void Parameters::initialize(uint64_t seed) {
  std::vector<float> host;
  for (size_t tensor = 0; tensor < tensors_.size(); ++tensor) {
    const Place& place = places_[tensor];
    const uint64_t hash = hashOf(tensors_[tensor].name);
    host.resize(place.count);
    for (size_t i = 0; i < place.count; ++i)
      host[i] = initialValue(place.initial, place.fanIn, seed, hash, i);
    write(TensorState::value, tensors_[tensor].name, host.data());
  }
}

size_t Parameters::find(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end())
    throw Error("ERR_ARGUMENT", "tensor: this network has none named \"" + name + "\".");
  return found->second;
}

const DeviceArray<float>& Parameters::array(TensorState state, TensorRole role,
                                            const std::string& name) const {
  if (state == TensorState::value) return role == TensorRole::parameter ? value_ : fixed_;
  if (role != TensorRole::parameter) {
    throw Error("ERR_ARGUMENT",
                "tensor \"" + name + "\" is not trained: it has no " + stateName(state) + ".");
  }
  if (state == TensorState::gradient) return gradient_;
  if (state == TensorState::adamMean) return adamMean_;
  return state == TensorState::adamVariance ? adamVariance_ : adamMaximum_;
}

void Parameters::read(TensorState state, const std::string& name, float* host) {
  const size_t tensor = find(name);
  const Place& place = places_[tensor];
  if (state == TensorState::value && attached_ && attached_->has(name))
    return attached_->read(name, host);
  const DeviceArray<float>& from = array(state, tensors_[tensor].role, name);
  if (from.count() == 0) {
    std::fill_n(host, place.count, 0.0f);
  } else {
    const std::lock_guard lock(reading_);
    backend_->copyOut(host, from.data() + place.offset, place.count * sizeof(float));
  }
}

void Parameters::write(TensorState state, const std::string& name, const float* host) {
  const size_t tensor = find(name);
  const Place& place = places_[tensor];
  materialize();
  if (state != TensorState::value) prepareTraining();
  backend_->copyIn(array(state, tensors_[tensor].role, name).data() + place.offset, host,
                   place.count * sizeof(float));
}

void Parameters::prepareTraining() {
  materialize();
  if (gradient_.count() > 0) return;
  for (DeviceArray<float>* state : {&adamMean_, &adamVariance_, &adamMaximum_, &gradient_}) {
    *state = DeviceArray<float>(*backend_, trainedCount_);
    state->zero();
  }
}

void Parameters::adamStep(double learningRate, int64_t step) {
  prepareTraining();
  AdamStep op{};
  op.count = trainedCount_;
  op.value = value_.data();
  op.gradient = gradient_.data();
  op.mean = adamMean_.data();
  op.variance = adamVariance_.data();
  op.maximum = adamMaximum_.data();
  op.learningRate = learningRate;
  op.step = step;
  backend_->run(op);
  backend_->weightsChanged();
}

size_t Parameters::memoryBytes() const {
  return value_.bytes() + fixed_.bytes() + gradient_.bytes() + adamMean_.bytes() +
         adamVariance_.bytes() + adamMaximum_.bytes();
}

}  // namespace pstmo::network
