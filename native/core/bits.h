// The same bits as a value of another type: std::bit_cast, which emscripten 3.1.6 has not.
#pragma once

namespace pstmo {

template <typename To, typename From>
constexpr To bitCast(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, from);
}

}  // namespace pstmo
