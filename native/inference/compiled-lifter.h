// The evaluation-only lifter, compiled from trained weights: batch norms, layer norms and constants
// folded into the products, weights in panels, a window's rows taken through the whole network
// inside one core's cache, and a video's frames shared by its windows. What it gives is what the
// graph of native/model gives, to rounding.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../core/network-config.h"
#include "../ops/backend.h"

namespace pstmo::inference {

// What a plan leaves out or shares; each can be done without, so that its worth can be measured.
// Results agree to rounding.
struct PlanFolds {
  bool batchNorm = true;  // batch norms into the products beside them
  bool layerNorm = true;  // a layer norm's scale, shift and centring into the next weights
  bool attentionBias =
      true;  // the K bias dropped, which the softmax does not see, and the V bias into the output's
  bool positions = true;     // the spatial encoder's last bias into the position table
  bool unreadRows = true;    // rows that no strided convolution reads are not computed
  bool softmaxBound = true;  // no search for the greatest score where a bound makes it needless
  bool sharedFrames =
      true;  // a video's frames go through the spatial encoder once, not once a window
  bool firstLayer = true;  // the first layer's Q, K and V as a frame's part and a position's; needs
                           // layerNorm and sharedFrames
  bool feedForward = true;  // on a GPU the two products of a plain layer's feed-forward as one
                            // kernel, where its shared memory has room
};

std::vector<std::string> planFoldNames();
// False where there is no fold of that name.
bool leaveOutFold(PlanFolds& folds, const std::string& name);

struct PlanClip {
  int frames = 0;            // T
  int first = 0, count = 0;  // the frames to lift
};

struct PlanLift {
  const float* keypoints = nullptr;  // clips end to end, (sum of T, J, 2), normalised
  std::vector<PlanClip> clips;
  int stride = 1;  // s
  bool flip = false;
  float* poses = nullptr;  // (sum of count, J', 3)
};

// A trained tensor or running statistic by its name in the published checkpoints; called from
// several threads.
using TensorReader = std::function<std::vector<float>(const std::string& name)>;
// Called between blocks of windows with how many frames are done since the last call; may throw to
// stop.
using PlanProgress = std::function<void(int frames)>;

struct PlanStreamOptions {
  int stride = 1;
  bool flip = false;
  int lookahead =
      0;  // frames that must have come after one before its pose does: 0 to (N - 1) / 2 * stride
};

// Frames as they come. What is not there yet counts as the last frame repeated, as at a video's
// end; with the greatest look-ahead the poses are those of LiftPlan::lift.
class PlanStream {
 public:
  virtual ~PlanStream() = default;

  // Takes a frame (J, 2). True where a pose (J', 3) was written: that of `lookahead` frames ago.
  virtual bool push(const float* keypoints, float* pose) = 0;
  // The poses still owed, in order: min(lookahead, frames) of them, which is returned. Nothing is
  // pushed after it.
  virtual int finish(float* poses) = 0;
};

class LiftPlan {
 public:
  virtual ~LiftPlan() = default;

  // Windows given whole, (B, N, J, 2), to the middle frames' poses (B, J', 3).
  virtual void liftWindows(const float* keypoints, int batch, float* poses) = 0;
  virtual void lift(const PlanLift& request, const PlanProgress& progress) = 0;
  // Lives no longer than the plan.
  virtual std::unique_ptr<PlanStream> stream(const PlanStreamOptions& options) = 0;
  // Weights and working memory.
  virtual size_t memoryBytes() const = 0;
};

// Why no device compiles a network of this shape; empty where they do.
std::string unsupportedNetwork(const NetworkConfig& config);

// Why a network of this shape has no plan in this precision; empty where it has one.
std::string planObstacle(const NetworkConfig& config, Precision precision);

// threads = 0: the physical cores this process may use. isa: as makeCpuBackend takes it.
std::unique_ptr<LiftPlan> makeCpuPlan(const NetworkConfig& config, const PlanFolds& folds,
                                      Precision precision, int threads, const std::string& isa,
                                      const TensorReader& read);

// The same on a CUDA device; empty where this build and device have the kernels.
std::string cudaPlanObstacle(const NetworkConfig& config, Precision precision, int device);
std::unique_ptr<LiftPlan> makeCudaPlan(const NetworkConfig& config, const PlanFolds& folds,
                                       Precision precision, int device, const TensorReader& read);

}  // namespace pstmo::inference
