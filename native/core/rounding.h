// Division and multiples, rounded up.
#pragma once

namespace pstmo {

constexpr int ceilDiv(int value, int divisor) { return (value + divisor - 1) / divisor; }
constexpr int roundUp(int value, int multiple) { return ceilDiv(value, multiple) * multiple; }

}  // namespace pstmo
