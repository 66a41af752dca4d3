// Times by events on the stream, each span a range in NVIDIA's profilers too.
#include <device/ranges.h>

#include "cuda-device.h"

namespace pstmo::cuda {

namespace {

class EventTimeline final : public Timeline {
 public:
  explicit EventTimeline(const CudaBackend& backend) : backend_(backend) {}
  ~EventTimeline() override {
    (void)cudaSetDevice(backend_.device());
    for (const cudaEvent_t event : events_) (void)cudaEventDestroy(event);
  }

  void begin(const char* name) override {
    pushRange(name);
    note();
  }
  void end() override {
    note();
    popRange();
  }
  std::vector<Span> read() override {
    check(cudaStreamSynchronize(backend_.stream()), "waiting for the GPU");
    std::vector<Span> spans;
    for (size_t i = 0; i + 1 < used_; i += 2) spans.push_back({seconds(0, i), seconds(i, i + 1)});
    used_ = 0;
    return spans;
  }

 private:
  // Events are made once and used again: making one takes longer than noting it. They belong to the
  // stream's device, which another model of this thread may have changed since.
  void note() {
    cudaStream_t const stream = backend_.stream();
    if (used_ == events_.size()) {
      cudaEvent_t event = nullptr;
      check(cudaEventCreate(&event), "making an event");
      events_.push_back(event);
    }
    check(cudaEventRecord(events_[used_++], stream), "noting the time");
  }
  double seconds(size_t from, size_t to) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, events_[from], events_[to]), "reading the time");
    return milliseconds / 1e3;
  }

  const CudaBackend& backend_;
  std::vector<cudaEvent_t> events_;
  size_t used_ = 0;
};

}  // namespace

std::unique_ptr<Timeline> CudaBackend::timeline() { return std::make_unique<EventTimeline>(*this); }

}  // namespace pstmo::cuda
