// The plan on the CPU. A thread takes a group of windows, about 243 rows, through the network
// inside its own cache; where there are fewer windows than threads, the threads share a group's
// heads and panels instead. Sums run in one order either way.
#pragma once

#include <vector>

#include "../../core/aligned-array.h"
#include "../../core/thread-pool.h"
#include "../compiled-lifter.h"
#include "kernels.h"
#include "packed-weights.h"

namespace pstmo::inference {

// Who does the items of a step: one thread after the other items, or all threads together.
class Crew {
 public:
  explicit Crew(int worker) : worker_(worker) {}
  explicit Crew(ThreadPool& pool) : pool_(&pool) {}

  int threads() const { return pool_ ? pool_->threads() : 1; }
  template <typename Body>
  void run(int items, Body body) const {
    if (pool_) {
      pool_->run(items, body);
    } else {
      for (int item = 0; item < items; ++item) body(item, worker_);
    }
  }

 private:
  ThreadPool* pool_ = nullptr;
  int worker_ = 0;
};

// Rows in floats, or in bf16 where the products are.
struct PlanRows {
  AlignedArray<char> memory;
  ptrdiff_t stride = 0;  // elements
  bool bf16 = false;

  void reserve(size_t rows, ptrdiff_t rowStride, bool inBf16, PageArena* arena = nullptr);
  void* row(size_t index) const {
    return memory.data() +
           index * static_cast<size_t>(stride) * (bf16 ? sizeof(Bf16) : sizeof(float));
  }
  float* floats() const { return bf16 ? nullptr : reinterpret_cast<float*>(memory.data()); }
  Bf16* halves() const { return bf16 ? reinterpret_cast<Bf16*>(memory.data()) : nullptr; }
};

// The first layer's Q, K and V where frames are shared: rows of `frames` for the group's rows, and
// the positions' part. Each head's Q lies whole before its K and its V, so that a head reads on and
// on.
struct SharedFirstLayer {
  const float* frames = nullptr;       // (heads * 3, allRows, padded head width)
  const int32_t* frameRows = nullptr;  // (rows of the group)
  const float* positions = nullptr;    // (heads * 3, N, padded head width)
  int allRows = 0;
};

// Working memory of a group of windows on its way.
struct PlanSpace {
  AlignedArray<float> x, kept;  // rows of the group; those of them that a strided convolution reads
  AlignedArray<float> scale, keptScale;  // 1 / std of each row
  PlanRows normed,
      keptNormed;  // normalised rows, where the norm is not a row scale after the product
  PlanRows attended, hidden;
  AlignedArray<float> levels[2];  // what the aggregator's layers hand on, of all windows of a unit
  AlignedArray<float> poses;
  AlignedArray<float> headInput;
  std::vector<int32_t> frameRows;  // a video's windows: which frame each row is
  SharedFirstLayer shared;
  AlignedArray<float> keypoints;  // a video's windows where nothing is shared
  size_t bytes() const;
};

// What one thread needs while it works on a head or on a block of frames.
struct PlanHand {
  PlanRows query, key, value;
  AlignedArray<float> scores;
  AlignedArray<float> inside[3];  // spatial encoder, fp32
  PlanRows rounded[2];            // and rounded
  size_t bytes() const;
};

// The last frames of a video: tokens and the first layer's parts of each, then those of their
// mirror images. Frame f is in row f % rows.
struct FrameRing {
  int rows = 0, allRows = 0;
  AlignedArray<float> tokens, parts;
  size_t bytes() const { return tokens.bytes() + parts.bytes(); }
};

// Where the tokens of windows come from: fills x (windows * N rows) and says whether the first
// layer's Q, K and V are shared.
class WindowSource {
 public:
  virtual ~WindowSource() = default;
  virtual const SharedFirstLayer* fill(const Crew& crew, PlanSpace& space, int first,
                                       int windows) = 0;
};

class CpuPlan final : public LiftPlan {
 public:
  CpuPlan(const NetworkConfig& config, const PlanFolds& folds, Precision precision, int threads,
          const std::string& isa, const TensorReader& read);

  void liftWindows(const float* keypoints, int batch, float* poses) override;
  void lift(const PlanLift& request, const PlanProgress& progress) override;
  std::unique_ptr<PlanStream> stream(const PlanStreamOptions& options) override;
  size_t memoryBytes() const override;

 private:
  friend class WholeWindows;
  friend class VideoWindows;
  friend class GatheredWindows;
  friend class CpuPlanStream;

  // Poses (windows, J', 3) of windows [0, windows) of a source.
  void run(WindowSource& source, int windows, float* poses);
  void runUnit(const Crew& crew, PlanSpace& space, WindowSource& source, int first, int windows,
               float* poses);
  void aggregate(const Crew& crew, PlanSpace& space, int windows, float* poses);
  // Frames that a thread encodes at a time, of so many.
  int frameBlock(int rows, int threads) const;
  // Frames (rows, 2J) to rows of `out`; table: added rows, or null.
  void encodeFrames(const Crew& crew, const float* keypoints, int rows, float* out,
                    const float* table, int tableRows);
  void spatialBlock(const PlanLinear& linear, int rows, const void* a, ptrdiff_t aStride,
                    const float* residual, float* y, Bf16* yBf16, PlanHand& hand);
  // x (windows * tokens rows) in place, or to y (windows * tokens / stride rows) where the layer
  // strides.
  void layer(const Crew& crew, PlanSpace& space, const PlanLayerWeights& weights, float* x,
             int windows, int tokens, float* y, const SharedFirstLayer* shared);
  struct Normed;
  Normed normalize(const Crew& crew, const PlanLayerWeights& weights, int norm, const float* x,
                   int rows, AlignedArray<float>& scale, PlanRows& normed);
  void attend(const Crew& crew, PlanSpace& space, const PlanLayerWeights& weights,
              const Normed& queries, int queriesOfWindow, const Normed& keys, int windows,
              int tokens, const SharedFirstLayer* shared);
  void addTable(const Crew& crew, float* x, int windows, int tokens, const float* table);
  void product(const Crew& crew, const PlanPanels& panels, Matmul op) const;
  void runProduct(const PlanPanels& panels, const Matmul& op) const {
    (panels.bf16 ? kernels_.matmulBf16 : kernels_.matmul)(op);
  }
  void prepare(int groupWindows, int unitWindows, int units);
  // The first layer's Q, K and V of rows of tokens, without what the norm scales and adds: to rows
  // of parts that have `allRows` each.
  void firstLayerParts(const float* tokens, int rows, float* parts, int allRows);
  void prepareVideo(FrameRing& ring, int rows, bool flip);
  void encodeIntoRing(FrameRing& ring, const float* keypoints, int64_t from, int64_t end,
                      bool flip);
  bool splitsFirstLayer() const { return folds_.firstLayer && folds_.layerNorm; }
  void mirrorFrame(const float* from, float* to) const;
  void meanOfMirrored(const float* plain, const float* mirrored, float* poses) const;

  const NetworkConfig config_;
  const PlanFolds folds_;
  const Kernels& kernels_;
  ThreadPool pool_;
  PlanWeights weights_;
  const int row_, hiddenRow_, innerRow_,
      poseRow_;  // padded rows: width, hidden width, twice the width, 3 J'
  int groupWindows_, unitWindows_;
  PageArena arena_;                // of the working memory
  std::vector<PlanSpace> spaces_;  // one a thread
  std::vector<PlanHand> hands_;
  AlignedArray<float>
      firstLayerPositions_;  // (heads * 3, N, padded head width), made when a video asks for it
  FrameRing ring_;
  PlanRows ringRounded_;          // tokens of a block, centred, for products in bf16
  AlignedArray<float> mirrored_;  // keypoints of a block, mirrored
  AlignedArray<float> blockPoses_;
};

}  // namespace pstmo::inference
