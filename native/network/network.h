// A P-STMO network (Stage I or Stage II) on one device, with its parameters, gradients, optimizer
// state and activations.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../core/network-config.h"
#include "../ops/backend.h"
#include "weights/values-file.h"

namespace pstmo::network {

// parameter: trained. statistic: running mean or variance. unused: stands in published files, never
// applied (Stack.norm).
enum class TensorRole { parameter, statistic, unused };
enum class TensorState { value, gradient, adamMean, adamVariance, adamMaximum };

struct TensorInfo {
  std::string name;  // see core/tensor-names.h
  std::vector<int64_t> shape;
  TensorRole role;
};

// Stops a job from another thread, and counts the frames or steps done.
struct JobControl {
  std::atomic<int32_t>* cancel = nullptr;
  std::atomic<int32_t>* done = nullptr;

  void throwIfCancelled() const;
  void count(int more) const;
};

struct Pose2DSequences {   // flat, host memory; sequence i has frames[i] frames
  const float* keypoints;  // (F, J, 2)
  const float* poses;      // (F, J', 3) or null
  const float* roots;      // (F, 3) or null
  const float* cameras;    // (sequences, 4) or null
  const int32_t* lengths;  // (sequences)
  int sequences;
};

struct LiftRequest {
  const float* keypoints;  // (T, J, 2) normalised, host
  int frames;              // T
  int stride;              // s
  bool flip;
  int first, count;               // the frames to lift
  int batch;                      // windows a batch, 0: chosen
  const float* root = nullptr;    // (T, 3): refines where the network has the module
  const float* camera = nullptr;  // (4)
  bool shuffleFrames = false;  // each window's frames in another order; its middle stays the target
  uint64_t shuffleSeed = 0;
  float* poses;  // (count, J', 3) out, host
};

struct TrainRequest {
  int steps, batch;  // the last batch may be smaller: sampleCount says
  int64_t sampleCount;
  const int32_t* samples;  // (sampleCount, 3): sequence, centre, mirrored
  int stride;              // s
  bool shuffleFrames;
  double learningRate;
  uint64_t seed;
  int64_t firstStep;      // 0 for the first step of the training: feeds Philox and Adam (step + 1)
  bool update;            // false: evaluation-mode loss only
  bool flip;              // with update false: mirrored mean of the two predictions (Stage II)
  const uint8_t* masked;  // Stage I: (steps, N), 1 = hidden
  const uint8_t* jointMask;  // Stage I: (steps, N, J)
  double* losses;            // (steps, 3): total, single (or Stage I loss), multiple
};

class Network {
 public:
  static std::unique_ptr<Network> make(const NetworkConfig&, std::unique_ptr<Backend>);
  virtual ~Network() = default;

  virtual const std::vector<TensorInfo>& tensors() const = 0;
  // From any thread, as long as nothing else is done with the network meanwhile.
  virtual void read(TensorState, const std::string& name, float* host) = 0;
  virtual void write(TensorState, const std::string& name, const float* host) = 0;
  // Writes the values of a file's tensors, late: read() takes them from the file, from any thread,
  // and they are copied to the device when the network first runs or materialize() is called. A
  // network that only feeds a compiled lifter takes no memory for them.
  virtual void attachFile(std::shared_ptr<const ValuesFile> file) = 0;
  virtual void materialize() = 0;
  // PyTorch's default initial values, drawn by Philox from the seed.
  virtual void initialize(uint64_t seed) = 0;

  // Windows given whole (host memory), evaluation mode. Stage II: single (B,1,J',3), multiple
  // (B,N,J',3) or null. roots (B,3) and cameras (B,4), or null: with them `refined` (B,1,J',3) is
  // filled where the network refines.
  virtual void forward(const float* keypoints, int batch, const float* roots, const float* cameras,
                       float* single, float* multiple, float* refined) = 0;
  // Stage I: output (B,N,J,2), visible frames first, then the masked ones.
  virtual void reconstruct(const float* keypoints, int batch, const uint8_t* masked,
                           const uint8_t* jointMask, float* output) = 0;
  // Maps of one layer, evaluation mode: module "tem", "mofa", "decoder" or "joints". Returns tokens
  // n; maps (B, H, n, n) are put into `maps`.
  virtual int attention(const float* keypoints, int batch, const uint8_t* masked,
                        const uint8_t* jointMask, const std::string& module, int layer,
                        std::vector<float>& maps) = 0;
  // One training-mode forward and backward on given windows, gradients left in place (zeroed
  // before), no update. For tests. Stage II: targets (B,N,J',3); Stage I: masks. Returns total,
  // single, multiple losses.
  virtual void gradients(const float* keypoints, const float* targets, int batch,
                         const uint8_t* masked, const uint8_t* jointMask, const float* roots,
                         const float* cameras, uint64_t seed, int64_t step, double* losses) = 0;
  virtual void adamStep(double learningRate, int64_t step) = 0;

  virtual void setSequences(const Pose2DSequences&) = 0;
  virtual void lift(const LiftRequest&, const JobControl&) = 0;
  virtual void train(const TrainRequest&, const JobControl&) = 0;

  // Bytes on the device now: weights and state, and the activations of the last shape.
  virtual size_t memoryBytes() const = 0;
  virtual std::string describe() const = 0;
  // As Backend has it.
  virtual int missingThreads() const = 0;
};

}  // namespace pstmo::network
