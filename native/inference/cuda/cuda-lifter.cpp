#include "cuda-lifter.h"

#include <algorithm>

#include "../../core/constants.h"
#include "../../core/error.h"
#include "../clip-walk.h"
#include "../held-stream.h"

namespace pstmo::inference {
namespace {

constexpr int kBatchRows =
    1 << 18;  // rows of windows that pass through a layer together: about eight rounds of an H200
// Of the memory that is free: recorded batches and other models take some too.
constexpr double kMemoryShare = 0.9;
constexpr int kEncoderRows = 1 << 14;  // rows that pass through the spatial encoder together

}  // namespace

std::string cudaUnsupportedReason(const NetworkConfig& config, Precision precision, int device) {
  const std::string unsupported = unsupportedNetwork(config);
  if (!unsupported.empty()) return unsupported;
  return cuda::unsupportedReason(device, precision, config.width, config.heads);
}

std::unique_ptr<CompiledLifter> makeCudaLifter(const NetworkConfig& config, const Folds& folds,
                                               Precision precision, int device,
                                               const TensorReader& read) {
  const std::string unsupported = cudaUnsupportedReason(config, precision, device);
  if (!unsupported.empty())
    throw Error("ERR_UNSUPPORTED", "The lifter cannot be compiled: " + unsupported + ".");
  return std::make_unique<CudaLifter>(config, folds, precision, device, read);
}

CudaLifter::CudaLifter(const NetworkConfig& config, const Folds& folds, Precision precision,
                       int device, const TensorReader& read)
    : config_(config),
      folds_(folds),
      device_(cuda::makeLifterDevice(device, precision, config.width, config.heads)),
      backend_(device_->backend()),
      weights_(config_, folds_, precision, *device_, read),
      arrays_(backend_) {}

int CudaLifter::largestBatch(int sides) const {
  return std::max(1, kBatchRows / config_.frames / sides);
}

void CudaLifter::startProfile() {
  stages_.clear();
  timeline_ = backend_.timeline();
}

std::vector<StageRecord> CudaLifter::stopProfile() {
  std::vector<StageRecord> records;
  if (!timeline_) return records;
  const std::vector<Timeline::Span> spans = timeline_->read();
  for (size_t i = 0; i < spans.size(); ++i)
    records.push_back({stages_[i], 0, spans[i].start, spans[i].seconds});
  timeline_.reset();
  return records;
}

template <typename Work>
void CudaLifter::timed(const Stage& stage, const Work& work) {
  if (!timeline_) return work();
  timeline_->begin(stage.name);
  stages_.push_back(stage);
  work();
  timeline_->end();
}

void CudaLifter::runBatch(const StepKey& key, const std::function<void()>& body) {
  if (timeline_) return body();
  backend_.runStep(key, {}, body);
}

double CudaLifter::flopsOf(const cuda::WeightMatrix& weights, int rows, bool exact) const {
  return 2.0 * rows * weights.columns * weights.inner * (exact ? 1 : weights_.rows.perWord);
}

// Bytes of each array for this number of windows, of frames of keypoints and of tokens.
struct CudaLifter::Sizes {
  size_t keypoints, frameRows, tokens, parts, centres, plain, plainWords, innerWords, rows, wide,
      head, poses;
  size_t total() const {
    return keypoints + frameRows + tokens + parts + centres + plain + plainWords + innerWords +
           2 * rows + wide + head + poses;
  }
};

CudaLifter::Sizes CudaLifter::sizesOf(int windows, int frames, int tokens) const {
  const DeviceRows& rows = weights_.rows;
  const auto bytes = [](int a, int b) {
    return static_cast<size_t>(a) * static_cast<size_t>(b) * sizeof(float);
  };
  const int all = windows * config_.frames,
            encoded = std::min(std::max(all, frames), std::max(kEncoderRows, config_.frames));
  return {.keypoints = bytes(frames, 2 * config_.joints),
          .frameRows = bytes(frames, rows.frame),
          .tokens = bytes(tokens, rows.width),
          .parts = weights_.positionParts ? bytes(tokens, rows.heads) : 0,
          .centres = bytes(windows, 3),
          .plain = bytes(encoded, rows.inner),
          .plainWords = rows.rounded ? bytes(encoded, rows.words(rows.inner)) : 0,
          .innerWords = bytes(encoded, rows.words(rows.inner)),
          .rows = bytes(all, rows.width),
          .wide = bytes(all, rows.words(std::max(rows.heads, rows.hidden))),
          .head = bytes(windows, rows.pose),
          .poses = bytes(windows, 3 * config_.outputJoints)};
}

void CudaLifter::prepare(int windows, int frames, int tokens) {
  windows = std::max(windows, mostWindows_);
  frames = std::max(frames, mostFrames_);
  tokens = std::max(tokens, mostTokens_);
  mostWindows_ = mostFrames_ = mostTokens_ = 0;  // until all of it is there
  ++generation_;
  arrays_.clear();
  const Sizes sizes = sizesOf(windows, frames, tokens);
  const auto floats = [this](size_t bytes) { return static_cast<float*>(arrays_.bytes(bytes)); };
  const auto words = [this](size_t bytes) { return static_cast<uint32_t*>(arrays_.bytes(bytes)); };
  keypoints_ = floats(sizes.keypoints);
  frameRows_ = words(sizes.frameRows);
  tokens_ = floats(sizes.tokens);
  if (weights_.positionParts) parts_ = floats(sizes.parts);
  centres_ = static_cast<int32_t*>(arrays_.bytes(sizes.centres));
  plain_ = floats(sizes.plain);
  plainWords_ =
      weights_.rows.rounded ? words(sizes.plainWords) : reinterpret_cast<uint32_t*>(plain_);
  innerWords_ = words(sizes.innerWords);
  x_ = floats(sizes.rows);
  middle_ = floats(sizes.rows);
  wide_ = words(sizes.wide);
  head_ = floats(sizes.head);
  poses_ = floats(sizes.poses);
  mostWindows_ = windows;
  mostFrames_ = frames;
  mostTokens_ = tokens;
}

template <typename FramesOf>
int CudaLifter::prepareBatch(int windows, int sides, bool shares, const FramesOf& framesOf) {
  const auto tokensOf = [&](int count) { return shares ? framesOf(count) * sides : 0; };
  const auto rowsOf = [&](int count) { return framesOf(count) * sides; };
  const auto fits = [&](int count) {
    return count * sides <= mostWindows_ && rowsOf(count) <= mostFrames_ &&
           tokensOf(count) <= mostTokens_;
  };
  if (fits(windows)) return windows;
  const double room = kMemoryShare * static_cast<double>(backend_.freeBytes() + arrays_.total());
  while (windows > 1 &&
         static_cast<double>(sizesOf(windows * sides, rowsOf(windows), tokensOf(windows)).total()) >
             room)
    windows = (windows + 1) / 2;
  for (;;) {
    if (fits(windows)) return windows;
    try {
      prepare(windows * sides, rowsOf(windows), tokensOf(windows));
      return windows;
    } catch (const Error& error) {
      arrays_.clear();
      if (error.code() != "ERR_CUDA_OOM" || windows == 1) throw;
      windows = (windows + 1) / 2;
    }
  }
}

void CudaLifter::encode(const uint32_t* frames, int count, float* tokens, bool positions) {
  const DeviceRows& rows = weights_.rows;
  // Whole windows, so that each begins at the table's first row.
  const int together = std::max(1, kEncoderRows / config_.frames) * config_.frames;
  for (int first = 0; first < count; first += together) {
    const int part = std::min(together, count - first);
    cuda::Encoder op{.rows = part,
                     .inner = rows.inner,
                     .frames = frames + static_cast<ptrdiff_t>(first) * rows.frame,
                     .frameWords = rows.frame,
                     .count = static_cast<int>(weights_.blocks.size()),
                     .project = weights_.project,
                     .plain = plain_,
                     .plainWords = plainWords_,
                     .innerWords = innerWords_,
                     .fused = folds_.encoder};
    std::copy(weights_.blocks.begin(), weights_.blocks.end(), op.blocks);
    op.out = {.table = positions ? weights_.positions : nullptr,
              .tableRows = config_.frames,
              .y = tokens + static_cast<ptrdiff_t>(first) * rows.width,
              .stride = rows.width};
    // The first block's words are thirds of a float's.
    double flops = 2.0 * part * weights_.blocks[0].columns * 2 * config_.joints +
                   flopsOf(weights_.project, part);
    for (size_t i = 1; i < weights_.blocks.size(); ++i) flops += flopsOf(weights_.blocks[i], part);
    run("spatial encoder", flops, op);
  }
}

void CudaLifter::projectHeads(const DeviceLayer& layer, int rows) {
  const DeviceRows& lengths = weights_.rows;
  run("norm, Q K V", flopsOf(layer.heads, rows),
      cuda::NormMatmul{.rows = rows,
                       .width = config_.width,
                       .xStride = lengths.width,
                       .x = x_,
                       .weights = layer.heads,
                       .out = {.words = wide_, .stride = lengths.heads}});
}

// The rest of a Transformer layer on x: windows of `tokens` rows, of which a strided layer leaves
// tokens / stride. table: added to what comes out.
void CudaLifter::attendAndFeed(const DeviceLayer& layer, int windows, int tokens,
                               const float* table) {
  const DeviceRows& rows = weights_.rows;
  const int stride = layer.stride, out = stride > 0 ? (tokens + stride - 1) / stride : tokens;
  const bool drops = stride >= 3;
  const int kept = drops ? 3 * out - 1 : tokens;
  float* middle = stride > 0 ? middle_ : x_;
  run("attention, output",
      flopsOf(layer.output, windows * kept) + 4.0 * windows * kept * tokens * config_.width,
      cuda::Attention{.windows = windows,
                      .tokens = tokens,
                      .heads = config_.heads,
                      .headWidth = rows.headWidth,
                      .kept = kept,
                      .convStride = drops ? stride : 0,
                      .qkv = wide_,
                      .qkvStride = rows.words(rows.heads),
                      .x = x_,
                      .y = middle,
                      .stride = rows.width,
                      .output = layer.output});
  const cuda::NormMatmul expand{.rows = windows * kept,
                                .width = config_.width,
                                .xStride = rows.width,
                                .x = middle,
                                .weights = layer.expand,
                                .out = {.slope = 0, .words = wide_, .stride = rows.hidden}};
  cuda::Matmul contract{.rows = windows * out,
                        .a = wide_,
                        .tapWords = rows.words(rows.hidden),
                        .weights = layer.contract};
  if (stride > 0) {
    contract.outRows = out;
    contract.inRows = kept;
    contract.step = drops ? 3 : stride;
    contract.offset = -1;
  }
  contract.out = {
      .residual = middle, .table = table, .tableRows = out, .y = x_, .stride = rows.width};
  const double expandFlops = flopsOf(layer.expand, windows * kept),
               contractFlops = flopsOf(layer.contract, windows * out);
  if (stride > 0) {  // its output rows read several of expand's: two kernels
    run("strided layer, expand", expandFlops, expand);
    run("strided convolution", contractFlops, contract);
    return;
  }
  run("feed-forward", expandFlops + contractFlops,
      cuda::FeedForward{.expand = expand, .contract = contract, .fused = folds_.feedForward});
}

void CudaLifter::throughLayers(int windows, bool projected) {
  const DeviceRows& rows = weights_.rows;
  int tokens = config_.frames;
  for (size_t i = 0; i < weights_.layers.size(); ++i) {
    if (i > 0 || !projected) projectHeads(weights_.layers[i], windows * tokens);
    attendAndFeed(weights_.layers[i], windows, tokens,
                  i + 1 == weights_.layers.size() ? weights_.tables[0] : nullptr);
  }
  for (size_t i = 0; i < weights_.aggregator.size(); ++i) {
    const DeviceLayer& layer = weights_.aggregator[i];
    projectHeads(layer, windows * tokens);
    attendAndFeed(layer, windows, tokens,
                  i + 1 < weights_.tables.size() ? weights_.tables[i + 1] : nullptr);
    tokens = (tokens + layer.stride - 1) / layer.stride;
  }
  cuda::Matmul op{.rows = windows,
                  .a = reinterpret_cast<const uint32_t*>(x_),
                  .kind = cuda::WordKind::floats,
                  .tapWords = rows.width,
                  .weights = weights_.head};
  op.out = {.y = head_, .stride = rows.pose};
  run("head", flopsOf(weights_.head, windows, true), op);
}

void CudaLifter::liftWindows(const float* keypoints, int batch, float* poses) {
  const int points = 2 * config_.joints, size = 3 * config_.outputJoints;
  const int largest = prepareBatch(std::min(batch, largestBatch(1)), 1, false,
                                   [this](int windows) { return windows * config_.frames; });
  for (int first = 0; first < batch; first += largest) {
    const int windows = std::min(largest, batch - first), frames = windows * config_.frames;
    backend_.copyIn(keypoints_, keypoints + static_cast<ptrdiff_t>(first) * config_.frames * points,
                    static_cast<size_t>(frames) * static_cast<size_t>(points) * sizeof(float));
    runBatch({generation_, 0, static_cast<uint64_t>(windows)}, [&] {
      run("keypoints", 0,
          cuda::PadKeypoints{.frames = frames,
                             .joints = config_.joints,
                             .stride = weights_.rows.frame,
                             .splitPart = weights_.rows.splitPart,
                             .keypoints = keypoints_,
                             .y = frameRows_});
      encode(frameRows_, frames, x_, true);
      throughLayers(windows, false);
      run("poses", 0,
          cuda::ReadPoses{.rows = windows,
                          .joints = config_.outputJoints,
                          .stride = weights_.rows.pose,
                          .head = head_,
                          .y = poses_});
    });
    backend_.copyOut(poses + static_cast<ptrdiff_t>(first) * size, poses_,
                     static_cast<size_t>(windows) * static_cast<size_t>(size) * sizeof(float));
  }
}

struct CudaLifter::VideoBatch {
  std::vector<int32_t> centres;  // {centre, first, last} of each, of all clips laid end to end,
                                 // counted from `lowest`
  int64_t lowest = 0, highest = 0;
  int count() const { return static_cast<int>(centres.size() / 3); }
};

void CudaLifter::runVideo(const ClipRequest& request, const VideoBatch& batch, float* poses) {
  const DeviceRows& rows = weights_.rows;
  const int sides = request.flip ? 2 : 1, count = batch.count(), windows = count * sides,
            points = 2 * config_.joints, size = 3 * config_.outputJoints;
  const int frames = static_cast<int>(batch.highest - batch.lowest + 1);
  backend_.copyIn(keypoints_, request.keypoints + batch.lowest * points,
                  static_cast<size_t>(frames) * static_cast<size_t>(points) * sizeof(float));
  backend_.copyIn(centres_, batch.centres.data(), batch.centres.size() * sizeof(int32_t));
  const StepKey key{generation_, static_cast<uint64_t>(sides), static_cast<uint64_t>(count),
                    static_cast<uint64_t>(frames), static_cast<uint64_t>(request.stride)};
  runBatch(key, [&] {
    // Each frame through the spatial encoder once.
    run("keypoints", 0,
        cuda::PadKeypoints{.frames = frames,
                           .joints = config_.joints,
                           .stride = rows.frame,
                           .splitPart = rows.splitPart,
                           .keypoints = keypoints_,
                           .mirror = request.flip ? weights_.mirrorInput : nullptr,
                           .y = frameRows_});
    encode(frameRows_, frames * sides, tokens_, false);

    // Tokens of each window, and the first layer's Q, K and V from a frame's and a position's part.
    const cuda::GatherWindows gather{.centres = count,
                                     .sides = sides,
                                     .tokens = config_.frames,
                                     .stride = request.stride,
                                     .width = rows.width,
                                     .centre = centres_,
                                     .mirrored = frames,
                                     .frames = tokens_,
                                     .table = weights_.positions,
                                     .y = x_};
    if (weights_.positionParts) {
      timed(
          {"first layer, Q K V of frames", flopsOf(weights_.layers.front().heads, frames * sides)},
          [&] { weights_.firstLayerParts(tokens_, frames * sides, parts_); });
      run("first layer, windows", 0,
          cuda::FirstLayer{.windows = gather,
                           .channels = config_.width,
                           .parts = parts_,
                           .positionParts = weights_.positionParts,
                           .bias = weights_.layers.front().heads.bias,
                           .words = wide_,
                           .stride = rows.heads});
    } else {
      run("windows of frames", 0, gather);
    }

    throughLayers(windows, weights_.positionParts != nullptr);
    run("poses", 0,
        cuda::ReadPoses{.rows = count,
                        .joints = config_.outputJoints,
                        .stride = rows.pose,
                        .head = head_,
                        .mirror = request.flip ? weights_.mirrorOutput : nullptr,
                        .y = poses_});
  });
  backend_.copyOut(poses, poses_,
                   static_cast<size_t>(count) * static_cast<size_t>(size) * sizeof(float));
}

void CudaLifter::lift(const ClipRequest& request, const Progress& progress) {
  const int sides = request.flip ? 2 : 1;
  const int64_t reach = static_cast<int64_t>((config_.frames - 1) / 2) * request.stride;
  ClipWalk walk(request.clips, reach);
  const auto framesOf = [&](int windows) {
    return static_cast<int>(std::min<int64_t>(walk.total(), 2 * reach + windows));
  };
  const int largest =
      prepareBatch(static_cast<int>(std::min<int64_t>(walk.wanted(), largestBatch(sides))), sides,
                   true, framesOf);
  const int64_t mostFrames = framesOf(largest);

  for (int64_t done = 0; done < walk.wanted();) {
    VideoBatch batch;
    for (const auto& [frame, first, last] : walk.next(largest, mostFrames)) {
      for (const int64_t one : {frame, first, last})
        batch.centres.push_back(static_cast<int32_t>(one - walk.lowest()));
    }
    batch.lowest = walk.lowest();
    batch.highest = walk.highest();
    runVideo(request, batch, request.poses + done * 3 * config_.outputJoints);
    done += batch.count();
    progress(batch.count());
  }
}

std::unique_ptr<LiftStream> CudaLifter::stream(const StreamOptions& options) {
  const int reach = (config_.frames - 1) / 2 * options.stride;
  return std::make_unique<HeldStream>(
      options, reach, config_.joints, config_.outputJoints,
      [this, options](const float* keypoints, int frames, int frame, float* pose) {
        ClipRequest request;
        request.keypoints = keypoints;
        request.clips = {{frames, frame, 1}};
        request.stride = options.stride;
        request.flip = options.flip;
        request.poses = pose;
        lift(request, [](int) {});
      });
}

}  // namespace pstmo::inference
