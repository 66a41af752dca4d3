// The configuration of a P-STMO network: what lib/networks/config.ts says of its arithmetic, read
// once by the binding, used by the network and by the compiled lifter.
#pragma once

#include <cstdint>
#include <vector>

namespace pstmo {

enum class Backbone { mlp, fc, transformer };

struct NetworkConfig {
  int stage = 2;
  int frames = 243;       // N
  int joints = 17;        // J of the 2D input
  int outputJoints = 17;  // J' of the 3D output
  int layers = 3;         // TEM
  int decoderLayers = 2;  // Stage I decoder
  int width = 256;        // d
  int hidden = 512;       // h
  int heads = 8;          // H
  Backbone backbone = Backbone::mlp;
  int mlpBlocks = 1;      // L
  bool temporal = true;   // TEM present
  bool aggregate = true;  // MOFA present
  float dropout = 0.1f;
  float lossWeight = 1;        // lambda
  bool semVisibleOnly = true;  // Stage I: SEM sees the visible frames only
  bool refine = false;         // Stage II with the refining module
  int rootJoint = 0;
  std::vector<int32_t> mirrorInput;   // (joints): which joint each takes when mirrored
  std::vector<int32_t> mirrorOutput;  // (outputJoints)
};

// The stride of each layer of the frame aggregator; empty for an N that has none.
inline std::vector<int> aggregatorStrides(int frames) {
  switch (frames) {
    case 9:
      return {1, 3, 3};
    case 27:
      return {3, 3, 3};
    case 81:
      return {3, 3, 3, 3};
    case 243:
      return {3, 3, 3, 3, 3};
    case 351:
      return {3, 9, 13};
    default:
      return {};
  }
}

}  // namespace pstmo
