// Streams: frames one at a time. Networks without a plan keep the frames that windows can still reach and lift one of them at a time.
#include "native-model.h"

namespace pstmo::binding {

namespace {

class GraphStream final : public PlanStream {
 public:
  GraphStream(Network& network, const NetworkConfig& config, const PlanStreamOptions& options)
      : network_(network), options_(options), points_(2 * static_cast<size_t>(config.joints)), pose_(3 * static_cast<size_t>(config.outputJoints)),
        reach_((config.frames - 1) / 2 * options.stride) {}

  bool push(const float* keypoints, float* pose) override {
    held_.insert(held_.end(), keypoints, keypoints + points_);
    if (frames() > reach_ + options_.lookahead + 1) held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(points_));
    if (frames() <= options_.lookahead) return false;
    emit(frames() - 1 - options_.lookahead, pose);
    return true;
  }

  int finish(float* poses) override {
    const int owed = std::min(options_.lookahead, frames());
    for (int i = 0; i < owed; i++) emit(frames() - owed + i, poses + static_cast<size_t>(i) * pose_);
    return owed;
  }

 private:
  int frames() const { return static_cast<int>(held_.size() / points_); }
  void emit(int frame, float* pose) {
    LiftRequest request{};
    request.keypoints = held_.data();
    request.frames = frames();
    request.stride = options_.stride;
    request.flip = options_.flip;
    request.first = frame;
    request.count = 1;
    request.poses = pose;
    network_.lift(request, {});
  }

  Network& network_;
  const PlanStreamOptions options_;
  const size_t points_, pose_;
  const int reach_;
  std::vector<float> held_;
};

}  // namespace

PlanStream& NativeModel::streamOf(int64_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) throw Error("ERR_CLOSED", "The stream has ended: it was closed, or the model's weights changed.");
  return *found->second;
}

Napi::Value NativeModel::openStream(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    requireStage(2, "openStream");
    ObjectReader reader(info[0], "options");
    PlanStreamOptions options;
    options.stride = static_cast<int>(reader.integer("stride", 1, 1 << 16));
    options.flip = reader.boolean("flip");
    options.lookahead = static_cast<int>(reader.integer("lookahead", 0, int64_t{(config_.frames - 1) / 2} * options.stride));
    reader.finish();
    auto task = job();
    const int64_t id = ++lastStream_;
    task->result = [id](Napi::Env env) { return Napi::Number::New(env, static_cast<double>(id)); };
    return submit(std::move(task), [this, id, options] {
      LiftPlan* plan = currentPlan();
      streams_[id] = plan != nullptr ? plan->stream(options) : std::make_unique<GraphStream>(*network_, config_, options);
      streamOwed_[id] = options.lookahead;
    });
  });
}

// Poses that the work hands out, as an array of its own.
Napi::Value NativeModel::posesOf(std::unique_ptr<Job> task, std::function<void(std::vector<float>&)> work) {
  auto poses = std::make_shared<std::vector<float>>();
  task->result = [poses](Napi::Env env) {
    auto values = Napi::Float32Array::New(env, poses->size());
    std::copy(poses->begin(), poses->end(), values.Data());
    return values;
  };
  return submit(std::move(task), [poses, work = std::move(work)] { work(*poses); });
}

Napi::Value NativeModel::pushFrame(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    const int64_t id = readWhole(info, 0, "stream", 0, kLargestSeed);
    Napi::Object fields = Napi::Object::New(info.Env());
    fields.Set("keypoints", info[1]);
    ObjectReader reader(fields, "pushFrame");
    const float* keypoints = reader.floats("keypoints", sizeOf({config_.joints, 2}));
    return posesOf(job(reader.takeReferences()), [this, id, keypoints](std::vector<float>& poses) {
      PlanStream& stream = streamOf(id);
      poses.resize(sizeOf({config_.outputJoints, 3}));
      if (!stream.push(keypoints, poses.data())) poses.clear();
    });
  });
}

Napi::Value NativeModel::endStream(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    const int64_t id = readWhole(info, 0, "stream", 0, kLargestSeed);
    return posesOf(job(), [this, id](std::vector<float>& poses) {
      PlanStream& stream = streamOf(id);
      poses.resize(sizeOf({streamOwed_[id], config_.outputJoints, 3}));
      poses.resize(sizeOf({stream.finish(poses.data()), config_.outputJoints, 3}));
      streams_.erase(id);
      streamOwed_.erase(id);
    });
  });
}

}  // namespace pstmo::binding
