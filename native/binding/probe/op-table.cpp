#include "op-table.h"

#include <algorithm>
#include <limits>

namespace pstmo::binding {

namespace {

constexpr int kAny = std::numeric_limits<int32_t>::max();

template <typename Op>
OpFill entry(void (*fill)(OpFields&, Op&)) {
  return [fill](OpFields& fields) -> OpRun {
    Op op{};
    fill(fields, op);
    return [op](Backend& backend) { backend.run(op); };
  };
}

// rows, in, out.
template <typename Op>
void readProduct(OpFields& f, Op& op) {
  op.rows = f.count("rows");
  op.in = f.count("in");
  op.out = f.count("out");
}

template <typename Op>
void readAttention(OpFields& f, Op& op) {
  op.batch = f.count("batch");
  op.tokens = f.count("tokens");
  op.width = f.count("width");
  op.heads = f.count("heads");
  if (op.width % op.heads != 0 || op.width / op.heads > 128) {
    throw Error("ERR_ARGUMENT",
                "attributes.width: expected a multiple of heads, at most 128 a head.");
  }
  op.qkv = f.activations("qkv", {op.batch, op.tokens, 3, op.width});
}

template <typename Op>
void readPositions(OpFields& f, Op& op, int tableLength) {
  op.batch = f.count("batch");
  op.tokens = f.count("tokens");
  op.outTokens = f.count("outTokens");
  op.channels = f.count("channels");
  op.rows = f.optionalIntegers("rows", {op.outTokens}, 0, op.tokens - 1);
  op.tableRows = f.optionalIntegers("tableRows", {op.outTokens}, 0, std::max(tableLength - 1, 0));
  if ((op.rows == nullptr && op.outTokens > op.tokens) ||
      (op.tableRows == nullptr && tableLength > 0 && op.outTokens > tableLength)) {
    throw Error("ERR_ARGUMENT", "attributes.outTokens: beyond the rows that there are.");
  }
}

const std::map<std::string, OpFill> kTable = {
    {"linearForward", entry<LinearForward>([](OpFields& f, LinearForward& op) {
       readProduct(f, op);
       op.x = f.activations("x", {op.rows, op.in});
       op.weight = f.floats("weight", {op.out, op.in});
       op.bias = f.optionalFloats("bias", {op.out});
       op.y = f.activations("y", {op.rows, op.out});
       op.residual = f.optionalFloats("residual", {op.rows, op.out});
       op.relu = f.flag("relu");
       op.dropout = f.dropout();
     })},
    {"linearBackward", entry<LinearBackward>([](OpFields& f, LinearBackward& op) {
       readProduct(f, op);
       op.dZ = f.activations("dZ", {op.rows, op.out});
       op.x = f.activations("x", {op.rows, op.in});
       op.weight = f.floats("weight", {op.out, op.in});
       op.dX = f.optionalActivations("dX", {op.rows, op.in});
       op.dWeight = f.optionalFloats("dWeight", {op.out, op.in});
       op.dBias = f.optionalFloats("dBias", {op.out});
       op.accumulate = f.flag("accumulate");
       op.reluOutput = f.optionalActivations("reluOutput", {op.rows, op.in});
       op.reluScale = static_cast<float>(f.numberOr("reluScale", 1));
     })},
    {"spatialBlockForward", entry<SpatialBlockForward>([](OpFields& f, SpatialBlockForward& op) {
       readProduct(f, op);
       op.x = f.activations("x", {op.rows, op.in});
       op.weight = f.floats("weight", {op.out, op.in});
       op.bias = f.floats("bias", {op.out});
       op.gamma = f.floats("gamma", {op.out});
       op.beta = f.floats("beta", {op.out});
       op.runningMean = f.floats("runningMean", {op.out});
       op.runningVariance = f.floats("runningVariance", {op.out});
       op.residual = f.optionalActivations("residual", {op.rows, op.out});
       op.z = f.activations("z", {op.rows, op.out});
       op.mean = f.floats("mean", {op.out});
       op.inverseStd = f.floats("inverseStd", {op.out});
       op.y = f.activations("y", {op.rows, op.out});
       op.training = f.flag("training");
       op.dropout = f.dropout();
     })},
    {"spatialBlockBackward", entry<SpatialBlockBackward>([](OpFields& f, SpatialBlockBackward& op) {
       readProduct(f, op);
       op.dY = f.activations("dY", {op.rows, op.out});
       op.x = f.activations("x", {op.rows, op.in});
       op.weight = f.floats("weight", {op.out, op.in});
       op.gamma = f.floats("gamma", {op.out});
       op.beta = f.floats("beta", {op.out});
       op.z = f.activations("z", {op.rows, op.out});
       op.mean = f.floats("mean", {op.out});
       op.inverseStd = f.floats("inverseStd", {op.out});
       op.dZ = f.activations("dZ", {op.rows, op.out});
       op.dX = f.optionalActivations("dX", {op.rows, op.in});
       op.dWeight = f.floats("dWeight", {op.out, op.in});
       op.dBias = f.floats("dBias", {op.out});
       op.dGamma = f.floats("dGamma", {op.out});
       op.dBeta = f.floats("dBeta", {op.out});
       op.accumulate = f.flag("accumulate");
       op.dropout = f.dropout();
     })},
    {"batchNormForward", entry<BatchNormForward>([](OpFields& f, BatchNormForward& op) {
       op.rows = f.count("rows");
       op.channels = f.count("channels");
       op.x = f.floats("x", {op.rows, op.channels});
       op.gamma = f.floats("gamma", {op.channels});
       op.beta = f.floats("beta", {op.channels});
       op.runningMean = f.floats("runningMean", {op.channels});
       op.runningVariance = f.floats("runningVariance", {op.channels});
       op.mean = f.floats("mean", {op.channels});
       op.inverseStd = f.floats("inverseStd", {op.channels});
       op.y = f.floats("y", {op.rows, op.channels});
       op.training = f.flag("training");
     })},
    {"batchNormBackward", entry<BatchNormBackward>([](OpFields& f, BatchNormBackward& op) {
       op.rows = f.count("rows");
       op.channels = f.count("channels");
       op.dY = f.activations("dY", {op.rows, op.channels});
       op.x = f.activations("x", {op.rows, op.channels});
       op.gamma = f.floats("gamma", {op.channels});
       op.mean = f.floats("mean", {op.channels});
       op.inverseStd = f.floats("inverseStd", {op.channels});
       op.dX = f.activations("dX", {op.rows, op.channels});
       op.dGamma = f.floats("dGamma", {op.channels});
       op.dBeta = f.floats("dBeta", {op.channels});
       op.accumulate = f.flag("accumulate");
     })},
    {"layerNormForward", entry<LayerNormForward>([](OpFields& f, LayerNormForward& op) {
       op.rows = f.count("rows");
       op.channels = f.count("channels", 2);
       op.x = f.floats("x", {op.rows, op.channels});
       op.a = f.floats("a", {op.channels});
       op.b = f.floats("b", {op.channels});
       op.y = f.activations("y", {op.rows, op.channels});
       op.mean = f.floats("mean", {op.rows});
       op.std = f.floats("std", {op.rows});
     })},
    {"layerNormBackward", entry<LayerNormBackward>([](OpFields& f, LayerNormBackward& op) {
       op.rows = f.count("rows");
       op.channels = f.count("channels", 2);
       op.dY = f.activations("dY", {op.rows, op.channels});
       op.x = f.floats("x", {op.rows, op.channels});
       op.a = f.floats("a", {op.channels});
       op.mean = f.floats("mean", {op.rows});
       op.std = f.floats("std", {op.rows});
       op.dX = f.floats("dX", {op.rows, op.channels});
       op.dA = f.floats("dA", {op.channels});
       op.dB = f.floats("dB", {op.channels});
       op.accumulate = f.flag("accumulate");
     })},
    {"attentionForward", entry<AttentionForward>([](OpFields& f, AttentionForward& op) {
       readAttention(f, op);
       op.out = f.activations("out", {op.batch, op.tokens, op.width});
       op.logSumExp = f.floats("logSumExp", {op.batch, op.heads, op.tokens});
       op.dropout = f.dropout();
     })},
    {"attentionBackward", entry<AttentionBackward>([](OpFields& f, AttentionBackward& op) {
       readAttention(f, op);
       op.out = f.activations("out", {op.batch, op.tokens, op.width});
       op.logSumExp = f.floats("logSumExp", {op.batch, op.heads, op.tokens});
       op.dOut = f.activations("dOut", {op.batch, op.tokens, op.width});
       op.dQkv = f.activations("dQkv", {op.batch, op.tokens, 3, op.width});
       op.dropout = f.dropout();
     })},
    {"attentionMaps", entry<AttentionMaps>([](OpFields& f, AttentionMaps& op) {
       readAttention(f, op);
       op.maps = f.floats("maps", {op.batch, op.heads, op.tokens, op.tokens});
     })},
    {"stridedConvForward", entry<StridedConvForward>([](OpFields& f, StridedConvForward& op) {
       op.batch = f.count("batch");
       op.tokens = f.count("tokens");
       op.stride = f.count("stride");
       op.in = f.count("in");
       op.out = f.count("out");
       op.x = f.activations("x", {op.batch, op.tokens, op.in});
       op.weight = f.floats("weight", {op.out, op.in, 3});
       op.bias = f.floats("bias", {op.out});
       op.residual = f.floats("residual", {op.batch, op.tokens, op.out});
       op.y = f.floats("y", {op.batch, (op.tokens - 1) / op.stride + 1, op.out});
       op.dropout = f.dropout();
     })},
    {"stridedConvBackward", entry<StridedConvBackward>([](OpFields& f, StridedConvBackward& op) {
       op.batch = f.count("batch");
       op.tokens = f.count("tokens");
       op.stride = f.count("stride");
       op.in = f.count("in");
       op.out = f.count("out");
       op.dZ = f.activations("dZ", {op.batch, (op.tokens - 1) / op.stride + 1, op.out});
       op.x = f.activations("x", {op.batch, op.tokens, op.in});
       op.weight = f.floats("weight", {op.out, op.in, 3});
       op.dX = f.activations("dX", {op.batch, op.tokens, op.in});
       op.dWeight = f.floats("dWeight", {op.out, op.in, 3});
       op.dBias = f.floats("dBias", {op.out});
       op.reluOutput = f.optionalActivations("reluOutput", {op.batch, op.tokens, op.in});
       op.reluScale = static_cast<float>(f.numberOr("reluScale", 1));
     })},
    {"stridedResidualBackward",
     entry<StridedResidualBackward>([](OpFields& f, StridedResidualBackward& op) {
       op.batch = f.count("batch");
       op.tokens = f.count("tokens");
       op.stride = f.count("stride");
       op.channels = f.count("channels");
       op.dY = f.floats("dY", {op.batch, (op.tokens - 1) / op.stride + 1, op.channels});
       op.dResidual = f.floats("dResidual", {op.batch, op.tokens, op.channels});
     })},
    {"dropoutBackward", entry<DropoutBackward>([](OpFields& f, DropoutBackward& op) {
       op.rows = f.count("rows");
       op.channels = f.count("channels");
       op.dY = f.floats("dY", {op.rows, op.channels});
       op.dX = f.activations("dX", {op.rows, op.channels});
       op.dropout = f.dropout();
     })},
    {"positionsForward", entry<PositionsForward>([](OpFields& f, PositionsForward& op) {
       const int tableLength = f.count("tableLength", 0);
       readPositions(f, op, tableLength);
       op.x = f.floats("x", {op.batch, op.tokens, op.channels});
       op.table = tableLength > 0 ? f.floats("table", {tableLength, op.channels}) : nullptr;
       op.y = f.floats("y", {op.batch, op.outTokens, op.channels});
     })},
    {"positionsBackward", entry<PositionsBackward>([](OpFields& f, PositionsBackward& op) {
       const int tableLength = f.count("tableLength", 0);
       readPositions(f, op, tableLength);
       op.dY = f.floats("dY", {op.batch, op.outTokens, op.channels});
       op.dX = f.optionalFloats("dX", {op.batch, op.tokens, op.channels});
       op.dTable = tableLength > 0 ? f.floats("dTable", {tableLength, op.channels}) : nullptr;
     })},
    {"decoderInputForward", entry<DecoderInputForward>([](OpFields& f, DecoderInputForward& op) {
       op.batch = f.count("batch");
       op.tokens = f.count("tokens");
       op.visible = static_cast<int>(f.whole("visible", 0, op.tokens));
       op.channels = f.count("channels");
       op.x = f.floats("x", {op.batch, op.visible, op.channels});
       op.token = f.floats("token", {op.channels});
       op.table = f.floats("table", {op.tokens, op.channels});
       op.order = f.integers("order", {op.tokens}, 0, op.tokens - 1);
       op.y = f.floats("y", {op.batch, op.tokens, op.channels});
     })},
    {"decoderInputBackward", entry<DecoderInputBackward>([](OpFields& f, DecoderInputBackward& op) {
       op.batch = f.count("batch");
       op.tokens = f.count("tokens");
       op.visible = static_cast<int>(f.whole("visible", 0, op.tokens));
       op.channels = f.count("channels");
       op.dY = f.floats("dY", {op.batch, op.tokens, op.channels});
       op.order = f.integers("order", {op.tokens}, 0, op.tokens - 1);
       op.dX = f.floats("dX", {op.batch, op.visible, op.channels});
       op.dToken = f.floats("dToken", {op.channels});
       op.dTable = f.floats("dTable", {op.tokens, op.channels});
     })},
    {"jointMaskForward", entry<JointMaskForward>([](OpFields& f, JointMaskForward& op) {
       op.batch = f.count("batch");
       op.frames = f.count("frames");
       op.joints = f.count("joints");
       op.x = f.floats("x", {op.batch, op.frames, op.joints, 2});
       op.mask = f.bytes("mask", {op.frames, op.joints});
       op.token = f.floats("token", {2});
       op.y = f.floats("y", {op.batch, op.frames, op.joints, 2});
     })},
    {"jointMaskBackward", entry<JointMaskBackward>([](OpFields& f, JointMaskBackward& op) {
       op.batch = f.count("batch");
       op.frames = f.count("frames");
       op.joints = f.count("joints");
       op.dY = f.floats("dY", {op.batch, op.frames, op.joints, 2});
       op.mask = f.bytes("mask", {op.frames, op.joints});
       op.dToken = f.floats("dToken", {2});
     })},
    {"poseLoss", entry<PoseLoss>([](OpFields& f, PoseLoss& op) {
       op.rows = f.count("rows");
       op.joints = f.count("joints");
       op.coordinates = f.count("coordinates");
       op.predicted = f.floats("predicted", {op.rows, op.joints, op.coordinates});
       op.target = f.floats("target", {op.rows, op.joints, op.coordinates});
       op.weight = static_cast<float>(f.number("weight"));
       op.loss = f.scalar("loss");
       op.dPredicted = f.optionalFloats("dPredicted", {op.rows, op.joints, op.coordinates});
     })},
    {"adamStep", entry<AdamStep>([](OpFields& f, AdamStep& op) {
       const int64_t count = f.count("count");
       op.count = static_cast<size_t>(count);
       op.value = f.floats("value", {count});
       op.gradient = f.floats("gradient", {count});
       op.mean = f.floats("mean", {count});
       op.variance = f.floats("variance", {count});
       op.maximum = f.floats("maximum", {count});
       op.learningRate = f.number("learningRate");
       op.step = f.whole("step", 1, kAny);
     })},
    {"windowGather", entry<WindowGather>([](OpFields& f, WindowGather& op) {
       op.batch = f.count("batch");
       op.frames = f.count("frames");
       op.stride = f.count("stride");
       op.joints = f.count("joints");
       op.coordinates = f.count("coordinates");
       const int sequences = f.count("sequences");
       const int sourceFrames = f.count("sourceFrames");
       op.start = f.wideIntegers("start", {sequences}, 0, sourceFrames - 1);
       op.length = f.integers("length", {sequences}, 1, sourceFrames);
       op.samples = f.integers("samples", {op.batch, 3}, 0, kAny);
       const int32_t* start = f.hostIntegers("start");
       const int32_t* length = f.hostIntegers("length");
       const int32_t* sample = f.hostIntegers("samples");
       for (int i = 0; i < sequences; i++) {
         if (length[i] > sourceFrames - start[i])
           throw Error("ERR_ARGUMENT", "tensors.length: a sequence ends beyond the source.");
       }
       for (int i = 0; i < op.batch; i++, sample += 3) {
         if (sample[0] >= sequences || sample[1] >= length[sample[0]] || sample[2] > 1)
           throw Error("ERR_ARGUMENT", "tensors.samples: outside its sequence.");
       }
       op.source = f.floats("source", {sourceFrames, op.joints, op.coordinates});
       op.mirror = f.integers("mirror", {op.joints}, 0, op.joints - 1);
       op.rootJoint = static_cast<int>(f.whole("rootJoint", -1, op.joints - 1));
       op.shuffle = f.flag("shuffle");
       op.seed = static_cast<uint64_t>(f.whole("seed", 0, int64_t{1} << 53));
       op.step = static_cast<uint32_t>(f.whole("step", 0, 0xffffffffLL));
       op.y = f.floats("y", {op.batch, op.frames, op.joints, op.coordinates});
     })},
    {"mirrorMean", entry<MirrorMean>([](OpFields& f, MirrorMean& op) {
       op.rows = f.count("rows");
       op.joints = f.count("joints");
       op.plain = f.floats("plain", {op.rows, op.joints, 3});
       op.mirrored = f.floats("mirrored", {op.rows, op.joints, 3});
       op.mirror = f.integers("mirror", {op.joints}, 0, op.joints - 1);
       op.y = f.floats("y", {op.rows, op.joints, 3});
     })},
    {"backProjectForward", entry<BackProjectForward>([](OpFields& f, BackProjectForward& op) {
       op.rows = f.count("rows");
       op.joints = f.count("joints");
       op.rootJoint = static_cast<int>(f.whole("rootJoint", 0, op.joints - 1));
       op.keypoints = f.floats("keypoints", {op.rows, op.joints, 2});
       op.predicted = f.floats("predicted", {op.rows, op.joints, 3});
       op.root = f.floats("root", {op.rows, 3});
       op.camera = f.floats("camera", {op.rows, 4});
       op.y = f.floats("y", {op.rows, op.joints, 3});
     })},
    {"backProjectBackward", entry<BackProjectBackward>([](OpFields& f, BackProjectBackward& op) {
       op.rows = f.count("rows");
       op.joints = f.count("joints");
       op.rootJoint = static_cast<int>(f.whole("rootJoint", 0, op.joints - 1));
       op.dY = f.floats("dY", {op.rows, op.joints, 3});
       op.keypoints = f.floats("keypoints", {op.rows, op.joints, 2});
       op.camera = f.floats("camera", {op.rows, 4});
       op.dPredicted = f.floats("dPredicted", {op.rows, op.joints, 3});
     })},
    {"refineBlendForward", entry<RefineBlendForward>([](OpFields& f, RefineBlendForward& op) {
       op.rows = f.count("rows");
       op.joints = f.count("joints");
       op.logits = f.floats("logits", {op.rows, op.joints, 2});
       op.predicted = f.floats("predicted", {op.rows, op.joints, 3});
       op.backProjected = f.floats("backProjected", {op.rows, op.joints, 3});
       op.y = f.floats("y", {op.rows, op.joints, 3});
     })},
    {"refineBlendBackward", entry<RefineBlendBackward>([](OpFields& f, RefineBlendBackward& op) {
       op.rows = f.count("rows");
       op.joints = f.count("joints");
       op.dY = f.floats("dY", {op.rows, op.joints, 3});
       op.logits = f.floats("logits", {op.rows, op.joints, 2});
       op.predicted = f.floats("predicted", {op.rows, op.joints, 3});
       op.backProjected = f.floats("backProjected", {op.rows, op.joints, 3});
       op.dLogits = f.floats("dLogits", {op.rows, op.joints, 2});
       op.dPredicted = f.floats("dPredicted", {op.rows, op.joints, 3});
       op.dBackProjected = f.floats("dBackProjected", {op.rows, op.joints, 3});
     })},
    {"concatForward", entry<ConcatForward>([](OpFields& f, ConcatForward& op) {
       op.rows = f.count("rows");
       op.left = f.count("left");
       op.right = f.count("right");
       op.a = f.floats("a", {op.rows, op.left});
       op.b = f.floats("b", {op.rows, op.right});
       op.y = f.floats("y", {op.rows, op.left + op.right});
     })},
    {"concatBackward", entry<ConcatBackward>([](OpFields& f, ConcatBackward& op) {
       op.rows = f.count("rows");
       op.left = f.count("left");
       op.right = f.count("right");
       op.dY = f.floats("dY", {op.rows, op.left + op.right});
       op.dA = f.floats("dA", {op.rows, op.left});
       op.dB = f.floats("dB", {op.rows, op.right});
     })},
    {"addForward", entry<AddForward>([](OpFields& f, AddForward& op) {
       const int64_t count = f.count("count");
       op.count = static_cast<size_t>(count);
       op.x = f.floats("x", {count});
       op.y = f.floats("y", {count});
     })},
};

}  // namespace

const std::map<std::string, OpFill>& opTable() { return kTable; }

}  // namespace pstmo::binding
