// Steps recorded as CUDA graphs. A step runs as it is the first time, which gives its scratch
// memory its size; it is recorded the second time and replayed from then on. Values that change
// between steps are read from device memory.
#include "cuda-device.h"

namespace pstmo::cuda {
namespace {

constexpr size_t kMostGraphs = 16;

}  // namespace

void CudaBackend::dropGraphs() {
  for (const auto& [key, graph] : graphs_) {
    if (graph) (void)cudaGraphExecDestroy(graph);
  }
  graphs_.clear();
}

// Where scratch memory lies: a recording made before it moved is never found again.
StepKey CudaBackend::withScratch(StepKey key) const {
  for (const void* memory :
       {partials_.data(), sums_.data(), gathered_.data(), rounded_[0].data(), rounded_[1].data(),
        rounded_[2].data(), library_ ? library_->workspace() : nullptr}) {
    key.push_back(reinterpret_cast<uintptr_t>(memory));
  }
  return key;
}

DropoutMask CudaBackend::dropoutMaskOf(const Dropout& dropout) const {
  if (!dropout.active()) return {};
  if (now_ && (dropout.seed != now_->seed || dropout.step != now_->step))
    throw Error("ERR_NATIVE", "A dropout of another step than the one that runs.");
  return {true,         dropout.threshold(), dropout.step,           dropout.site,
          dropout.seed, dropout.scale(),     now_ ? state_ : nullptr};
}

const StepState* CudaBackend::stateOf(const AdamStep& op) const {
  if (now_ && (op.learningRate != now_->learningRate || op.step != now_->adamStep))
    throw Error("ERR_NATIVE", "An optimizer's step other than the one that runs.");
  return now_ ? state_ : nullptr;
}

void CudaBackend::capture(cudaGraphExec_t& exec, const std::function<void()>& body) {
  struct Graph {
    cudaGraph_t graph = nullptr;
    ~Graph() {
      if (graph) (void)cudaGraphDestroy(graph);
    }
  } recorded;
  check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal),
        "starting to record a step");
  try {
    body();
  } catch (...) {
    (void)cudaStreamEndCapture(stream_, &recorded.graph);
    (void)cudaGetLastError();
    throw;
  }
  check(cudaStreamEndCapture(stream_, &recorded.graph), "recording a step");
  check(cudaGraphInstantiate(&exec, recorded.graph, 0), "making a recorded step ready");
}

void CudaBackend::runStep(const StepKey& key, const StepValues& values,
                          const std::function<void()>& body) {
  struct Within {
    const StepValues*& now;
    ~Within() { now = nullptr; }
  } within{now_};
  if (!state_) state_ = static_cast<StepState*>(allocate(sizeof(StepState)));
  AdamStep step{};
  step.learningRate = values.learningRate;
  step.step = values.adamStep;
  const AdamRates rates = adamRates(step);
  const StepState state{values.seed, values.step, rates.stepSize, rates.rootCorrection};
  copyIn(state_, &state, sizeof state);
  now_ = &values;
  const auto known = graphs_.find(withScratch(key));
  if (known == graphs_.end()) {
    body();
    if (!recordsSteps_) return;
    if (graphs_.size() >= kMostGraphs) {
      check(cudaStreamSynchronize(stream_), "waiting for the GPU");
      dropGraphs();
    }
    graphs_.emplace(withScratch(key), nullptr);
    return;
  }
  if (!known->second) capture(known->second, body);
  check(cudaGraphLaunch(known->second, stream()), "replaying a step");
}

}  // namespace pstmo::cuda
