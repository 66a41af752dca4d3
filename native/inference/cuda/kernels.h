// Operations of the compiled lifter on CUDA: matmuls whose rows are normalised before or gathered
// on the way, attention with its output matmul, and the element-wise operations between. Weights
// and the rows between two matmuls lie as words in device memory: a word holds one float in fp32,
// one number rounded to tf32, two numbers in bf16. Rows are padded with zeros to kRowElements.
#pragma once

#include <climits>
#include <cstdint>
#include <memory>
#include <string>

#include "../../ops/backend.h"

namespace pstmo::inference::cuda {

constexpr int kDepthWords = 32;    // words of a row that are multiplied at a time
constexpr int kTileColumns = 128;  // columns of a tile of weights
constexpr int kRowElements = 64;   // of which a row in device memory has whole multiples

// What the words of a matmul's two sides are.
//   ofPrecision: the precision's own;
//   floats: multiplied as floats, whatever the precision;
//   split: numbers in tf32, of which two make a float: left rows are [high | high | low], right
//     ones [high | low | high]. Their sum of products leaves out low times low alone, 2^-22 of a
//     product, so that it is as exact as one of floats.
enum class WordKind { ofPrecision, floats, split };

// The right side of a matmul: (columns, words) of weights and a bias (columns). Columns are whole
// tiles, words whole depths.
struct WeightMatrix {
  const uint32_t* words = nullptr;
  const float* bias = nullptr;
  int columns = 0, inner = 0;  // inner: words
};

// The epilogue of a matmul's results, in this order: + bias, leaky ReLU, + residual, + a table's
// row. The sum goes to y as floats and to `words` in the precision's words; either may be null.
// Both have `stride` elements a row, of which all are written.
struct Epilogue {
  float slope = 1;  // where it is negative: 1 none, 0 ReLU
  const float* residual = nullptr;
  const float* table = nullptr;  // row r of y gets row r % tableRows
  int tableRows = 1;
  float* y = nullptr;
  uint32_t* words = nullptr;
  int stride = 0;
};

// y = a weights^T. Row r of y belongs to group r / outRows and is its row i; tap j of it reads row
// step i + offset + j of the group's inRows, zero outside of them. The residual's row is step i.
struct Matmul {
  int rows = 0;
  const uint32_t* a = nullptr;
  WordKind kind = WordKind::ofPrecision;
  int tapWords = 0;  // of a row of a; the weights' inner dimension is (taps, tapWords)
  int outRows = INT_MAX, inRows = INT_MAX, step = 1, offset = 0;
  WeightMatrix weights = {};
  Epilogue out = {};
};

// y = (x - mean) / (std + 1e-6) weights^T; std unbiased. The norm's own a and b are folded into the
// weights. No residual, no table.
struct NormMatmul {
  int rows = 0, width = 0, xStride = 0;
  bool scaled = true;  // false: the mean alone is taken away
  const float* x = nullptr;
  WeightMatrix weights = {};
  Epilogue out = {};
};

// The spatial encoder: rows of split words through its first block, then through pairs of blocks
// with a residual around each, then through `project`, which may add a table's row. A block is a
// matmul and a leaky ReLU; batch norms are folded into it. One kernel where that is wanted and a
// block of threads has room for its rows, else one a matmul, through `plainWords` and `innerWords`.
struct Encoder {
  static constexpr int kMostBlocks = 7;  // a spatial MLP has up to three pairs

  int rows = 0, inner = 0;           // inner: elements of the rows between
  const uint32_t* frames = nullptr;  // (rows, frameWords)
  int frameWords = 0;
  int count = 0;  // of blocks
  WeightMatrix blocks[kMostBlocks] = {};
  WeightMatrix project = {};
  float* plain = nullptr;                                 // (rows, inner): the residual, as floats
  uint32_t *plainWords = nullptr, *innerWords = nullptr;  // (rows, inner), as words
  Epilogue out = {};
  bool fused = true;
};

// contract(expand(x)): the words of expand's rows are the rows that contract takes. One kernel
// where that is wanted, where a row of contract reads one of expand, and where a block has room for
// its rows of both; else two.
struct FeedForward {
  NormMatmul expand = {};
  Matmul contract = {};
  bool fused = true;
};

// y = x + softmax2(Q K^T) V output^T + bias, softmax2 with powers of two. qkv (windows * tokens, 3,
// heads, padded head width). With `convStride` only the rows that a convolution of that stride
// reads are computed, 3 ceil(tokens / stride) - 1 a window, one behind the other in y.
struct Attention {
  int windows = 0, tokens = 0, heads = 0, headWidth = 0;  // padded head width
  int kept = 0;                                           // rows of a window in y
  int convStride = 0;                                     // 0: all of them
  const uint32_t* qkv = nullptr;
  int qkvStride = 0;  // words of a row of qkv
  const float* x = nullptr;
  float* y = nullptr;        // may be x where all rows are kept
  int stride = 0;            // of x and y
  WeightMatrix output = {};  // inner: (heads, padded head width)
};

// Words of one trained matrix (out, in, taps): blocks of outBlock of its rows are padded to
// outPadded, of inBlock of its columns to inPadded.
struct PackWeights {
  const float* weight = nullptr;
  int out = 0, in = 0, taps = 1;
  int outBlock = 0, outPadded = 0, inBlock = 0, inPadded = 0;
  int tapWords = 0;  // the words of a tap
  WordKind kind = WordKind::ofPrecision;
  int splitPart = 0;          // split: words of each of the three parts
  uint32_t* words = nullptr;  // (out / outBlock * outPadded, taps * tapWords)
};

// Keypoints (frames, joints, 2) as rows for the first matmul; behind them, with a mirror, the
// mirror images. splitPart: words of each of the three parts of a split row; 0: floats.
struct PadKeypoints {
  int frames = 0, joints = 0, stride = 0, splitPart = 0;
  const float* keypoints = nullptr;
  const int32_t* mirror = nullptr;
  uint32_t* y = nullptr;
};

// Tokens of windows: row i of window w is that of the frame at centre + (i - (tokens - 1) / 2)
// stride, between first and last, plus row i of the table. The windows of mirror images come after
// the plain ones; their frames lie `mirrored` rows behind.
struct GatherWindows {
  int centres = 0, sides = 1, tokens = 0, stride = 1, width = 0;
  const int32_t* centre = nullptr;  // (centres, {centre, first, last})
  int mirrored = 0;
  const float* frames = nullptr;
  const float* table = nullptr;  // null: nothing is added
  float* y = nullptr;
};

// Tokens of windows, and with them the first layer's Q, K and V: a frame's part and a position's,
// both matmuls of centred rows, added up and multiplied by the norm's factor of the sum. (rows,
// stride) each.
struct FirstLayer {
  GatherWindows windows = {};
  int channels = 0;  // of the windows' width
  const float* parts = nullptr;
  const float* positionParts = nullptr;
  const float* bias = nullptr;
  uint32_t* words = nullptr;
  int stride = 0;
};

// Poses (rows, joints, 3) of the head's rows; with a mirror the mean with those of the mirror
// images, which come `rows` rows later.
struct ReadPoses {
  int rows = 0, joints = 0, stride = 0;
  const float* head = nullptr;
  const int32_t* mirror = nullptr;
  float* y = nullptr;
};

class LifterDevice {
 public:
  virtual ~LifterDevice() = default;

  // Memory, copies and recorded steps, on the stream on which the kernels run too.
  virtual Backend& backend() = 0;
  virtual void run(const Matmul&) = 0;
  virtual void run(const NormMatmul&) = 0;
  virtual void run(const Encoder&) = 0;
  virtual void run(const FeedForward&) = 0;
  virtual void run(const Attention&) = 0;
  virtual void run(const PackWeights&) = 0;
  virtual void run(const PadKeypoints&) = 0;
  virtual void run(const GatherWindows&) = 0;
  virtual void run(const FirstLayer&) = 0;
  virtual void run(const ReadPoses&) = 0;
};

// The width that attention's kernels are compiled for and a head is padded to; 0 where it is too
// wide.
inline int paddedHeadWidth(int headWidth) {
  return headWidth <= 16    ? 16
         : headWidth <= 32  ? 32
         : headWidth <= 64  ? 64
         : headWidth <= 128 ? 128
                            : 0;
}

// Why this device cannot run the compiled lifter of such a network; empty where it can.
std::string unsupportedReason(int device, Precision precision, int width, int heads);
std::unique_ptr<LifterDevice> makeLifterDevice(int device, Precision precision, int width,
                                               int heads);

}  // namespace pstmo::inference::cuda
