#include "profiling-backend.h"

namespace pstmo {

void ProfilingBackend::start(Detail detail) {
  stop();
  detail_ = detail;
}

std::vector<ProfilingBackend::Record> ProfilingBackend::stop() {
  endPass();
  detail_ = Detail::off;
  const std::vector<Timeline::Span> spans = timeline_->read();
  std::vector<Record> records;
  for (size_t i = 0; i < spans.size(); ++i)
    records.push_back({std::move(costs_[i]), spans[i].start, spans[i].seconds});
  costs_.clear();
  return records;
}

void ProfilingBackend::beginOp(Cost cost) {
  if (detail_ == Detail::ops) {
    timeline_->begin(cost.name);
    costs_.push_back(std::move(cost));
    return;
  }
  if (passOps_++ == 0) {
    timeline_->begin("pass");
    costs_.push_back({"pass", ""});
  }
  Cost& pass = costs_.back();
  pass.flops += cost.flops;
  pass.bytes += cost.bytes;
}

template <typename Op>
void ProfilingBackend::runTimed(const Op& op) {
  if (detail_ == Detail::off) return backend_->run(op);
  beginOp(costOf(op));
  backend_->run(op);
  endOp();
}

#define PSTMO_RUN_TIMED(Op) \
  void ProfilingBackend::run(const Op& op) { runTimed(op); }
PSTMO_FOR_EACH_OP(PSTMO_RUN_TIMED)
#undef PSTMO_RUN_TIMED

void ProfilingBackend::endOp() {
  if (detail_ == Detail::ops) timeline_->end();
}

void ProfilingBackend::endPass() {
  if (passOps_ == 0) return;
  timeline_->end();
  costs_.back().shape = std::to_string(passOps_) + " ops";
  passOps_ = 0;
}

void ProfilingBackend::runStep(const StepKey& key, const StepValues& values,
                               const std::function<void()>& body) {
  if (detail_ == Detail::off) return backend_->runStep(key, values, body);
  if (detail_ == Detail::ops) return body();
  endPass();
  timeline_->begin("pass");
  costs_.push_back({"pass", "a step"});
  detail_ = Detail::off;
  struct Restore {
    Detail& detail;
    ~Restore() { detail = Detail::passes; }
  } restore{detail_};
  backend_->runStep(key, values, body);
  timeline_->end();
}

void ProfilingBackend::beginCopy(const char* name, double bytes) {
  endPass();
  timeline_->begin(name);
  costs_.push_back(
      {name, std::to_string(static_cast<size_t>(bytes)) + " bytes", 0, {bytes, bytes}});
}

// An exception leaves a span open; the pass that threw is not read.
void ProfilingBackend::copyIn(void* device, const void* host, size_t bytes) {
  if (detail_ == Detail::off) return backend_->copyIn(device, host, bytes);
  beginCopy("copyIn", static_cast<double>(bytes));
  backend_->copyIn(device, host, bytes);
  timeline_->end();
}

void ProfilingBackend::copyOut(void* host, const void* device, size_t bytes) {
  if (detail_ == Detail::off) return backend_->copyOut(host, device, bytes);
  beginCopy("copyOut", static_cast<double>(bytes));
  backend_->copyOut(host, device, bytes);
  timeline_->end();
}

void ProfilingBackend::copyOutLater(void* host, const void* device, size_t bytes) {
  if (detail_ == Detail::off) return backend_->copyOutLater(host, device, bytes);
  beginCopy("copyOut", static_cast<double>(bytes));
  backend_->copyOutLater(host, device, bytes);
  timeline_->end();
}

void ProfilingBackend::zero(void* device, size_t bytes) {
  if (detail_ == Detail::off) return backend_->zero(device, bytes);
  const double count = static_cast<double>(bytes);
  beginOp({"zero", std::to_string(bytes) + " bytes", 0, {count, count}});
  backend_->zero(device, bytes);
  endOp();
}

}  // namespace pstmo
