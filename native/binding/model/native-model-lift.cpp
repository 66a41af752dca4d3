// The compiled lifter beside the op-by-op network: which networks have one, when it is compiled,
// and the calls that run it.
#include "../output-array.h"
#include "../probe/machine.h"
#include "native-model.h"

namespace pstmo::binding {

std::string NativeModel::findUnsupportedReason() const {
  if (compiled_ == Compiled::off) return "it was switched off";
  if (deviceName_ == "cpu") return inference::cpuUnsupportedReason(config_, precision_);
  if (compiled_ != Compiled::on)
    return "on a GPU it is not the default before it has been measured on one: compiled \"on\" "
           "asks for it";
  return inference::cudaUnsupportedReason(config_, precision_, cudaNumber(deviceName_));
}

inference::CompiledLifter* NativeModel::currentLifter() {
  if (!unsupportedReason_.empty()) return nullptr;
  if (lifterStale_) {
    streams_.clear();
    streamOwed_.clear();
    lifter_.reset();
    const inference::TensorReader read = [this](const std::string& name) {
      std::vector<float> values(tensorSize(name));
      network_->read(network::TensorState::value, name, values.data());
      return values;
    };
    lifter_ =
        deviceName_ == "cpu"
            ? inference::makeCpuLifter(config_, folds_, precision_, threads_, isa_, read)
            : inference::makeCudaLifter(config_, folds_, precision_, cudaNumber(deviceName_), read);
    lifterStale_ = false;
  }
  return lifter_.get();
}

void NativeModel::liftClips(const network::LiftRequest& request,
                            const std::vector<int32_t>& lengths,
                            const network::JobControl& control) {
  // The refining module, which a root and a camera call for, is not compiled; windows of shuffled
  // frames share nothing.
  const bool compiled = request.root == nullptr && !request.shuffleFrames;
  inference::CompiledLifter* lifter = compiled ? currentLifter() : nullptr;
  if (lifter == nullptr) {
    network::LiftRequest clip = request;
    for (const int32_t frames : lengths) {
      clip.frames = frames;
      if (lengths.size() > 1) clip.count = frames;
      network_->lift(clip, control);
      clip.keypoints += static_cast<size_t>(frames) * 2 * static_cast<size_t>(config_.joints);
      clip.poses += static_cast<size_t>(clip.count) * 3 * static_cast<size_t>(config_.outputJoints);
    }
    return;
  }
  const auto progress = [&control](int frames) {
    if (control.done != nullptr) control.done->fetch_add(frames);
    if (control.cancel != nullptr && control.cancel->load() != 0)
      throw Error("ERR_ABORTED", "The caller stopped the job.");
  };
  inference::ClipRequest lift;
  lift.keypoints = request.keypoints;
  for (const int32_t frames : lengths)
    lift.clips.push_back({frames, lengths.size() > 1 ? 0 : request.first,
                          lengths.size() > 1 ? frames : request.count});
  lift.stride = request.stride;
  lift.flip = request.flip;
  lift.poses = request.poses;
  progress(0);
  lifter->lift(lift, progress);
}

Napi::Value NativeModel::unsupportedReason(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), unsupportedReason_);
}

Napi::Value NativeModel::liftWindows(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    requireStage(2, "liftWindows");
    ObjectReader reader(info[0], "input");
    const Windows in = readWindows(reader);
    auto task = job(reader.takeCopies());
    auto values = newArray<float>(info.Env(), sizeOf({in.batch, config_.outputJoints, 3}));
    task->output = Napi::Persistent(values.As<Napi::Object>());
    return submit(std::move(task), [this, in, poses = values.Data()] {
      if (inference::CompiledLifter* lifter = currentLifter()) {
        lifter->liftWindows(in.keypoints, in.batch, poses);
      } else {
        network_->forward(in.keypoints, in.batch, nullptr, nullptr, poses, nullptr, nullptr);
      }
      const int row = 3 * config_.outputJoints;
      requireFinite(poses, sizeOf({in.batch, row}), row, "pose");
    });
  });
}

}  // namespace pstmo::binding
