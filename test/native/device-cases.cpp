// Two devices on one thread and one kernel on two threads: prints for each case what the emulated
// devices say of it. The library's own code runs here, which must choose its device each time.
#include <device/runtime.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "../../native/cuda/cuda-device.h"

namespace pstmo::cuda {
namespace {

void nothing(float*) {}

// Runs `body` and prints its name and verdict.
template <typename Body>
void say(const char* name, const Body& body) {
  try {
    body();
    std::printf("%s: passes\n", name);
  } catch (const Error& error) {
    std::printf("%s: %s\n", name, error.what());
  }
}

std::unique_ptr<CudaBackend> backendOf(int device) {
  return std::make_unique<CudaBackend>(device, Precision::fp32, "own");
}

void choose(int device) { check(cudaSetDevice(device), "choosing a device"); }

// An event belongs to the device that the thread had when it was made.
void timesWhileAnotherDeviceWorks() {
  const auto first = backendOf(0), second = backendOf(1);
  void* const memory = second->allocate(64);
  const auto timeline = first->timeline();
  for (int i = 0; i < 2; ++i) {
    timeline->begin("first");
    second->zero(memory, 64);
    timeline->end();
  }
  (void)timeline->read();
  second->release(memory);
}

// Blocks of one kernel with 60 KB and 100 KB, on two threads.
void takesTwoSizesAtOnce() {
  std::string failure;
  const auto run = [&failure](size_t bytes) {
    try {
      const auto backend = backendOf(0);
      for (int i = 0; i < 30; ++i)
        launch(nothing, dim3(1), dim3(32), bytes, backend->stream(), static_cast<float*>(nullptr));
      check(cudaStreamSynchronize(backend->stream()), "waiting");
    } catch (const Error& error) {
      failure = error.what();
    }
  };
  std::thread small(run, size_t{60} << 10), large(run, size_t{100} << 10);
  small.join();
  large.join();
  if (!failure.empty()) throw Error("ERR_CUDA_DRIVER", failure);
}

void launchesInAnotherDevicesStream() {
  const auto first = backendOf(0);
  cudaStream_t const stream = first->stream();
  choose(1);
  launch(nothing, dim3(1), dim3(32), 0, stream, static_cast<float*>(nullptr));
}

void readsAnotherDevicesMemory() {
  const auto first = backendOf(0), second = backendOf(1);
  void* const memory = first->allocate(64);
  launch(nothing, dim3(1), dim3(32), 0, second->stream(), static_cast<float*>(memory));
  check(cudaStreamSynchronize(second->stream()), "waiting");
}

void takesMoreThanItAskedFor() {
  choose(1);
  allowSharedBytes(reinterpret_cast<const void*>(nothing), size_t{64} << 10);
  choose(0);
  check(emulation::checkSharedBytes(reinterpret_cast<const void*>(nothing), size_t{128} << 10),
        "starting a kernel");
}

// What a backend frees is its own device's.
void freesFromAnotherDevice() {
  choose(1);
  size_t before = 0, after = 0, total = 0;
  check(cudaMemGetInfo(&before, &total), "asking");
  {
    const auto second = backendOf(1);
    float value = 1;
    void* const memory = second->allocate(64);
    second->copyIn(memory, &value, sizeof value);
    choose(0);
    second->release(memory);
  }
  choose(1);
  check(cudaMemGetInfo(&after, &total), "asking");
  if (after != before) throw Error("ERR_CUDA_DRIVER", "memory is left");
}

}  // namespace
}  // namespace pstmo::cuda

int main() {
  using namespace pstmo::cuda;
  say("timesWhileAnotherDeviceWorks", timesWhileAnotherDeviceWorks);
  say("takesTwoSizesAtOnce", takesTwoSizesAtOnce);
  say("freesFromAnotherDevice", freesFromAnotherDevice);
  say("launchesInAnotherDevicesStream", launchesInAnotherDevicesStream);
  say("readsAnotherDevicesMemory", readsAnotherDevicesMemory);
  say("takesMoreThanItAskedFor", takesMoreThanItAskedFor);
}
