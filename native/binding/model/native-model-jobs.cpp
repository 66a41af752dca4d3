// The jobs of a NativeModel that compute: windows given whole, videos to lift, training steps.
#include <algorithm>
#include <limits>

#include "../../core/finite.h"
#include "../output-array.h"
#include "native-model.h"

namespace pstmo::binding {

namespace {

constexpr int kLargestBatch = 1 << 20;

Napi::Float32Array newFloats(Napi::Env env, std::initializer_list<int64_t> shape) {
  return newArray<float>(env, sizeOf(shape));
}

bool hasVisibleFrame(const uint8_t* masked, int frames) {
  return std::any_of(masked, masked + frames, [](uint8_t hidden) { return hidden == 0; });
}

// How many frames each clip has: together those of the keypoints.
std::vector<int32_t> readLengths(ObjectReader& reader, int64_t frames) {
  int64_t count = 0, total = 0;
  const int32_t* lengths = reader.integerRows("lengths", 1, count);
  for (int64_t i = 0; i < count; i++) {
    if (lengths[i] < 1)
      throw Error("ERR_ARGUMENT", "request.lengths[" + std::to_string(i) +
                                      "]: expected at least 1, got " + std::to_string(lengths[i]) +
                                      ".");
    total += lengths[i];
  }
  if (total != frames) {
    throw Error("ERR_ARGUMENT", "request.keypoints: lengths add up to " + std::to_string(total) +
                                    " frames, but it holds " + std::to_string(frames) + ".");
  }
  return {lengths, lengths + count};
}

}  // namespace

void NativeModel::requireFinite(const float* values, size_t count, int row, const char* rowName) {
  const size_t bad = firstNonFinite(values, count);
  if (bad == count) return;
  throw Error("ERR_MODEL",
              std::string("The network's result is not finite, first in ") + rowName + " " +
                  std::to_string(bad / static_cast<size_t>(row)) +
                  ": its weights, or the keypoints, are far from those of any training.");
}

void NativeModel::requireStage(int stage, const char* what) const {
  if (config_.stage != stage) {
    throw Error("ERR_UNSUPPORTED", std::string(what) + " needs a Stage " + std::to_string(stage) +
                                       " model; this one is Stage " +
                                       std::to_string(config_.stage) + ".");
  }
}

NativeModel::Windows NativeModel::readWindows(ObjectReader& reader) const {
  Windows windows{};
  windows.batch = static_cast<int>(reader.integer("batch", 1, kLargestBatch));
  windows.keypoints =
      reader.floats("keypoints", sizeOf({windows.batch, config_.frames, config_.joints, 2}));
  windows.targets = reader.optionalFloats(
      "targets", sizeOf({windows.batch, config_.frames, config_.outputJoints, 3}));
  windows.masked = reader.optionalBytes("masked", sizeOf({config_.frames}));
  windows.jointMask = reader.optionalBytes("jointMask", sizeOf({config_.frames, config_.joints}));
  windows.roots = reader.optionalFloats("roots", sizeOf({windows.batch, 3}));
  windows.cameras = reader.optionalFloats("cameras", sizeOf({windows.batch, 4}));
  reader.finish();
  if ((windows.masked == nullptr) != (windows.jointMask == nullptr) ||
      (windows.roots == nullptr) != (windows.cameras == nullptr)) {
    throw Error("ERR_ARGUMENT",
                "input: masked and jointMask come together, and so do roots and cameras.");
  }
  if (config_.stage == 1 && windows.masked == nullptr)
    throw Error("ERR_ARGUMENT", "input: a Stage I model needs masked and jointMask.");
  if (windows.masked != nullptr && !hasVisibleFrame(windows.masked, config_.frames)) {
    throw Error("ERR_ARGUMENT", "input.masked: at least one frame must be visible.");
  }
  return windows;
}

Napi::Value NativeModel::forward(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    requireStage(2, "forward");
    ObjectReader reader(info[0], "input");
    const Windows in = readWindows(reader);
    auto task = job(reader.takeCopies());
    Napi::Object output = Napi::Object::New(info.Env());
    auto single = newFloats(info.Env(), {in.batch, config_.outputJoints, 3});
    auto multiple = newFloats(info.Env(), {in.batch, config_.frames, config_.outputJoints, 3});
    output.Set("single", single);
    output.Set("multiple", multiple);
    float* refined = nullptr;
    if (config_.refine && in.roots != nullptr) {
      auto values = newFloats(info.Env(), {in.batch, config_.outputJoints, 3});
      output.Set("refined", values);
      refined = values.Data();
    }
    task->output = Napi::Persistent(output);
    return submit(
        std::move(task), [this, in, refined, first = single.Data(), all = multiple.Data()] {
          network_->forward(in.keypoints, in.batch, in.roots, in.cameras, first, all, refined);
          const int row = 3 * config_.outputJoints;
          const size_t poses = sizeOf({in.batch, row});
          requireFinite(first, poses, row, "pose");
          requireFinite(all, poses * static_cast<size_t>(config_.frames), row, "pose");
          if (refined != nullptr) requireFinite(refined, poses, row, "pose");
        });
  });
}

Napi::Value NativeModel::reconstruct(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    requireStage(1, "reconstruct");
    ObjectReader reader(info[0], "input");
    const Windows in = readWindows(reader);
    auto task = job(reader.takeCopies());
    auto values = newFloats(info.Env(), {in.batch, config_.frames, config_.joints, 2});
    task->output = Napi::Persistent(values.As<Napi::Object>());
    return submit(std::move(task), [this, in, out = values.Data()] {
      network_->reconstruct(in.keypoints, in.batch, in.masked, in.jointMask, out);
      const int row = 2 * config_.joints;
      requireFinite(out, sizeOf({in.batch, config_.frames, row}), row, "frame");
    });
  });
}

Napi::Value NativeModel::attention(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    ObjectReader reader(info[0], "input");
    const Windows in = readWindows(reader);
    Napi::Object fields = Napi::Object::New(info.Env());
    fields.Set("module", info[1]);
    const std::string module =
        ObjectReader(fields, "attention").text("module", {"tem", "mofa", "decoder", "joints"});
    const int layer = static_cast<int>(readWhole(info, 2, "layer", 0, 1024));
    auto task = job(reader.takeCopies());
    struct Maps {
      int tokens = 0;
      std::vector<float> values;
    };
    auto maps = std::make_shared<Maps>();
    task->result = [maps](Napi::Env env) {
      Napi::Object output = Napi::Object::New(env);
      auto values = newArray<float>(env, maps->values.size());
      std::copy(maps->values.begin(), maps->values.end(), values.Data());
      output.Set("tokens", maps->tokens);
      output.Set("maps", values);
      return output;
    };
    return submit(std::move(task), [this, in, module, layer, maps] {
      maps->tokens = network_->attention(in.keypoints, in.batch, in.masked, in.jointMask, module,
                                         layer, maps->values);
      requireFinite(maps->values.data(), maps->values.size(), maps->tokens, "row");
    });
  });
}

Napi::Value NativeModel::gradients(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    ObjectReader reader(info[0], "input");
    const Windows in = readWindows(reader);
    if (config_.stage == 2 && in.targets == nullptr)
      throw Error("ERR_ARGUMENT", "input.targets: a Stage II model needs them.");
    if (config_.refine && in.roots == nullptr)
      throw Error("ERR_ARGUMENT", "input.roots: a refining model needs them, and cameras.");
    const int64_t seed = readWhole(info, 1, "seed", 0, kLargestSeed);
    const int64_t step = readWhole(info, 2, "step", 0, std::numeric_limits<uint32_t>::max());
    auto task = job(reader.takeCopies());
    auto losses = newArray<double>(info.Env(), 3);
    task->output = Napi::Persistent(losses.As<Napi::Object>());
    return submit(std::move(task), [this, in, seed, step, out = losses.Data()] {
      network_->gradients(in.keypoints, in.targets, in.batch, in.masked, in.jointMask, in.roots,
                          in.cameras, static_cast<uint64_t>(seed), step, out);
    });
  });
}

Napi::Value NativeModel::adamStep(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    Napi::Object fields = Napi::Object::New(info.Env());
    fields.Set("learningRate", info[0]);
    const double learningRate = ObjectReader(fields, "adamStep").number("learningRate", 0, 1e6);
    const int64_t step = readWhole(info, 1, "step", 1, kLargestSeed);
    return submit(job(), [this, learningRate, step] {
      lifterStale_ = true;
      network_->adamStep(learningRate, step);
    });
  });
}

Napi::Value NativeModel::setSequences(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    ObjectReader reader(info[0], "sequences");
    int64_t count = 0;
    int64_t frames = 0;
    const int32_t* lengths = reader.integerRows("lengths", 1, count);
    const float* keypoints = reader.floatRows("keypoints", sizeOf({config_.joints, 2}), frames);
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++) {
      if (lengths[i] < 1)
        throw Error("ERR_ARGUMENT", "sequences.lengths[" + std::to_string(i) +
                                        "]: expected at least 1, got " +
                                        std::to_string(lengths[i]) + ".");
      total += lengths[i];
    }
    if (total != frames || count > std::numeric_limits<int>::max()) {
      throw Error("ERR_ARGUMENT", "sequences.keypoints: lengths add up to " +
                                      std::to_string(total) + " frames, but it holds " +
                                      std::to_string(frames) + ".");
    }
    const float* poses = reader.optionalFloats("poses", sizeOf({frames, config_.outputJoints, 3}));
    const float* roots = reader.optionalFloats("roots", sizeOf({frames, 3}));
    const float* cameras = reader.optionalFloats("cameras", sizeOf({count, 4}));
    reader.finish();
    const network::Pose2DSequences sequences{keypoints, poses,   roots,
                                             cameras,   lengths, static_cast<int>(count)};
    return submit(job(reader.takeCopies()),
                  [this, sequences] { network_->setSequences(sequences); });
  });
}

Napi::Value NativeModel::lift(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    requireStage(2, "lift");
    ObjectReader reader(info[0], "request");
    network::LiftRequest request{};
    int64_t frames = 0;
    request.keypoints = reader.floatRows("keypoints", sizeOf({config_.joints, 2}), frames);
    request.frames = static_cast<int>(frames);
    if (frames < 1 || frames > (1 << 28))
      throw Error("ERR_ARGUMENT", "request.keypoints: expected 1 to 2^28 frames, got " +
                                      std::to_string(frames) + ".");
    request.stride = static_cast<int>(reader.integer("stride", 1, 1 << 16));
    request.flip = reader.boolean("flip");
    request.first = static_cast<int>(reader.integer("first", 0, frames - 1));
    request.count = static_cast<int>(reader.integer("count", 1, frames - request.first));
    request.batch = static_cast<int>(reader.integer("batch", 0, kLargestBatch));
    request.root = reader.optionalFloats("root", sizeOf({frames, 3}));
    request.camera = reader.optionalFloats("camera", 4);
    request.shuffleFrames = reader.has("shuffleSeed");
    if (request.shuffleFrames)
      request.shuffleSeed = static_cast<uint64_t>(reader.integer("shuffleSeed", 0, kLargestSeed));
    std::vector<int32_t> lengths = {static_cast<int32_t>(frames)};
    if (reader.has("lengths")) {
      lengths = readLengths(reader, frames);
      if (request.first != 0 || request.count != frames || request.root != nullptr ||
          request.shuffleFrames) {
        throw Error("ERR_ARGUMENT",
                    "request.lengths: several clips are lifted whole, without root and camera, and "
                    "in order.");
      }
    }
    reader.finish();
    if ((request.root == nullptr) != (request.camera == nullptr))
      throw Error("ERR_ARGUMENT", "request: root and camera come together.");
    auto task = job(reader.takeCopies());
    if (!info[1].IsUndefined()) task->control = readControl(info[1], task->held);
    auto poses = newFloats(info.Env(), {request.count, config_.outputJoints, 3});
    request.poses = poses.Data();
    task->output = Napi::Persistent(poses.As<Napi::Object>());
    const network::JobControl control{task->control.cancel, task->control.done};
    return submit(std::move(task), [this, request, lengths, control] {
      liftClips(request, lengths, control);
      const int row = 3 * config_.outputJoints;
      requireFinite(request.poses, sizeOf({request.count, row}), row, "pose");
    });
  });
}

Napi::Value NativeModel::train(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    ObjectReader reader(info[0], "request");
    network::TrainRequest request{};
    request.samples = reader.integerRows("samples", 3, request.sampleCount);
    request.batch = static_cast<int>(reader.integer("batch", 1, kLargestBatch));
    const int64_t steps = (request.sampleCount + request.batch - 1) / request.batch;
    if (steps < 1 || steps > std::numeric_limits<int>::max())
      throw Error("ERR_ARGUMENT", "request.samples: expected at least one sample.");
    request.steps = static_cast<int>(steps);
    request.stride = static_cast<int>(reader.integer("stride", 1, 1 << 16));
    request.shuffleFrames = reader.boolean("shuffleFrames");
    request.learningRate = reader.number("learningRate", 0, 1e6);
    request.seed = static_cast<uint64_t>(reader.integer("seed", 0, kLargestSeed));
    request.firstStep = reader.integer("firstStep", 0, std::numeric_limits<uint32_t>::max());
    request.update = reader.boolean("update");
    request.flip = reader.boolean("flip");
    request.masked = reader.optionalBytes("masked", sizeOf({steps, config_.frames}));
    request.jointMask =
        reader.optionalBytes("jointMask", sizeOf({steps, config_.frames, config_.joints}));
    reader.finish();
    if (config_.stage == 1) {
      if (request.masked == nullptr || request.jointMask == nullptr)
        throw Error("ERR_ARGUMENT", "request: a Stage I model needs masked and jointMask.");
      for (int64_t step = 0; step < steps; step++) {
        if (!hasVisibleFrame(request.masked + step * config_.frames, config_.frames)) {
          throw Error("ERR_ARGUMENT",
                      "request.masked: at least one frame must be visible in step " +
                          std::to_string(step) + ".");
        }
      }
    }
    auto task = job(reader.takeCopies());
    if (!info[1].IsUndefined()) task->control = readControl(info[1], task->held);
    auto losses = newArray<double>(info.Env(), sizeOf({steps, 3}));
    request.losses = losses.Data();
    task->output = Napi::Persistent(losses.As<Napi::Object>());
    const network::JobControl control{task->control.cancel, task->control.done};
    return submit(std::move(task), [this, request, control] {
      if (request.update) lifterStale_ = true;
      network_->train(request, control);
    });
  });
}

Napi::Value NativeModel::startProfile(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    Napi::Object fields = Napi::Object::New(info.Env());
    fields.Set("detail", info[0]);
    const std::string detail =
        ObjectReader(fields, "startProfile").text("detail", {"ops", "passes", "stages"});
    if (detail == "stages") {
      return submit(job(), [this] {
        inference::CompiledLifter* const lifter = currentLifter();
        if (lifter == nullptr)
          throw Error("ERR_UNSUPPORTED",
                      "startProfile \"stages\": this model lifts op by op, because " +
                          reasonAgainstLifter() + ".");
        lifter->startProfile();
        profilesStages_ = true;
      });
    }
    requireProfiler();
    return submit(job(), [this, each = detail == "ops"] {
      profiler_->start(each ? ProfilingBackend::Detail::ops : ProfilingBackend::Detail::passes);
    });
  });
}

Napi::Value NativeModel::stopProfile(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] {
    auto task = job();
    struct Record {
      Cost cost;
      double start, seconds;
      int thread;
    };
    auto records = std::make_shared<std::vector<Record>>();
    task->result = [records](Napi::Env env) {
      Napi::Array list = Napi::Array::New(env, records->size());
      for (uint32_t i = 0; i < records->size(); i++) {
        const Record& record = (*records)[i];
        Napi::Object entry = Napi::Object::New(env);
        entry.Set("op", record.cost.name);
        entry.Set("shape", record.cost.shape);
        entry.Set("start", record.start);
        entry.Set("seconds", record.seconds);
        entry.Set("flops", record.cost.flops);
        entry.Set("bytes", record.cost.bytes.here);
        entry.Set("narrowBytes", record.cost.bytes.narrow);
        entry.Set("thread", record.thread);
        list.Set(i, entry);
      }
      return list;
    };
    return submit(std::move(task), [this, records] {
      if (profilesStages_) {
        profilesStages_ = false;
        if (!lifter_) return;
        for (const inference::StageRecord& record : lifter_->stopProfile())
          records->push_back({{record.stage.name, "", record.stage.flops},
                              record.start,
                              record.seconds,
                              record.thread});
        return;
      }
      requireProfiler();
      for (ProfilingBackend::Record& record : profiler_->stop())
        records->push_back({std::move(record.cost), record.start, record.seconds, 0});
    });
  });
}

void NativeModel::requireProfiler() const {
  if (profiler_ == nullptr)
    throw Error("ERR_ARGUMENT",
                "This model was made without the option profile: nothing was timed.");
}

}  // namespace pstmo::binding
