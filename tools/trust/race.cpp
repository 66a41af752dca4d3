// Lifts, streams, stops, closes and trains on job queues as the addon does, several models at once,
// for ThreadSanitizer: `pstmo-race <rounds> <seed>`. Prints how the promises ended.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "../../native/binding/model/job-queue.h"
#include "../../native/cpu/cpu-backend.h"
#include "../../native/inference/compiled-lifter.h"
#include "../../native/network/network.h"
#include "fake-node.h"

namespace {

using namespace pstmo;

constexpr int kJoints = 17, kThreads = 3, kFrames = 60;

NetworkConfig smallConfig() {
  NetworkConfig config;
  config.frames = 9;
  config.layers = 1;
  config.width = 32;
  config.hidden = 48;
  config.heads = 4;
  for (int joint = 0; joint < kJoints; ++joint) {
    config.mirrorInput.push_back(joint);
    config.mirrorOutput.push_back(joint);
  }
  return config;
}

std::vector<float> waves(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = 0.5f * std::sin(static_cast<float>(i));
  return values;
}

// What a NativeModel holds, and its jobs.
class Model {
 public:
  explicit Model(bool compiled)
      : compiled_(compiled),
        network_(network::Network::make(smallConfig(), makeCpuBackend(kThreads, Precision::fp32))),
        queue_(binding::JobQueue::make(trust::fakeEnv())) {
    submit([this](const network::JobControl&) { network_->initialize(1); });
  }

  std::shared_ptr<std::atomic<int32_t>> lift() {
    return submit([this](const network::JobControl& control) {
      const std::vector<float> keypoints = waves(kFrames * 2 * kJoints);
      std::vector<float> poses(kFrames * 3 * kJoints);
      if (compiled_) {
        inference::ClipRequest request{
            keypoints.data(), {{kFrames, 0, kFrames}}, 1, true, poses.data()};
        lifter().lift(request, [&](int frames) {
          control.count(frames);
          control.throwIfCancelled();
        });
        return;
      }
      network::LiftRequest request{};
      request.keypoints = keypoints.data();
      request.frames = request.count = kFrames;
      request.stride = 1;
      request.flip = true;
      request.batch = 4;
      request.poses = poses.data();
      network_->lift(request, control);
    });
  }

  void stream() {
    submit([this](const network::JobControl&) { stream_ = lifter().stream({1, true, 2}); });
    for (int frame = 0; frame < 6; ++frame) {
      submit([this, keypoints = waves(2 * kJoints)](const network::JobControl&) {
        std::vector<float> pose(3 * kJoints);
        stream_->push(keypoints.data(), pose.data());
      });
    }
    submit([this](const network::JobControl&) {
      std::vector<float> poses(2 * 3 * kJoints);
      stream_->finish(poses.data());
      stream_.reset();
    });
  }

  std::shared_ptr<std::atomic<int32_t>> train() {
    return submit([this](const network::JobControl& control) {
      const std::vector<float> keypoints = waves(kFrames * 2 * kJoints),
                               poses = waves(kFrames * 3 * kJoints);
      const int32_t length = kFrames;
      network_->setSequences({keypoints.data(), poses.data(), nullptr, nullptr, &length, 1});
      std::vector<int32_t> samples;
      for (int32_t sample = 0; sample < 40; ++sample)
        samples.insert(samples.end(), {0, sample, sample % 2});
      std::vector<double> losses(10 * 3);
      network::TrainRequest request{};
      request.steps = 10;
      request.batch = 4;
      request.sampleCount = 40;
      request.samples = samples.data();
      request.stride = 1;
      request.learningRate = 1e-4;
      request.update = true;
      request.losses = losses.data();
      stream_.reset();
      lifter_.reset();
      network_->train(request, control);
    });
  }

  size_t memoryBytes() const { return network_->memoryBytes(); }

  void close() {
    auto last = std::make_unique<binding::Job>();
    last->work = [this] {
      stream_.reset();
      lifter_.reset();
    };
    queue_->close(std::move(last));
  }

 private:
  inference::CompiledLifter& lifter() {
    if (!lifter_) {
      lifter_ = inference::makeCpuLifter(
          smallConfig(), {}, Precision::fp32, kThreads, "auto", [this](const std::string& name) {
            size_t size = 1;
            for (const network::TensorInfo& tensor : network_->tensors()) {
              if (tensor.name != name) continue;
              for (const int64_t length : tensor.shape) size *= static_cast<size_t>(length);
            }
            std::vector<float> values(size);
            network_->read(network::TensorState::value, name, values.data());
            return values;
          });
    }
    return *lifter_;
  }

  // Gives the cell that stops the job, as JavaScript shares it.
  std::shared_ptr<std::atomic<int32_t>> submit(
      std::function<void(const network::JobControl&)> work) {
    auto cells = std::make_shared<std::array<std::atomic<int32_t>, 2>>();
    auto job = std::make_unique<binding::Job>();
    job->control = {&(*cells)[0], &(*cells)[1]};
    job->work = [cells, work = std::move(work)] { work({&(*cells)[0], &(*cells)[1]}); };
    queue_->submit(std::move(job));
    return {cells, &(*cells)[0]};
  }

  const bool compiled_;
  std::unique_ptr<network::Network> network_;
  std::unique_ptr<inference::CompiledLifter> lifter_;
  std::unique_ptr<inference::LiftStream> stream_;
  std::shared_ptr<binding::JobQueue> queue_;
};

}  // namespace

int main(int count, char** arguments) {
  const int rounds = count > 1 ? std::atoi(arguments[1]) : 5;
  std::mt19937 random(count > 2 ? static_cast<unsigned>(std::atoi(arguments[2])) : 1u);
  const auto sleep = [&] {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30000));
  };
  for (int round = 0; round < rounds; ++round) {
    Model compiled(true), opByOp(false);
    for (Model* model : {&compiled, &opByOp}) {
      model->stream();
      const auto first = model->lift(), second = model->train(), third = model->lift();
      sleep();
      if (random() % 2 == 0) first->store(1);
      if (random() % 2 == 0) second->store(1);
      if (random() % 4 == 0) third->store(1);
    }
    if (compiled.memoryBytes() == 0) return 1;
    if (random() % 2 == 0) pstmo::trust::waitForPromises();
    sleep();
    compiled.close();
    opByOp.close();
    pstmo::trust::waitForPromises();
  }
  std::printf("%d rounds: %d jobs done, %d stopped, %d closed\n", rounds,
              pstmo::trust::settledWith(""), pstmo::trust::settledWith("ERR_ABORTED"),
              pstmo::trust::settledWith("ERR_CLOSED"));
  return 0;
}
