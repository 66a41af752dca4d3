// Reserves the memory of a pass before it runs. Where it does not fit, the error says how many
// windows would.
#pragma once

#include <algorithm>
#include <string>

#include "../core/error.h"
#include "device-network.h"

namespace pstmo::network {

template <typename DryRun>
size_t DeviceNetwork::bytesOf(int windows, bool training, const DryRun& dryRun) {
  Arena dry([](size_t) { return reinterpret_cast<void*>(uintptr_t{256}); }, [](void*) {});
  Pass pass{*backend_, dry};
  pass.training = training;
  pass.dropoutRate = config_.dropout;
  pass.dryRun = true;
  dryRun(pass, windows);
  return dry.peak();
}

template <typename DryRun>
int DeviceNetwork::fittingBatch(int most, bool training, const DryRun& dryRun) {
  constexpr double kShare = 0.75;  // what operations need within themselves takes the rest
  const size_t one = bytesOf(1, training, dryRun),
               each = most > 1 ? bytesOf(2, training, dryRun) - one : one;
  const double room =
      kShare * static_cast<double>(backend_->freeBytes()) - static_cast<double>(one);
  return room < 0 ? 0
                  : std::min(most, 1 + static_cast<int>(
                                           room / static_cast<double>(std::max(each, size_t{1}))));
}

template <typename Work, typename DryRun>
void DeviceNetwork::withinMemory(int batch, bool training, const Work& work, const DryRun& dryRun) {
  try {
    arena_.reserve(bytesOf(batch, training, dryRun));
    work();
  } catch (const Error& error) {
    if (error.code() != "ERR_CUDA_OOM") throw;
    arena_.clear();
    const int fit = fittingBatch(batch - 1, training, dryRun);
    throw Error(error.code(), std::string(error.what()) + " It was for a batch of " +
                                  std::to_string(batch) + " windows; " +
                                  (fit > 0 ? "a batch of " + std::to_string(fit) + " would fit."
                                           : "not even one fits beside the weights."));
  }
}

}  // namespace pstmo::network
