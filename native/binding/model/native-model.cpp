// Construction, weights and closing; the jobs that compute are in native-model-jobs.cpp.
#include "native-model.h"

#include <algorithm>
#include <limits>

#include "../../network/weights/check-values.h"
#include "../output-array.h"
#include "../probe/machine.h"
#include "read-config.h"

namespace pstmo::binding {

namespace {

constexpr int64_t kLargestDescriptor = std::numeric_limits<int>::max();

network::TensorState stateOf(const Napi::Value& value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  if (name == "value") return network::TensorState::value;
  if (name == "gradient") return network::TensorState::gradient;
  if (name == "adamMean") return network::TensorState::adamMean;
  if (name == "adamVariance") return network::TensorState::adamVariance;
  if (name == "adamMaximum") return network::TensorState::adamMaximum;
  throw Error("ERR_ARGUMENT",
              "state: expected value, gradient, adamMean, adamVariance or adamMaximum, got " +
                  describeValue(value) + ".");
}

std::string nameOf(const Napi::Value& value) {
  if (!value.IsString())
    throw Error("ERR_ARGUMENT", "name: expected text, got " + describeValue(value) + ".");
  return value.As<Napi::String>().Utf8Value();
}

void readFolds(ObjectReader& reader, inference::Folds& folds) {
  for (const std::string& name : reader.texts("withoutFolds")) {
    if (inference::leaveOutFold(folds, name)) continue;
    std::string list;
    for (const std::string& known : inference::foldNames())
      list += (list.empty() ? "" : ", ") + known;
    throw Error("ERR_ARGUMENT",
                "options.withoutFolds: expected names among " + list + ", got \"" + name + "\".");
  }
}

const char* roleName(network::TensorRole role) {
  switch (role) {
    case network::TensorRole::parameter:
      return "parameter";
    case network::TensorRole::statistic:
      return "statistic";
    default:
      return "unused";
  }
}

// Throws ERR_MODEL for values that no training leaves.
void checkState(network::TensorState state, const std::string& name, const float* values,
                size_t count) {
  const bool variance = state == network::TensorState::value
                            ? network::isVariance(name)
                            : state == network::TensorState::adamVariance ||
                                  state == network::TensorState::adamMaximum;
  network::checkValues(name, variance, values, count);
}

}  // namespace

int64_t readWhole(const Napi::CallbackInfo& info, size_t index, const char* name, int64_t low,
                  int64_t high) {
  Napi::Object fields = Napi::Object::New(info.Env());
  fields.Set(name, info[index]);
  return ObjectReader(fields, "argument").integer(name, low, high);
}

Napi::Function NativeModel::define(Napi::Env env) {
  return DefineClass(env, "NativeModel",
                     {
                         InstanceAccessor<&NativeModel::tensors>("tensors"),
                         InstanceAccessor<&NativeModel::device>("device"),
                         InstanceAccessor<&NativeModel::memoryBytes>("memoryBytes"),
                         InstanceAccessor<&NativeModel::missingThreads>("missingThreads"),
                         InstanceAccessor<&NativeModel::unsupportedReason>("unsupportedReason"),
                         InstanceMethod<&NativeModel::read>("read"),
                         InstanceMethod<&NativeModel::write>("write"),
                         InstanceMethod<&NativeModel::readValues>("readValues"),
                         InstanceMethod<&NativeModel::prepareLifter>("prepareLifter"),
                         InstanceMethod<&NativeModel::initialize>("initialize"),
                         InstanceMethod<&NativeModel::forward>("forward"),
                         InstanceMethod<&NativeModel::reconstruct>("reconstruct"),
                         InstanceMethod<&NativeModel::attention>("attention"),
                         InstanceMethod<&NativeModel::gradients>("gradients"),
                         InstanceMethod<&NativeModel::adamStep>("adamStep"),
                         InstanceMethod<&NativeModel::setSequences>("setSequences"),
                         InstanceMethod<&NativeModel::lift>("lift"),
                         InstanceMethod<&NativeModel::liftWindows>("liftWindows"),
                         InstanceMethod<&NativeModel::openStream>("openStream"),
                         InstanceMethod<&NativeModel::pushFrame>("pushFrame"),
                         InstanceMethod<&NativeModel::endStream>("endStream"),
                         InstanceMethod<&NativeModel::closeStream>("closeStream"),
                         InstanceMethod<&NativeModel::train>("train"),
                         InstanceMethod<&NativeModel::startProfile>("startProfile"),
                         InstanceMethod<&NativeModel::stopProfile>("stopProfile"),
                         InstanceMethod<&NativeModel::close>("close"),
                     });
}

NativeModel::NativeModel(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeModel>(info) {
  try {
    config_ = readConfig(info[0]);
    ObjectReader reader(info[1], "options");
    const std::string device = reader.text("device");
    const Precision precision = precisionOf(reader.text("precision", {"fp32", "tf32", "bf16"}));
    const int threads = static_cast<int>(reader.integer("threads", 0, 1024));
    const bool profile = reader.has("profile") && reader.boolean("profile");
    const std::string isa = reader.textOr("isa", "auto");
    const std::string matmul = reader.textOr("matmul", "auto");
    const std::string compiled =
        reader.has("compiled") ? reader.text("compiled", {"auto", "on", "off"}) : "auto";
    compiled_ = compiled == "on"    ? Compiled::on
                : compiled == "off" ? Compiled::off
                                    : Compiled::whereDefault;
    if (reader.has("withoutFolds")) readFolds(reader, folds_);
    reader.finish();
    std::unique_ptr<Backend> backend = makeBackend(device, precision, threads, isa, matmul);
    if (profile) {
      auto profiler = std::make_unique<ProfilingBackend>(std::move(backend));
      profiler_ = profiler.get();
      backend = std::move(profiler);
    }
    network_ = network::Network::make(config_, std::move(backend));
    deviceName_ = device;
    isa_ = isa;
    precision_ = precision;
    threads_ = threads;
    unsupportedReason_ = findUnsupportedReason();
    if (compiled_ == Compiled::whereDefault && deviceName_ != "cpu" && unsupportedReason_.empty())
      selfTest_ = SelfTest::due;
    if (compiled_ == Compiled::on && !unsupportedReason_.empty()) {
      throw Error("ERR_UNSUPPORTED",
                  "options.compiled \"on\": the lifter cannot be compiled here, because " +
                      unsupportedReason_ + "; use \"off\" or \"auto\".");
    }
    tensors_ = network_->tensors();
    device_ = network_->describe();
    bytes_ = static_cast<int64_t>(nativeBytes());
    missingThreads_ = network_->missingThreads();
    queue_ = JobQueue::make(info.Env(), [this](Napi::Env env) { reportMemory(env); });
    reportMemory(info.Env());
  } catch (...) {
    throwJavaScript(info.Env(), currentError());
  }
}

NativeModel::~NativeModel() {
  if (queue_) queue_->shutdown();
  streams_.clear();
  lifter_.reset();
  network_.reset();
  bytes_ = 0;
  reportMemory(Env());
}

void NativeModel::reportMemory(Napi::Env env) {
  const int64_t bytes = bytes_;
  int64_t total = 0;
  napi_adjust_external_memory(env, bytes - reportedBytes_, &total);
  reportedBytes_ = bytes;
}

std::unique_ptr<Job> NativeModel::job(Copies inputs) {
  if (closed_) throw Error("ERR_CLOSED", "The model is closed.");
  auto job = std::make_unique<Job>();
  job->inputs = std::move(inputs);
  // A job keeps its model: the collector never takes one that works.
  job->held.push_back(Napi::Persistent(Value()));
  return job;
}

Napi::Promise NativeModel::submit(std::unique_ptr<Job> job, std::function<void()> work) {
  job->work = [this, work = std::move(work)] {
    struct Measure {
      NativeModel& model;
      ~Measure() {
        model.bytes_ = static_cast<int64_t>(model.nativeBytes());
        if (model.lifter_)
          model.missingThreads_ =
              std::max(model.network_->missingThreads(), model.lifter_->missingThreads());
      }
    } measure{*this};
    work();
  };
  return queue_->submit(std::move(job));
}

size_t NativeModel::nativeBytes() const {
  size_t bytes = network_->memoryBytes() + (lifter_ ? lifter_->memoryBytes() : 0);
  for (const auto& [id, stream] : streams_) bytes += stream->memoryBytes();
  return bytes;
}

size_t NativeModel::tensorSize(const std::string& name) const {
  for (const network::TensorInfo& tensor : tensors_) {
    if (tensor.name != name) continue;
    size_t size = 1;
    for (const int64_t length : tensor.shape) size *= static_cast<size_t>(length);
    return size;
  }
  throw Error("ERR_ARGUMENT", "The model has no tensor " + name + ".");
}

Napi::Value NativeModel::tensors(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array list = Napi::Array::New(env, tensors_.size());
  for (uint32_t i = 0; i < tensors_.size(); i++) {
    const network::TensorInfo& tensor = tensors_[i];
    Napi::Array shape = Napi::Array::New(env, tensor.shape.size());
    for (uint32_t axis = 0; axis < tensor.shape.size(); axis++)
      shape.Set(axis, static_cast<double>(tensor.shape[axis]));
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", tensor.name);
    entry.Set("shape", shape);
    entry.Set("role", roleName(tensor.role));
    list.Set(i, entry);
  }
  return list;
}

Napi::Value NativeModel::device(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), device_);
}

Napi::Value NativeModel::memoryBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(bytes_.load()));
}

Napi::Value NativeModel::missingThreads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), missingThreads_.load());
}

Napi::Value NativeModel::read(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    const network::TensorState state = stateOf(info[0]);
    const std::string name = nameOf(info[1]);
    auto task = job();
    auto values = newArray<float>(info.Env(), tensorSize(name));
    task->output = Napi::Persistent(values.As<Napi::Object>());
    float* data = values.Data();
    return submit(std::move(task), [this, state, name, data] {
      network_->read(state, name, data);
      checkState(state, name, data, tensorSize(name));
    });
  });
}

Napi::Value NativeModel::write(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    const network::TensorState state = stateOf(info[0]);
    const std::string name = nameOf(info[1]);
    const size_t size = tensorSize(name);
    Napi::Object fields = Napi::Object::New(info.Env());
    fields.Set(name, info[2]);
    ObjectReader reader(fields, "write");
    const float* data = reader.anyFloats(name.c_str(), size);
    checkState(state, name, data, size);
    return submit(job(reader.takeCopies()), [this, state, name, data] {
      lifterStale_ = true;
      network_->write(state, name, data);
    });
  });
}

Napi::Value NativeModel::readValues(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    const std::string path = nameOf(info[0]);
    const int64_t descriptor = readWhole(info, 1, "descriptor", 0, kLargestDescriptor);
    if (!info[2].IsArray())
      throw Error("ERR_ARGUMENT",
                  "tensors: expected an array, got " + describeValue(info[2]) + ".");
    const Napi::Array list = info[2].As<Napi::Array>();
    std::vector<network::StoredTensor> tensors;
    for (uint32_t i = 0; i < list.Length(); ++i) {
      ObjectReader reader(list.Get(i), "tensors");
      const std::string name = reader.text("name"),
                        type = reader.text("type", {"F32", "F16", "BF16"});
      const int64_t offset = reader.integer("offset", 0, int64_t{1} << 53);
      reader.finish();
      tensors.push_back({name,
                         type == "F32"   ? network::StoredType::float32
                         : type == "F16" ? network::StoredType::float16
                                         : network::StoredType::bfloat16,
                         static_cast<uint64_t>(offset), tensorSize(name)});
    }
    // Opened here and not in the job: the caller may close its descriptor once this returns.
    auto file = std::make_shared<network::ValuesFile>(path, static_cast<int>(descriptor), tensors);
    return submit(job(), [this, file = std::move(file)] {
      lifterStale_ = true;
      network_->attachFile(file);
      if (currentLifter() == nullptr) network_->materialize();
      file->checkRest();
    });
  });
}

Napi::Value NativeModel::initialize(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    const int64_t seed = readWhole(info, 0, "seed", 0, kLargestSeed);
    return submit(job(), [this, seed] {
      lifterStale_ = true;
      network_->initialize(static_cast<uint64_t>(seed));
    });
  });
}

Napi::Value NativeModel::close(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    if (closed_) return closing_.Value().As<Napi::Promise>();
    auto last = job();
    closed_ = true;
    last->work = [this] {
      streams_.clear();
      lifter_.reset();
      network_.reset();
      bytes_ = 0;
    };
    const Napi::Promise promise = queue_->close(std::move(last));
    closing_ = Napi::Persistent(promise.As<Napi::Object>());
    return promise;
  });
}

}  // namespace pstmo::binding
