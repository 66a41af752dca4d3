// The compiled lifter beside the op-by-op network: which networks have one, when it is compiled,
// and the calls that run it.
#include <cmath>
#include <cstdio>

#include "../output-array.h"
#include "../probe/machine.h"
#include "native-model.h"

namespace pstmo::binding {
namespace {

// How far the compiled lifter's pose may be from the network's op by op, ||difference|| / ||pose||:
// each rounds in its own order, in bf16 and tf32 at every matmul.
double selfTestTolerance(Precision precision) {
  return precision == Precision::fp32 ? 1e-4 : precision == Precision::tf32 ? 5e-3 : 5e-2;
}

}  // namespace

std::string NativeModel::findUnsupportedReason() const {
  if (compiled_ == Compiled::off) return "it was switched off";
  if (deviceName_ == "cpu") return inference::cpuUnsupportedReason(config_, precision_);
  return inference::cudaUnsupportedReason(config_, precision_, cudaNumber(deviceName_));
}

std::string NativeModel::reasonAgainstLifter() const {
  const std::lock_guard<std::mutex> lock(reasonMutex_);
  return unsupportedReason_;
}

std::unique_ptr<inference::CompiledLifter> NativeModel::makeLifter() {
  const inference::TensorReader read = [this](const std::string& name) {
    std::vector<float> values(tensorSize(name));
    network_->read(network::TensorState::value, name, values.data());
    return values;
  };
  if (deviceName_ == "cpu")
    return inference::makeCpuLifter(config_, folds_, precision_, threads_, isa_, read);
  return inference::makeCudaLifter(config_, folds_, precision_, cudaNumber(deviceName_), read);
}

void NativeModel::checkLifter(inference::CompiledLifter& lifter) {
  const int frames = config_.frames;
  std::vector<float> keypoints(sizeOf({frames, config_.joints, 2}));
  for (size_t i = 0; i < keypoints.size(); ++i)
    keypoints[i] = 0.5f * std::sin(0.7f * static_cast<float>(i));
  std::vector<float> expected(sizeOf({config_.outputJoints, 3})), window(expected.size()),
      video(expected.size());
  network_->forward(keypoints.data(), 1, nullptr, nullptr, expected.data(), nullptr, nullptr);
  lifter.liftWindows(keypoints.data(), 1, window.data());
  inference::ClipRequest request;
  request.keypoints = keypoints.data();
  request.clips = {{frames, (frames - 1) / 2, 1}};
  request.poses = video.data();
  lifter.lift(request, [](int) {});

  const double tolerance = selfTestTolerance(precision_);
  for (const std::vector<float>* poses : {&window, &video}) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      const double wanted = expected[i], apart = double{(*poses)[i]} - wanted;
      difference += apart * apart;
      norm += wanted * wanted;
    }
    const double error = difference == 0 ? 0 : std::sqrt(difference / norm);
    if (error <= tolerance) continue;
    char text[160];
    std::snprintf(text, sizeof text, "a window came out %.1e from the network's, more than %.0e",
                  error, tolerance);
    throw Error("ERR_NATIVE", text);
  }
}

inference::CompiledLifter* NativeModel::currentLifter() {
  if (!reasonAgainstLifter().empty()) return nullptr;
  if (!lifterStale_) return lifter_.get();
  streams_.clear();
  streamOwed_.clear();
  lifter_.reset();
  try {
    lifter_ = makeLifter();
    if (selfTest_ == SelfTest::due) {
      checkLifter(*lifter_);
      selfTest_ = SelfTest::passed;
    }
  } catch (const Error& error) {
    lifter_.reset();
    if (selfTest_ != SelfTest::due || error.code() == "ERR_CUDA_OOM") throw;
    const std::lock_guard<std::mutex> lock(reasonMutex_);
    unsupportedReason_ = std::string("its self-test on this device failed: ") + error.what();
  }
  lifterStale_ = false;
  return lifter_.get();
}

Napi::Value NativeModel::prepareLifter(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    auto task = job();
    auto problem = std::make_shared<std::string>();
    task->result = [problem](Napi::Env env) { return Napi::String::New(env, *problem); };
    return submit(std::move(task), [this, problem] {
      if (currentLifter() == nullptr && selfTest_ == SelfTest::due)
        *problem = reasonAgainstLifter();
    });
  });
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
  return Napi::String::New(info.Env(), reasonAgainstLifter());
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
