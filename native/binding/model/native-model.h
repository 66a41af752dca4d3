// The JavaScript face of a Network: checks every argument, queues the work, settles
// promises.
#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "../../inference/compiled-lifter.h"
#include "../../network/network.h"
#include "../../ops/profiling-backend.h"
#include "job-queue.h"

namespace pstmo::binding {

// Argument `index` as a whole number.
int64_t readWhole(const Napi::CallbackInfo& info, size_t index, const char* name, int64_t low,
                  int64_t high);

constexpr int64_t kLargestSeed = int64_t{1} << 53;

class NativeModel : public Napi::ObjectWrap<NativeModel> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit NativeModel(const Napi::CallbackInfo& info);
  ~NativeModel() override;

 private:
  // Windows of a call: pointers into the reader's copies.
  struct Windows {
    const float* keypoints;
    int batch;
    const float* targets;
    const uint8_t* masked;
    const uint8_t* jointMask;
    const float* roots;
    const float* cameras;
  };

  Napi::Value tensors(const Napi::CallbackInfo& info);
  Napi::Value device(const Napi::CallbackInfo& info);
  Napi::Value memoryBytes(const Napi::CallbackInfo& info);
  Napi::Value missingThreads(const Napi::CallbackInfo& info);
  Napi::Value unsupportedReason(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value readValues(const Napi::CallbackInfo& info);
  Napi::Value prepareLifter(const Napi::CallbackInfo& info);
  Napi::Value initialize(const Napi::CallbackInfo& info);
  Napi::Value forward(const Napi::CallbackInfo& info);
  Napi::Value reconstruct(const Napi::CallbackInfo& info);
  Napi::Value attention(const Napi::CallbackInfo& info);
  Napi::Value gradients(const Napi::CallbackInfo& info);
  Napi::Value adamStep(const Napi::CallbackInfo& info);
  Napi::Value setSequences(const Napi::CallbackInfo& info);
  Napi::Value lift(const Napi::CallbackInfo& info);
  Napi::Value liftWindows(const Napi::CallbackInfo& info);
  Napi::Value openStream(const Napi::CallbackInfo& info);
  Napi::Value pushFrame(const Napi::CallbackInfo& info);
  Napi::Value endStream(const Napi::CallbackInfo& info);
  Napi::Value closeStream(const Napi::CallbackInfo& info);
  Napi::Value train(const Napi::CallbackInfo& info);
  Napi::Value startProfile(const Napi::CallbackInfo& info);
  Napi::Value stopProfile(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  // Runs `body`; an exception becomes a rejected promise.
  template <typename Body>
  Napi::Value promised(Napi::Env env, Body body) {
    try {
      return body();
    } catch (...) {
      return rejected(env, currentError());
    }
  }
  std::unique_ptr<Job> job(Copies inputs = {});
  Napi::Promise submit(std::unique_ptr<Job> job, std::function<void()> work);

  Windows readWindows(ObjectReader& reader) const;
  void requireStage(int stage, const char* what) const;
  // Throws ERR_MODEL where one of `count` values of a result, rows of `row` values each, is not
  // finite. rowName: "pose" or "frame".
  static void requireFinite(const float* values, size_t count, int row, const char* rowName);
  void requireProfiler() const;
  void reportMemory(Napi::Env env);
  size_t tensorSize(const std::string& name) const;
  std::string findUnsupportedReason() const;
  // On the queue's thread: the lifter of the weights as they are now, or null where it is
  // unsupported.
  inference::CompiledLifter* currentLifter();
  std::unique_ptr<inference::CompiledLifter> makeLifter();
  // Throws where this lifter does not lift one window as the network does op by op.
  void checkLifter(inference::CompiledLifter& lifter);
  // On any thread.
  std::string reasonAgainstLifter() const;
  // Clips end to end; one clip may be lifted in part.
  void liftClips(const network::LiftRequest& request, const std::vector<int32_t>& lengths,
                 const network::JobControl& control);
  inference::LiftStream& streamOf(int64_t id);
  std::unique_ptr<inference::LiftStream> opByOpStream(const inference::StreamOptions& options);
  Napi::Value posesOf(std::unique_ptr<Job> task, std::function<void(std::vector<float>&)> work);
  size_t nativeBytes() const;

  NetworkConfig config_;
  std::vector<network::TensorInfo> tensors_;
  std::string device_;
  std::unique_ptr<network::Network> network_;  // after construction: the queue's thread alone
  ProfilingBackend* profiler_ =
      nullptr;  // the network's backend where the model was made with `profile`
  std::unique_ptr<inference::CompiledLifter> lifter_;  // the queue's thread alone
  std::map<int64_t, std::unique_ptr<inference::LiftStream>>
      streams_;  // the queue's thread alone; they end with the lifter they run on
  std::map<int64_t, int> streamOwed_;  // the poses that each still has to give
  int64_t lastStream_ = 0;
  bool profilesStages_ = false;  // the queue's thread alone
  bool lifterStale_ = true;      // weights changed since
  enum class Compiled { whereDefault, on, off } compiled_ = Compiled::whereDefault;
  // A GPU lifts compiled once its lifter has passed a self-test; one that failed is not tried
  // again.
  enum class SelfTest { needless, due, passed } selfTest_ = SelfTest::needless;
  std::string deviceName_, isa_;
  mutable std::mutex reasonMutex_;  // the self-test writes it on the queue's thread
  std::string unsupportedReason_;
  Precision precision_ = Precision::fp32;
  int threads_ = 0;
  inference::Folds folds_;
  std::atomic<int64_t> bytes_{0};
  std::atomic<int> missingThreads_{0};
  int64_t reportedBytes_ = 0;
  bool closed_ = false;
  Napi::ObjectReference closing_;  // the promise of close()
  std::shared_ptr<JobQueue> queue_;
};

}  // namespace pstmo::binding
