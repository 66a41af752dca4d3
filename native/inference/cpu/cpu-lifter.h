// The compiled lifter on the CPU. A thread takes a group of windows, about 243 rows, through the
// network inside its own cache. Where there are fewer windows than threads, the threads share a
// group's heads and panels instead. Sums run in one order either way.
#pragma once

#include <vector>

#include "../../core/aligned-array.h"
#include "../../core/thread-pool.h"
#include "../compiled-lifter.h"
#include "kernels.h"
#include "packed-weights.h"

namespace pstmo::inference {

// Who runs the items of a step: one thread, item after item, or all threads together.
class Workers {
 public:
  // times: where a profile notes what each of them does; null: nowhere.
  Workers(int worker, StageTimes* times) : worker_(worker), times_(times) {}
  Workers(ThreadPool& pool, StageTimes* times) : pool_(&pool), times_(times) {}

  int threads() const { return pool_ ? pool_->threads() : 1; }
  // The thread that asks, by itself.
  Workers alone() const { return {worker_, times_}; }
  template <typename Body>
  void run(const Stage& stage, int items, Body body) const {
    if (pool_ && times_) {
      pool_->run(items, [&](int item, int worker) {
        const double start = times_->now();
        body(item, worker);
        times_->add(worker, stage, start, 1.0 / items);
      });
    } else if (pool_) {
      pool_->run(items, body);
    } else {
      const double start = times_ ? times_->now() : 0;
      for (int item = 0; item < items; ++item) body(item, worker_);
      if (times_) times_->add(worker_, stage, start, 1);
    }
  }

 private:
  ThreadPool* pool_ = nullptr;
  int worker_ = 0;
  StageTimes* times_ = nullptr;
};

// Rows in floats, or in bf16 where the matmuls are.
struct PaddedRows {
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

// The workspace of a group of windows on its way through the network.
struct Workspace {
  AlignedArray<float> x, kept;  // rows of the group; those of them that a strided convolution reads
  AlignedArray<float> scale, keptScale;  // 1 / std of each row
  PaddedRows normed, keptNormed;         // normalised rows, in bf16
  PaddedRows attended, hidden;
  AlignedArray<float>
      levels[2];  // what the aggregator's layers scratch on, of all windows of a unit
  AlignedArray<float> poses;
  std::vector<int32_t> frameRows;  // a video's windows: which frame each row is
  SharedFirstLayer shared;
  size_t bytes() const;
};

// The memory of one thread while it computes a head or a block of frames.
struct WorkerScratch {
  PaddedRows query, key, value;
  AlignedArray<float> scores;
  AlignedArray<float> inside[2];  // spatial encoder, fp32
  PaddedRows rounded[2];          // and rounded
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
  virtual const SharedFirstLayer* fill(const Workers& workers, Workspace& workspace, int first,
                                       int windows) = 0;
};

class CpuLifter final : public CompiledLifter {
 public:
  CpuLifter(const NetworkConfig& config, const Folds& folds, Precision precision, int threads,
            const std::string& isa, const TensorReader& read);

  void liftWindows(const float* keypoints, int batch, float* poses) override;
  void lift(const ClipRequest& request, const Progress& progress) override;
  std::unique_ptr<LiftStream> stream(const StreamOptions& options) override;
  size_t memoryBytes() const override;
  void startProfile() override { times_ = std::make_unique<StageTimes>(pool_.threads()); }
  std::vector<StageRecord> stopProfile() override {
    const std::unique_ptr<StageTimes> times = std::move(times_);
    return times ? times->all() : std::vector<StageRecord>();
  }
  int missingThreads() const override { return pool_.missing(); }

 private:
  friend class WholeWindows;
  friend class VideoWindows;
  friend class CpuLifterStream;

  // Poses (windows, J', 3) of windows [0, windows) of a source.
  void run(WindowSource& source, int windows, float* poses);
  void runUnit(const Workers& workers, Workspace& workspace, WindowSource& source, int first,
               int windows, float* poses);
  void aggregate(const Workers& workers, Workspace& workspace, int windows, float* poses);
  // Frames of `rows` that a thread encodes at a time.
  int frameBlock(int rows, int threads) const;
  // Frames (rows, 2J) to rows of `out`; table: added rows, or null.
  void encodeFrames(const Workers& workers, const float* keypoints, int rows, float* out,
                    const float* table, int tableRows);
  void spatialBlock(const PackedLinear& linear, int rows, const void* a, ptrdiff_t aStride,
                    const float* residual, float* y, Bf16* yBf16);
  // x (windows * tokens rows) in place, or to y (windows * tokens / stride rows) where the layer
  // strides.
  void layer(const Workers& workers, Workspace& workspace, const PackedLayer& weights, float* x,
             int windows, int tokens, float* y, const SharedFirstLayer* shared);
  struct Normed;
  struct LayerShape;
  Normed normalize(const Workers& workers, const float* x, int rows, AlignedArray<float>& scale,
                   PaddedRows& normed);
  float* gatherReadRows(Workspace& workspace, const LayerShape& shape, const float* x);
  void attend(const Workers& workers, Workspace& workspace, const PackedLayer& weights,
              const Normed& queries, const Normed& keys, const LayerShape& shape,
              const SharedFirstLayer* shared);
  void projectHead(const PackedLayer& weights, int head, int part, const Normed& from, int rows,
                   PaddedRows& out);
  void combineHead(const PackedLayer& weights, int head, int part, const SharedFirstLayer& shared,
                   const float* scale, const LayerShape& shape, PaddedRows& out);
  void attendHead(Workspace& workspace, WorkerScratch& scratch, int head, const LayerShape& shape);
  void expand(const Workers& workers, Workspace& workspace, const PackedLayer& weights,
              const Normed& normed, const LayerShape& shape);
  void contract(const Workers& workers, Workspace& workspace, const PackedLayer& weights,
                const float* residual, float* y, const LayerShape& shape);
  void addTable(const Workers& workers, float* x, int windows, int tokens, const float* table);
  Workers together() { return {pool_, times_.get()}; }
  void matmul(const char* stage, const Workers& workers, const PackedMatrix& panels,
              Matmul op) const;
  void runMatmul(const PackedMatrix& panels, const Matmul& op) const {
    (panels.bf16 ? kernels_.matmulBf16 : kernels_.matmul)(op);
  }
  void prepare(int groupWindows, int unitWindows, int units);
  size_t groupRows(int groupWindows) const;
  void prepareWorkspace(Workspace& workspace, int groupWindows, int unitWindows);
  void prepareScratch(WorkerScratch& scratch, size_t rows);
  // The first layer's Q, K and V of rows of tokens, without what the norm scales and adds: to rows
  // of parts that have `allRows` each.
  void firstLayerParts(const float* tokens, int rows, float* parts, int allRows);
  void prepareVideo(FrameRing& ring, int rows, bool flip);
  void encodeIntoRing(FrameRing& ring, const float* keypoints, int64_t from, int64_t end,
                      bool flip);
  void mirrorFrame(const float* from, float* to) const;
  void meanOfMirrored(const float* plain, const float* mirrored, float* poses) const;

  const NetworkConfig config_;
  const Folds folds_;
  const Kernels& kernels_;
  ThreadPool pool_;
  std::unique_ptr<StageTimes> times_;  // while a profile is taken
  PackedWeights weights_;
  const int row_, hiddenRow_, innerRow_,
      poseRow_;  // padded rows: width, hidden width, twice the width, 3 J'
  int groupWindows_, unitWindows_;
  PageArena arena_;                    // of the working memory
  std::vector<Workspace> workspaces_;  // one a thread
  std::vector<WorkerScratch> scratch_;
  AlignedArray<float>
      firstLayerPositions_;  // (heads * 3, N, padded head width), made when a video asks for it
  FrameRing ring_;
  PaddedRows ringRounded_;        // tokens of a block, centred, for matmuls in bf16
  AlignedArray<float> mirrored_;  // keypoints of a block, mirrored
  AlignedArray<float> blockPoses_;
};

}  // namespace pstmo::inference
