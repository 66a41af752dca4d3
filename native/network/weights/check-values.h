// What values a trained network can have.
#pragma once

#include <cstddef>
#include <string>

namespace pstmo::network {

// True for the running variance of a batch norm.
bool isVariance(const std::string& name);

// Throws Error ERR_MODEL, which names the tensor and the place, for NaN, infinity and, where
// `variance`, for a negative value.
void checkValues(const std::string& name, bool variance, const float* values, size_t count);

}  // namespace pstmo::network
