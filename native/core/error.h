// The one exception of the native code. It carries the code that PoseError shows in JavaScript.
#pragma once

#include <stdexcept>
#include <string>

namespace pstmo {

class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

}  // namespace pstmo
