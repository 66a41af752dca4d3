// Streams, events, graphs, and the copies between host and device memory.
#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "cuda-host.h"
#include "devices.h"
#include "record.h"

using Work = std::vector<std::function<void()>>;

struct EmulatedGraph {
  Work work;
};

struct EmulatedEvent {
  int device = pstmo::emulation::currentDevice();
  using Time = std::chrono::steady_clock::time_point;
  cudaStream_t stream = nullptr;
  std::shared_ptr<Time> time = std::make_shared<Time>();  // when the stream came to it
};

namespace {

std::recursive_mutex mutex;  // guards all of it: the emulated device does one thing at a time
std::map<const char*, size_t> pinned;
long kernels = 0;
bool lost = false;

class Stream;
std::set<Stream*> streams;

class Stream final : public EmulatedStream {
 public:
  Stream() { streams.insert(this); }
  ~Stream() override { streams.erase(this); }

  void submit(std::function<void()> work) override {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    (recording_ ? recorded_ : waiting_).push_back(std::move(work));
  }

  // Runs the waiting work. After a failure nothing runs any more, and `failure` holds it.
  void flush() {
    const std::lock_guard<std::recursive_mutex> lock(mutex);
    const Work work = std::exchange(waiting_, {});
    if (failure || lost) return;
    try {
      for (const auto& item : work) {
        if (!lost) item();
      }
    } catch (...) {
      failure = std::current_exception();
    }
  }

  bool recording() const { return recording_; }
  // Whether this thread began to record it: what it may not do meanwhile, others may.
  bool recordedHere() const { return recording_ && recorder_ == std::this_thread::get_id(); }
  void record() {
    recording_ = true;
    recorder_ = std::this_thread::get_id();
  }
  Work recorded() {
    recording_ = false;
    return std::exchange(recorded_, {});
  }

  const int device = pstmo::emulation::currentDevice();
  std::exception_ptr failure;

 private:
  Work waiting_, recorded_;
  bool recording_ = false;
  std::thread::id recorder_;
};

Stream& of(cudaStream_t stream) { return *static_cast<Stream*>(stream); }

bool recording() {
  return std::any_of(streams.begin(), streams.end(),
                     [](const Stream* stream) { return stream->recordedHere(); });
}

bool isPinned(const void* memory) {
  const auto* address = static_cast<const char*>(memory);
  const auto after = pinned.upper_bound(address);
  return after != pinned.begin() && address < std::prev(after)->first + std::prev(after)->second;
}

// Work for the default stream is done at once.
void give(cudaStream_t stream, std::function<void()> work) {
  if (stream == nullptr) return work();
  stream->submit(std::move(work));
}

cudaError_t waitFor(Stream& stream) {
  if (stream.recording()) return cudaErrorStreamCaptureUnsupported;
  stream.flush();
  if (stream.failure) std::rethrow_exception(std::exchange(stream.failure, nullptr));
  return lost ? cudaErrorIllegalAddress : cudaSuccess;
}

}  // namespace

namespace pstmo::emulation {

void note(const char* format, ...) {
  const char* file = std::getenv("PSTMO_EMULATION_LOG");
  if (file == nullptr || *file == 0) return;
  if (std::FILE* log = std::fopen(file, "a")) {
    va_list arguments;
    va_start(arguments, format);
    std::vfprintf(log, format, arguments);
    va_end(arguments);
    std::fclose(log);
  }
}

cudaError_t submitKernel(cudaStream_t stream, std::function<void()> kernel) {
  const cudaError_t entered = enterDevice();
  if (entered != cudaSuccess) return entered;
  if (stream == nullptr) {
    kernel();
    return cudaSuccess;
  }
  if (of(stream).device != currentDevice()) return cudaErrorInvalidResourceHandle;
  stream->submit([kernel = std::move(kernel)] {
    const char* last = std::getenv("PSTMO_EMULATION_FAULT");
    if (last != nullptr && *last != 0 && ++kernels >= std::atol(last)) lost = true;
    if (!lost) kernel();
  });
  return cudaSuccess;
}

bool contextLost() { return lost; }

bool recordingSteps() {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  return recording();
}

cudaError_t finishAll() {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  if (recording()) return cudaErrorStreamCaptureUnsupported;
  for (Stream* stream : streams) stream->flush();
  return lost ? cudaErrorIllegalAddress : cudaSuccess;
}

}  // namespace pstmo::emulation

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered != cudaSuccess) return entered;
  *stream = new Stream();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  if (stream != nullptr) of(stream).flush();
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return stream == nullptr ? pstmo::emulation::finishAll() : waitFor(of(stream));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered != cudaSuccess) return entered;
  *event = new EmulatedEvent();
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  if (from->device != to->device) return cudaErrorInvalidResourceHandle;
  *milliseconds = std::chrono::duration<float, std::milli>(*to->time - *from->time).count();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (event->device != of(stream).device) return cudaErrorInvalidResourceHandle;
  if (of(stream).recording()) return cudaErrorStreamCaptureUnsupported;
  event->stream = stream;
  stream->submit([time = event->time] { *time = std::chrono::steady_clock::now(); });
  return lost ? cudaErrorIllegalAddress : cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return event->stream == nullptr ? cudaSuccess : waitFor(of(event->stream));
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (lost) return cudaErrorIllegalAddress;
  of(stream).record();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = new EmulatedGraph{of(stream).recorded()};
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new EmulatedGraph(*graph);
  pstmo::emulation::note("recorded %zu\n", graph->work.size());
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  (void)pstmo::emulation::finishAll();
  delete exec;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  if (lost) return cudaErrorIllegalAddress;
  pstmo::emulation::note("replayed %zu\n", exec->work.size());
  stream->submit([exec] {
    for (const auto& item : exec->work) item();
  });
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered != cudaSuccess) return entered;
  *memory = std::malloc(bytes);
  if (*memory == nullptr) return cudaErrorMemoryAllocation;
  pinned[static_cast<const char*>(*memory)] = bytes;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered == cudaErrorDevicesUnavailable) return entered;
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  (void)pstmo::emulation::finishAll();
  pinned.erase(static_cast<const char*>(memory));
  std::free(memory);
  return cudaSuccess;
}

// Pinned memory is read and written late, when the copy runs; other host memory before the call
// returns.
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered != cudaSuccess) return entered;
  if (kind != cudaMemcpyDeviceToDevice)
    pstmo::emulation::note("%s %zu\n", kind == cudaMemcpyDeviceToHost ? "toHost" : "toDevice",
                           bytes);
  if (kind == cudaMemcpyDeviceToDevice && pstmo::emulation::runsDry()) return cudaSuccess;
  const auto copy = [=] { std::memcpy(to, from, bytes); };
  if (kind == cudaMemcpyHostToDevice && !isPinned(from)) {
    const auto* first = static_cast<const char*>(from);
    give(stream, [=, held = std::vector<char>(first, first + bytes)] {
      std::memcpy(to, held.data(), bytes);
    });
    return cudaSuccess;
  }
  give(stream, copy);
  return stream != nullptr && kind == cudaMemcpyDeviceToHost && !isPinned(to) ? waitFor(of(stream))
                                                                              : cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* address, int value, size_t bytes, cudaStream_t stream) {
  const cudaError_t entered = pstmo::emulation::enterDevice();
  if (entered != cudaSuccess) return entered;
  if (stream != nullptr && of(stream).device != pstmo::emulation::currentDevice())
    return cudaErrorInvalidResourceHandle;
  if (pstmo::emulation::runsDry()) return cudaSuccess;
  give(stream, [=] { std::memset(address, value, bytes); });
  return cudaSuccess;
}
