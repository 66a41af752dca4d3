#include "check-config.h"

#include <string>
#include <vector>

#include "../core/error.h"

namespace pstmo::network {

namespace {

void require(bool holds, const std::string& message) {
  if (!holds) throw Error("ERR_CONFIG", message);
}

void requirePositive(const char* field, int value) {
  require(value > 0,
          std::string(field) + ": a positive number expected, got " + std::to_string(value) + ".");
}

void requireHeads(const char* what, int width, int heads) {
  require(width > 0 && width % heads == 0, std::string(what) + " " + std::to_string(width) +
                                               " must be a multiple of heads " +
                                               std::to_string(heads) + ".");
}

void requireMirror(const char* field, const std::vector<int32_t>& mirror, int joints) {
  bool inside = mirror.size() == static_cast<size_t>(joints);
  for (const int32_t joint : mirror) inside = inside && joint >= 0 && joint < joints;
  require(inside, std::string(field) + ": " + std::to_string(joints) + " joint numbers below " +
                      std::to_string(joints) + " expected.");
}

}  // namespace

void checkConfig(const NetworkConfig& config) {
  require(config.stage == 1 || config.stage == 2,
          "stage: 1 or 2 expected, got " + std::to_string(config.stage) + ".");
  requirePositive("frames", config.frames);
  requirePositive("joints", config.joints);
  requirePositive("outputJoints", config.outputJoints);
  requirePositive("layers", config.layers);
  requirePositive("width", config.width);
  requirePositive("hidden", config.hidden);
  requirePositive("heads", config.heads);
  require(config.dropout >= 0 && config.dropout < 1,
          "dropout: 0 or more and below 1 expected, got " + std::to_string(config.dropout) + ".");
  require(config.lossWeight >= 0,
          "lossWeight: 0 or more expected, got " + std::to_string(config.lossWeight) + ".");
  require(config.rootJoint >= 0 && config.rootJoint < config.outputJoints,
          "rootJoint: a joint below " + std::to_string(config.outputJoints) + " expected, got " +
              std::to_string(config.rootJoint) + ".");
  if (config.backbone == Backbone::mlp) requirePositive("mlpBlocks", config.mlpBlocks);
  if (config.backbone == Backbone::transformer) {
    require(config.width % config.joints == 0,
            "width: a multiple of the " + std::to_string(config.joints) +
                " joints expected with the transformer backbone, got " +
                std::to_string(config.width) + ".");
    requireHeads("width per joint", config.width / config.joints, config.heads);
  }
  if (config.temporal) requireHeads("width", config.width, config.heads);
  requireMirror("mirrorInput", config.mirrorInput, config.joints);

  if (config.stage == 1) {
    require(config.temporal, "temporal: Stage I needs the temporal encoder.");
    require(!config.refine, "refine: Stage I has nothing to refine.");
    requirePositive("decoderLayers", config.decoderLayers);
    require(config.width % 2 == 0 && config.hidden > 1,
            "width and hidden: Stage I's decoder takes half of each, got " +
                std::to_string(config.width) + " and " + std::to_string(config.hidden) + ".");
    requireHeads("decoder width", config.width / 2, config.heads);
    return;
  }
  requireMirror("mirrorOutput", config.mirrorOutput, config.outputJoints);
  require(config.temporal || config.backbone == Backbone::mlp,
          "backbone: without the temporal encoder only \"mlp\" is a network.");
  require(!config.temporal || !config.aggregate || !aggregatorStrides(config.frames).empty(),
          "frames: 9, 27, 81, 243 or 351 expected with the frame aggregator, got " +
              std::to_string(config.frames) + ".");
  require(!config.refine || config.joints == config.outputJoints,
          "refine: the same joints in 2D and 3D expected, got " + std::to_string(config.joints) +
              " and " + std::to_string(config.outputJoints) + ".");
}

}  // namespace pstmo::network
