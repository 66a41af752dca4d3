// Twin of native/cuda/device/warp.h: the block's scheduler checks that all lanes stand at one
// place.
#pragma once

#include <bit>

#include "runtime.h"

namespace pstmo::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

inline int laneOfWarp() { return static_cast<int>(threadIdx.x) % kWarp; }

inline void syncWarp(emulation::Place place = emulation::Place::current()) {
  emulation::Block::current().collective(kAllLanes, {}, true, place);
}

inline bool anyLane(bool holds, emulation::Place place = emulation::Place::current()) {
  const emulation::Words* values =
      emulation::Block::current().collective(kAllLanes, {uint64_t{holds}}, false, place);
  for (int lane = 0; lane < kWarp; ++lane) {
    if (values[lane][0]) return true;
  }
  return false;
}

inline float shuffleFrom(float value, int lane,
                         emulation::Place place = emulation::Place::current()) {
  const emulation::Words* values = emulation::Block::current().collective(
      kAllLanes, {std::bit_cast<uint32_t>(value)}, false, place);
  return std::bit_cast<float>(static_cast<uint32_t>(values[lane][0]));
}

inline float shuffleXor(float value, int lanes,
                        emulation::Place place = emulation::Place::current()) {
  auto& block = emulation::Block::current();
  const emulation::Words* values =
      block.collective(kAllLanes, {std::bit_cast<uint32_t>(value)}, false, place);
  return std::bit_cast<float>(
      static_cast<uint32_t>(values[(block.lane().index % kWarp) ^ lanes][0]));
}
inline double shuffleXor(double value, int lanes,
                         emulation::Place place = emulation::Place::current()) {
  auto& block = emulation::Block::current();
  const emulation::Words* values =
      block.collective(kAllLanes, {std::bit_cast<uint64_t>(value)}, false, place);
  return std::bit_cast<double>(values[(block.lane().index % kWarp) ^ lanes][0]);
}

}  // namespace pstmo::cuda
