// Streams: frames one at a time.
#include "../../inference/held-stream.h"
#include "../output-array.h"
#include "native-model.h"

namespace pstmo::binding {

inference::LiftStream& NativeModel::streamOf(int64_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end())
    throw Error("ERR_CLOSED",
                "The stream has ended: it was closed, or the model's weights changed.");
  return *found->second;
}

std::unique_ptr<inference::LiftStream> NativeModel::opByOpStream(
    const inference::StreamOptions& options) {
  const int reach = (config_.frames - 1) / 2 * options.stride;
  return std::make_unique<inference::HeldStream>(
      options, reach, config_.joints, config_.outputJoints,
      [this, options](const float* keypoints, int frames, int frame, float* pose) {
        network::LiftRequest request{};
        request.keypoints = keypoints;
        request.frames = frames;
        request.stride = options.stride;
        request.flip = options.flip;
        request.first = frame;
        request.count = 1;
        request.poses = pose;
        network_->lift(request, {});
      });
}

Napi::Value NativeModel::openStream(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    requireStage(2, "openStream");
    ObjectReader reader(info[0], "options");
    inference::StreamOptions options;
    options.stride = static_cast<int>(reader.integer("stride", 1, 1 << 16));
    options.flip = reader.boolean("flip");
    options.lookahead = static_cast<int>(
        reader.integer("lookahead", 0, int64_t{(config_.frames - 1) / 2} * options.stride));
    reader.finish();
    auto task = job();
    const int64_t id = ++lastStream_;
    task->result = [id](Napi::Env env) { return Napi::Number::New(env, static_cast<double>(id)); };
    return submit(std::move(task), [this, id, options] {
      inference::CompiledLifter* lifter = currentLifter();
      streams_[id] = lifter != nullptr ? lifter->stream(options) : opByOpStream(options);
      streamOwed_[id] = options.lookahead;
    });
  });
}

// Resolves with the poses that `work` writes.
Napi::Value NativeModel::posesOf(std::unique_ptr<Job> task,
                                 std::function<void(std::vector<float>&)> work) {
  auto poses = std::make_shared<std::vector<float>>();
  task->result = [poses](Napi::Env env) {
    auto values = newArray<float>(env, poses->size());
    std::copy(poses->begin(), poses->end(), values.Data());
    return values;
  };
  return submit(std::move(task), [this, poses, work = std::move(work)] {
    work(*poses);
    requireFinite(poses->data(), poses->size(), 3 * config_.outputJoints, "pose");
  });
}

Napi::Value NativeModel::pushFrame(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    const int64_t id = readWhole(info, 0, "stream", 0, kLargestSeed);
    Napi::Object fields = Napi::Object::New(info.Env());
    fields.Set("keypoints", info[1]);
    ObjectReader reader(fields, "pushFrame");
    const float* keypoints = reader.floats("keypoints", sizeOf({config_.joints, 2}));
    return posesOf(job(reader.takeCopies()), [this, id, keypoints](std::vector<float>& poses) {
      inference::LiftStream& stream = streamOf(id);
      poses.resize(sizeOf({config_.outputJoints, 3}));
      if (!stream.push(keypoints, poses.data())) poses.clear();
    });
  });
}

Napi::Value NativeModel::endStream(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    const int64_t id = readWhole(info, 0, "stream", 0, kLargestSeed);
    return posesOf(job(), [this, id](std::vector<float>& poses) {
      inference::LiftStream& stream = streamOf(id);
      poses.resize(sizeOf({streamOwed_[id], config_.outputJoints, 3}));
      poses.resize(sizeOf({stream.finish(poses.data()), config_.outputJoints, 3}));
      streams_.erase(id);
      streamOwed_.erase(id);
    });
  });
}

Napi::Value NativeModel::closeStream(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    const int64_t id = readWhole(info, 0, "stream", 0, kLargestSeed);
    return submit(job(), [this, id] {
      streams_.erase(id);
      streamOwed_.erase(id);
    });
  });
}

}  // namespace pstmo::binding
