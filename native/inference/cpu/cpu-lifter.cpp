#include "cpu-lifter.h"

#include <algorithm>
#include <cstring>

#include "../../core/error.h"

namespace pstmo::inference {
namespace {

constexpr int kGroupRows = 243;  // rows that pass through a layer together
constexpr int kUnitWindows =
    8;  // windows whose last layers share one reading of the weights, at least;
constexpr int kMostUnitWindows = 24;  // and at most, where there are
constexpr int kUnitsOfThread =
    4;  // so many units for each thread, so that none waits long for another at the end
constexpr int kSharedRows =
    81;  // rows a thread, below which threads share every matmul instead of windows

void zeros(AlignedArray<float>& array, size_t count, PageArena& arena) {
  if (array.count() >= count) return;
  array.reserve(count, &arena);
  std::fill(array.data(), array.data() + array.count(), 0.0f);
}

}  // namespace

void PaddedRows::reserve(size_t rows, ptrdiff_t rowStride, bool inBf16, PageArena* arena) {
  stride = rowStride;
  bf16 = inBf16;
  const size_t bytes =
      rows * static_cast<size_t>(rowStride) * (inBf16 ? sizeof(Bf16) : sizeof(float));
  if (memory.count() >= bytes) return;
  memory.reserve(bytes, arena);
  std::memset(memory.data(), 0, bytes);
}

size_t Workspace::bytes() const {
  size_t bytes = normed.memory.bytes() + keptNormed.memory.bytes() + attended.memory.bytes() +
                 hidden.memory.bytes() + frameRows.capacity() * sizeof(int32_t);
  for (const auto* array : {&x, &kept, &scale, &keptScale, &levels[0], &levels[1], &poses})
    bytes += array->bytes();
  return bytes;
}

size_t WorkerScratch::bytes() const {
  size_t bytes = scores.bytes();
  for (const auto* rows : {&query, &key, &value, &rounded[0], &rounded[1]})
    bytes += rows->memory.bytes();
  for (const auto& array : inside) bytes += array.bytes();
  return bytes;
}

std::string cpuUnsupportedReason(const NetworkConfig& config, Precision precision) {
  const std::string unsupported = unsupportedNetwork(config);
  if (!unsupported.empty()) return unsupported;
  if (precision == Precision::bf16 &&
      (config.width / config.heads % 2 != 0 || config.hidden % 2 != 0))
    return "in bf16 it takes an even head width and hidden width";
  return {};
}

std::unique_ptr<CompiledLifter> makeCpuLifter(const NetworkConfig& config, const Folds& folds,
                                              Precision precision, int threads,
                                              const std::string& isa, const TensorReader& read) {
  const std::string unsupported = cpuUnsupportedReason(config, precision);
  if (!unsupported.empty())
    throw Error("ERR_UNSUPPORTED", "The lifter cannot be compiled: " + unsupported + ".");
  return std::make_unique<CpuLifter>(config, folds, precision, threads, isa, read);
}

CpuLifter::CpuLifter(const NetworkConfig& config, const Folds& folds, Precision precision,
                     int threads, const std::string& isa, const TensorReader& read)
    : config_(config),
      folds_(folds),
      kernels_(chooseKernels(precision, isa)),
      pool_(threads),
      weights_(config_, precision, kernels_, pool_, read),
      row_(paddedRow(config.width)),
      hiddenRow_(paddedRow(config.hidden)),
      innerRow_(paddedRow(2 * config.width)),
      poseRow_(paddedRow(3 * config.outputJoints)),
      groupWindows_(std::max(1, kGroupRows / config.frames)),
      unitWindows_(roundUp(kMostUnitWindows, groupWindows_)),
      workspaces_(static_cast<size_t>(pool_.threads())),
      scratch_(static_cast<size_t>(pool_.threads())) {}

// Grows the memory to groups of groupWindows and units of unitWindows windows.
void CpuLifter::prepare(int groupWindows, int unitWindows, int units) {
  for (int i = 0; i < units; ++i)
    prepareWorkspace(workspaces_[static_cast<size_t>(i)], groupWindows, unitWindows);
  for (WorkerScratch& scratch : scratch_) prepareScratch(scratch, groupRows(groupWindows));
}

// Later layers of the aggregator pass in groups of their own: of as many rows at most, or of one
// window.
size_t CpuLifter::groupRows(int groupWindows) const {
  return static_cast<size_t>(std::max(groupWindows * config_.frames, kGroupRows));
}

void CpuLifter::prepareWorkspace(Workspace& workspace, int groupWindows, int unitWindows) {
  const bool bf16 = weights_.bf16();
  const size_t rows = groupRows(groupWindows), row = static_cast<size_t>(row_),
               windows = static_cast<size_t>(unitWindows);

  // A group's rows in a layer.
  zeros(workspace.x, rows * row, arena_);
  zeros(workspace.kept, rows * row, arena_);
  zeros(workspace.scale, rows, arena_);
  zeros(workspace.keptScale, rows, arena_);
  if (bf16) {
    workspace.normed.reserve(rows, row_, bf16, &arena_);
    workspace.keptNormed.reserve(rows, row_, bf16, &arena_);
  }
  workspace.attended.reserve(rows, row_, bf16, &arena_);
  // A row of zeros in front of each window, at most one a row; one behind.
  workspace.hidden.reserve(rows + rows / 3 + 2 + static_cast<size_t>(groupWindows), hiddenRow_,
                           bf16, &arena_);

  // A unit's rows between the aggregator's layers, and its poses.
  int tokens = config_.frames;
  size_t levelRows[2] = {0, 0};
  for (size_t i = 0; i < weights_.aggregator.size(); ++i) {
    const int stride = weights_.aggregator[i].stride;
    tokens = (tokens + stride - 1) / stride;
    levelRows[i % 2] = std::max(levelRows[i % 2], windows * static_cast<size_t>(tokens));
  }
  for (int level = 0; level < 2; ++level)
    zeros(workspace.levels[level], levelRows[level] * row, arena_);
  zeros(workspace.poses, windows * static_cast<size_t>(poseRow_), arena_);
}

void CpuLifter::prepareScratch(WorkerScratch& scratch, size_t rows) {
  const bool bf16 = weights_.bf16();

  // A head.
  for (PaddedRows* part : {&scratch.query, &scratch.key, &scratch.value})
    part->reserve(rows, weights_.headPadded, bf16, &arena_);
  scratch.scores.reserve(attentionScratch(config_.frames, weights_.headPadded));

  // A block of frames.
  const size_t blockRows = static_cast<size_t>(kSharedRows + kernels_.tileRows),
               inner = blockRows * static_cast<size_t>(innerRow_);
  zeros(scratch.inside[0], inner, arena_);
  if (bf16) {
    for (PaddedRows& rounded : scratch.rounded)
      rounded.reserve(blockRows, innerRow_, true, &arena_);
  } else {
    zeros(scratch.inside[1], inner, arena_);
  }
}

void CpuLifter::run(WindowSource& source, int windows, float* poses) {
  const int threads = pool_.threads(), size = 3 * config_.outputJoints;
  // Windows that all threads share: few of them, or what is left over when each thread has had as
  // many as the others.
  int shared = windows % threads;
  if (windows * config_.frames < threads * kSharedRows) {
    shared = windows;
  } else if (config_.frames < kSharedRows) {
    shared = 0;
  }
  const int separate = windows - shared;
  if (separate > 0) {
    const int unit = std::clamp(separate / (kUnitsOfThread * threads), kUnitWindows, unitWindows_);
    const int items = std::min(separate, roundUp((separate + unit - 1) / unit, threads));
    prepare(groupWindows_, unitWindows_, threads);
    pool_.run(items, [&](int item, int worker) {
      const int first = static_cast<int>(static_cast<int64_t>(separate) * item / items),
                end = static_cast<int>(static_cast<int64_t>(separate) * (item + 1) / items);
      runUnit(Workers(worker, times_.get()), workspaces_[static_cast<size_t>(worker)], source,
              first, end - first, poses + static_cast<ptrdiff_t>(first) * size);
    });
  }
  prepare(groupWindows_, unitWindows_, 1);
  for (int first = separate; first < windows; first += unitWindows_) {
    runUnit(together(), workspaces_[0], source, first, std::min(unitWindows_, windows - first),
            poses + static_cast<ptrdiff_t>(first) * size);
  }
}

void CpuLifter::runUnit(const Workers& workers, Workspace& workspace, WindowSource& source,
                        int first, int windows, float* poses) {
  const int frames = config_.frames, stride = weights_.aggregator.front().stride,
            handed = (frames + stride - 1) / stride;
  float* x = workspace.x.data();
  for (int group = 0; group < windows; group += groupWindows_) {
    const int count = std::min(groupWindows_, windows - group);
    const SharedFirstLayer* shared = source.fill(workers, workspace, first + group, count);
    for (const PackedLayer& weights : weights_.layers) {
      layer(workers, workspace, weights, x, count, frames, nullptr, shared);
      shared = nullptr;
    }
    addTable(workers, x, count, frames, weights_.tables[0].data());
    layer(workers, workspace, weights_.aggregator[0], x, count, frames,
          workspace.levels[0].data() + static_cast<ptrdiff_t>(group) * handed * row_, nullptr);
  }
  aggregate(workers, workspace, windows, poses);
}

// The aggregator's layers after the first, and the head: half of the weights and a tenth of the
// work, so for all windows of a unit at once.
void CpuLifter::aggregate(const Workers& workers, Workspace& workspace, int windows, float* poses) {
  int tokens = (config_.frames + weights_.aggregator.front().stride - 1) /
               weights_.aggregator.front().stride;
  float *from = workspace.levels[0].data(), *to = workspace.levels[1].data();
  for (size_t i = 1; i < weights_.aggregator.size(); ++i) {
    const int stride = weights_.aggregator[i].stride, out = (tokens + stride - 1) / stride,
              together = std::max(1, kGroupRows / tokens);
    for (int group = 0; group < windows; group += together) {
      const int count = std::min(together, windows - group);
      float* x = from + static_cast<ptrdiff_t>(group) * tokens * row_;
      if (i < weights_.tables.size())
        addTable(workers, x, count, tokens, weights_.tables[i].data());
      layer(workers, workspace, weights_.aggregator[i], x, count, tokens,
            to + static_cast<ptrdiff_t>(group) * out * row_, nullptr);
    }
    std::swap(from, to);
    tokens = out;
  }
  matmul("head", workers.alone(), weights_.head.panels,
         {.rows = windows,
          .a = from,
          .aStride = row_,
          .bias = weights_.head.bias.data(),
          .y = workspace.poses.data(),
          .yMap = {.stride = poseRow_}});
  const int size = 3 * config_.outputJoints;
  for (int window = 0; window < windows; ++window) {
    std::copy_n(workspace.poses.data() + static_cast<ptrdiff_t>(window) * poseRow_, size,
                poses + static_cast<ptrdiff_t>(window) * size);
  }
}

class WholeWindows final : public WindowSource {
 public:
  WholeWindows(CpuLifter& lifter, const float* keypoints)
      : lifter_(lifter), keypoints_(keypoints) {}

  const SharedFirstLayer* fill(const Workers& workers, Workspace& workspace, int first,
                               int windows) override {
    const NetworkConfig& config = lifter_.config_;
    lifter_.encodeFrames(
        workers, keypoints_ + static_cast<ptrdiff_t>(first) * config.frames * 2 * config.joints,
        windows * config.frames, workspace.x.data(), lifter_.weights_.positions.data(),
        config.frames);
    return nullptr;
  }

 private:
  CpuLifter& lifter_;
  const float* keypoints_;
};

void CpuLifter::liftWindows(const float* keypoints, int batch, float* poses) {
  WholeWindows source(*this, keypoints);
  run(source, batch, poses);
}

size_t CpuLifter::memoryBytes() const {
  size_t bytes = weights_.bytes() + firstLayerPositions_.bytes() + ring_.bytes() +
                 ringRounded_.memory.bytes() + mirrored_.bytes() + blockPoses_.bytes();
  for (const Workspace& workspace : workspaces_) bytes += workspace.bytes();
  for (const WorkerScratch& scratch : scratch_) bytes += scratch.bytes();
  return bytes;
}

}  // namespace pstmo::inference
