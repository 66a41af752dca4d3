// A pass in memory that is planned before it runs, and how many windows fit, for the error that
// says these do not.
#pragma once

#include <algorithm>
#include <string>

#include "../core/error.h"
#include "device-network.h"

namespace pstmo::network {

template <typename Plan>
size_t DeviceNetwork::bytesOf(int windows, bool training, const Plan& plan) {
  Arena planned([](size_t) { return reinterpret_cast<void*>(uintptr_t{256}); }, [](void*) {});
  Pass pass{*backend_, planned};
  pass.training = training;
  pass.dropoutRate = config_.dropout;
  pass.planning = true;
  plan(pass, windows);
  return planned.peak();
}

template <typename Work, typename Plan>
void DeviceNetwork::withinMemory(int batch, bool training, const Work& work, const Plan& plan) {
  try {
    arena_.reserve(bytesOf(batch, training, plan));
    work();
  } catch (const Error& error) {
    if (error.code() != "ERR_CUDA_OOM") throw;
    arena_.clear();
    constexpr double kShare = 0.75;  // what operations need within themselves takes the rest
    const size_t one = bytesOf(1, training, plan),
                 each = batch > 1 ? bytesOf(2, training, plan) - one : one;
    const double room =
        kShare * static_cast<double>(backend_->freeBytes()) - static_cast<double>(one);
    const int fit =
        room < 0
            ? 0
            : std::min(batch - 1,
                       1 + static_cast<int>(room / static_cast<double>(std::max(each, size_t{1}))));
    throw Error(error.code(), std::string(error.what()) + " It was for a batch of " +
                                  std::to_string(batch) + " windows; " +
                                  (fit > 0 ? "a batch of " + std::to_string(fit) + " would fit."
                                           : "not even one fits beside the weights."));
  }
}

}  // namespace pstmo::network
