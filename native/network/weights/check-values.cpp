#include "check-values.h"

#include <algorithm>
#include <cmath>

#include "../../core/error.h"
#include "../../core/finite.h"
#include "../../core/tensor-names.h"

namespace pstmo::network {

bool isVariance(const std::string& name) {
  return name.ends_with(tensor_names::runningVariance(""));
}

void checkValues(const std::string& name, bool variance, const float* values, size_t count) {
  size_t bad = firstNonFinite(values, count);
  if (bad == count && variance) {
    bad = static_cast<size_t>(std::find_if(values, values + count, [](float v) { return v < 0; }) -
                              values);
  }
  if (bad == count) return;
  const float value = values[bad];
  const std::string text = std::isnan(value)   ? "NaN"
                           : std::isinf(value) ? value > 0 ? "Infinity" : "-Infinity"
                                               : std::to_string(value);
  throw Error("ERR_MODEL", name + "[" + std::to_string(bad) + "]: expected a " +
                               (variance ? "variance, finite and not negative" : "finite number") +
                               ", got " + text +
                               "; the weights are damaged, or of a training that diverged.");
}

}  // namespace pstmo::network
