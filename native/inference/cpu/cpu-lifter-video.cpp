// Whole videos: a frame goes through the spatial encoder once, and so does its part of the first
// layer's Q, K and V; the windows that see it take both from a ring. With W' the folded weights, W'
// LN(s + p) = (W' s + W' p) / (std(s + p) + eps): the standard deviation is taken of the sum
// itself. Clips lie end to end and windows follow each other through all of them, so that short
// clips fill the same batches.
#include <algorithm>
#include <cstring>

#include "../video-windows.h"
#include "cpu-lifter.h"

namespace pstmo::inference {
namespace {

constexpr int kBlockUnits = 4;  // units of windows a thread gets between two reports

}  // namespace

const SharedFirstLayer* VideoWindows::fill(const Workers& workers, Workspace& workspace, int first,
                                           int windows) {
  const int frames = lifter_.config_.frames;
  workspace.frameRows.resize(static_cast<size_t>(windows) * static_cast<size_t>(frames));
  for (int window = 0; window < windows; ++window) {
    const WindowCentre& centre = centres_[(first + window) / sides_];
    const int64_t side = (first + window) % sides_;
    int32_t* rows = workspace.frameRows.data() + static_cast<ptrdiff_t>(window) * frames;
    for (int i = 0; i < frames; ++i) {
      const int64_t frame =
          std::clamp(centre.frame + static_cast<int64_t>(i - (frames - 1) / 2) * stride_,
                     centre.first, centre.last);
      rows[i] = static_cast<int32_t>(frame % ring_.rows + side * ring_.rows);
    }
  }
  workers.run({"windows of frames"}, windows, [&](int window, int) {
    const ptrdiff_t row = static_cast<ptrdiff_t>(window) * frames;
    lifter_.kernels_.addRows(ring_.tokens.data(), workspace.frameRows.data() + row, lifter_.row_,
                             lifter_.weights_.positions.data(), {.stride = lifter_.row_},
                             lifter_.config_.width, frames,
                             workspace.x.data() + row * lifter_.row_);
  });
  if (!lifter_.folds_.firstLayer) return nullptr;
  workspace.shared = {ring_.parts.data(), workspace.frameRows.data(),
                      lifter_.firstLayerPositions_.data(), ring_.allRows};
  return &workspace.shared;
}

void CpuLifter::mirrorFrame(const float* from, float* to) const {
  for (int joint = 0; joint < config_.joints; ++joint) {
    const float* other = from + 2 * config_.mirrorInput[static_cast<size_t>(joint)];
    to[2 * joint] = -other[0];
    to[2 * joint + 1] = other[1];
  }
}

void CpuLifter::firstLayerParts(const float* tokens, int rows, float* parts, int allRows) {
  const PackedMatrix& heads = weights_.layers.front().heads;
  const ptrdiff_t width = weights_.headPadded;
  const int chunk = frameBlock(rows, pool_.threads()), chunks = (rows + chunk - 1) / chunk;
  if (heads.bf16) ringRounded_.reserve(static_cast<size_t>(rows), row_, true);
  const double width3 = 3.0 * config_.heads * weights_.headPadded;
  together().run({"first layer, Q K V of frames", 2.0 * rows * config_.width * width3}, chunks,
                 [&](int item, int) {
                   const int first = item * chunk, count = std::min(chunk, rows - first);
                   const float* from = tokens + static_cast<ptrdiff_t>(first) * row_;
                   Matmul op{.rows = count,
                             .a = from,
                             .aStride = row_,
                             .inner = heads.inner,
                             .panelCount = weights_.headPanels,
                             .yMap = {.stride = width}};
                   if (heads.bf16) {
                     Bf16* rounded =
                         static_cast<Bf16*>(ringRounded_.row(static_cast<size_t>(first)));
                     kernels_.layerNorm({.rows = count,
                                         .channels = config_.width,
                                         .x = from,
                                         .stride = row_,
                                         .scaled = false,
                                         .y = rounded});
                     op.a = rounded;
                   }
                   for (int part = 0; part < 3 * config_.heads; ++part) {
                     op.panels = heads.panel(part * weights_.headPanels);
                     op.y = parts + (static_cast<ptrdiff_t>(part) * allRows + first) * width;
                     runMatmul(heads, op);
                   }
                 });
}

void CpuLifter::prepareVideo(FrameRing& ring, int rows, bool flip) {
  ring.rows = rows;
  ring.allRows = rows * (flip ? 2 : 1);
  const size_t all = static_cast<size_t>(ring.allRows),
               parts = static_cast<size_t>(config_.heads) * 3 *
                       static_cast<size_t>(weights_.headPadded);
  prepare(groupWindows_, unitWindows_, pool_.threads());
  ring.tokens.reserve(all * static_cast<size_t>(row_));
  std::fill_n(ring.tokens.data(), all * static_cast<size_t>(row_), 0.0f);
  if (!folds_.firstLayer) return;
  ring.parts.reserve(all * parts);
  if (firstLayerPositions_.count() > 0) return;
  firstLayerPositions_.reserve(static_cast<size_t>(config_.frames) * parts);
  firstLayerParts(weights_.positions.data(), config_.frames, firstLayerPositions_.data(),
                  config_.frames);
}

// Frames [from, end), whose keypoints are given, into the ring, and their mirror images behind
// them.
void CpuLifter::encodeIntoRing(FrameRing& ring, const float* keypoints, int64_t from, int64_t end,
                               bool flip) {
  const int points = 2 * config_.joints;
  while (from < end) {
    const int slot = static_cast<int>(from % ring.rows),
              count = static_cast<int>(std::min<int64_t>(end - from, ring.rows - slot));
    for (int side = 0; side < (flip ? 2 : 1); ++side) {
      const float* frames = keypoints;
      if (side == 1) {
        float* mirrored =
            mirrored_.reserve(static_cast<size_t>(count) * static_cast<size_t>(points));
        for (int i = 0; i < count; ++i)
          mirrorFrame(keypoints + static_cast<ptrdiff_t>(i) * points,
                      mirrored + static_cast<ptrdiff_t>(i) * points);
        frames = mirrored;
      }
      const ptrdiff_t row = slot + static_cast<ptrdiff_t>(side) * ring.rows;
      float* tokens = ring.tokens.data() + row * row_;
      encodeFrames(together(), frames, count, tokens, nullptr, 0);
      if (folds_.firstLayer)
        firstLayerParts(tokens, count, ring.parts.data() + row * weights_.headPadded, ring.allRows);
    }
    keypoints += static_cast<ptrdiff_t>(count) * points;
    from += count;
  }
}

void CpuLifter::lift(const ClipRequest& request, const Progress& progress) {
  const int sides = request.flip ? 2 : 1, size = 3 * config_.outputJoints;
  const int64_t reach = static_cast<int64_t>((config_.frames - 1) / 2) * request.stride;
  const int blockFrames = std::max(1, pool_.threads() * unitWindows_ * kBlockUnits / sides);
  ClipWalk walk(request.clips, reach);
  const int ringRows = static_cast<int>(std::min<int64_t>(walk.total(), 2 * reach + blockFrames));
  prepareVideo(ring_, ringRows, request.flip);
  VideoWindows windows(*this, ring_, request.stride, request.flip);
  if (request.flip)
    blockPoses_.reserve(2 * static_cast<size_t>(blockFrames) * static_cast<size_t>(size));

  int64_t encoded = 0;
  for (int64_t done = 0; done < walk.wanted();) {
    const std::vector<WindowCentre>& centres = walk.next(blockFrames, ringRows);
    const int count = static_cast<int>(centres.size());
    float* poses = request.poses + done * size;
    float* out = request.flip ? blockPoses_.data() : poses;
    const int64_t from = std::max(encoded, walk.lowest());
    encodeIntoRing(ring_, request.keypoints + from * 2 * config_.joints, from, walk.highest() + 1,
                   request.flip);
    encoded = walk.highest() + 1;
    windows.start(centres.data());
    run(windows, count * sides, out);
    if (request.flip) {
      for (int i = 0; i < count; ++i)
        meanOfMirrored(out + static_cast<ptrdiff_t>(2 * i) * size,
                       out + static_cast<ptrdiff_t>(2 * i + 1) * size,
                       poses + static_cast<ptrdiff_t>(i) * size);
    }
    done += count;
    progress(count);
  }
}

void CpuLifter::meanOfMirrored(const float* plain, const float* mirrored, float* poses) const {
  for (int joint = 0; joint < config_.outputJoints; ++joint) {
    const float* other = mirrored + 3 * config_.mirrorOutput[static_cast<size_t>(joint)];
    for (int c = 0; c < 3; ++c)
      poses[3 * joint + c] = 0.5f * (plain[3 * joint + c] + (c == 0 ? -other[c] : other[c]));
  }
}

}  // namespace pstmo::inference
