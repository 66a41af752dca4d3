// The compiled lifter: inference alone, built from trained weights. Batch norms, layer norms and
// constants are folded into the matmuls, weights lie in panels, a window's rows go through the
// whole network inside one core's cache, and a video's frames are encoded once for all windows that
// see them. It gives what the op-by-op network of native/network gives, to rounding.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../core/network-config.h"
#include "../ops/backend.h"
#include "stage-times.h"

namespace pstmo::inference {

// Optimizations that can be switched off, until a GPU has measured their worth. Results agree to
// rounding.
struct Folds {
  // The first layer's Q, K and V as a frame's part, computed once a frame, and a position's.
  bool firstLayer = true;
  // On a GPU: the two matmuls of a plain layer's feed-forward as one kernel, where its hidden rows
  // fit in shared memory.
  bool feedForward = true;
  // On a GPU in bf16: the spatial encoder as one kernel, where its rows fit in shared memory.
  bool encoder = true;
};

std::vector<std::string> foldNames();
// False where there is no fold of that name.
bool leaveOutFold(Folds& folds, const std::string& name);

struct Clip {
  int frames = 0;            // T
  int first = 0, count = 0;  // the frames to lift
};

struct ClipRequest {
  const float* keypoints = nullptr;  // clips end to end, (sum of T, J, 2), normalised
  std::vector<Clip> clips;
  int stride = 1;  // s
  bool flip = false;
  float* poses = nullptr;  // (sum of count, J', 3)
};

// A trained tensor or running statistic by its name (core/tensor-names.h); called from several
// threads.
using TensorReader = std::function<std::vector<float>(const std::string& name)>;
// Called between blocks of windows with the number of frames done since the last call; may throw to
// stop.
using Progress = std::function<void(int frames)>;

struct StreamOptions {
  int stride = 1;
  bool flip = false;
  // Frames that must follow one before its pose is given: 0 to (N - 1) / 2 * stride.
  int lookahead = 0;
};

// Lifts frames as they come. Frames that have not come count as the last one repeated, as at a
// video's end. With the greatest look-ahead the poses are those of CompiledLifter::lift.
class LiftStream {
 public:
  virtual ~LiftStream() = default;

  // Takes a frame (J, 2). True where a pose (J', 3) was written: that of `lookahead` frames ago.
  virtual bool push(const float* keypoints, float* pose) = 0;
  // Writes the poses still owed, in order, and returns their number, min(lookahead, frames). Ends
  // the stream.
  virtual int finish(float* poses) = 0;
  // Frames and workspaces that it keeps.
  virtual size_t memoryBytes() const = 0;
};

class CompiledLifter {
 public:
  virtual ~CompiledLifter() = default;

  // Lifts windows given whole, (B, N, J, 2), to the middle frames' poses (B, J', 3).
  virtual void liftWindows(const float* keypoints, int batch, float* poses) = 0;
  virtual void lift(const ClipRequest& request, const Progress& progress) = 0;
  // Must not outlive the lifter.
  virtual std::unique_ptr<LiftStream> stream(const StreamOptions& options) = 0;
  // Weights and workspaces.
  virtual size_t memoryBytes() const = 0;
  // Times each stage of what follows; the second ends it and gives what was noted.
  virtual void startProfile() = 0;
  virtual std::vector<StageRecord> stopProfile() = 0;
  // Threads that were asked for and that the system did not give.
  virtual int missingThreads() const { return 0; }
};

// Why no device compiles a lifter for a network of this shape; empty where they do: a Stage II
// network with the MLP spatial encoder, the temporal encoder and the frame aggregator.
std::string unsupportedNetwork(const NetworkConfig& config);

// The same for the CPU in this precision.
std::string cpuUnsupportedReason(const NetworkConfig& config, Precision precision);
// threads = 0: the physical cores this process may use. isa: as makeCpuBackend takes it.
std::unique_ptr<CompiledLifter> makeCpuLifter(const NetworkConfig& config, const Folds& folds,
                                              Precision precision, int threads,
                                              const std::string& isa, const TensorReader& read);

// The same for a CUDA device, whose kernels this build must have.
std::string cudaUnsupportedReason(const NetworkConfig& config, Precision precision, int device);
std::unique_ptr<CompiledLifter> makeCudaLifter(const NetworkConfig& config, const Folds& folds,
                                               Precision precision, int device,
                                               const TensorReader& read);

}  // namespace pstmo::inference
