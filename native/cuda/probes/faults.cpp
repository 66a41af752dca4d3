// A kernel reads memory that is not there: the error must say that the context is lost, each call
// after it must fail in the same way, and the process must live on to its end. For real devices, in
// a process of its own, whose context it destroys.
#include <cstdio>
#include <string>

#include "../../core/error.h"
#include "../cuda-backend.h"

namespace {

using namespace pstmo;

// The error that `work` throws, or nothing.
template <typename Work>
std::string refusal(const Work& work) {
  try {
    work();
    return {};
  } catch (const Error& error) {
    return error.code() + ": " + error.what();
  }
}

bool expect(const char* what, const std::string& said, const char* wanted) {
  const bool right = said.find(wanted) != std::string::npos;
  std::printf("%s: %s%s\n", what, said.empty() ? "no error" : said.c_str(),
              right ? "" : "  <- wrong");
  return right;
}

}  // namespace

int main() {
  const CudaState state = cudaState(0);
  if (!state.usable) {
    std::printf("%s\n", state.reason.c_str());
    return 1;
  }
  bool right = true;
  {
    const std::unique_ptr<Backend> backend = makeCudaBackend(0, Precision::fp32, "auto");
    constexpr size_t kCount = 1 << 20;
    auto* y = static_cast<float*>(backend->allocate(kCount * sizeof(float)));
    backend->zero(y, kCount * sizeof(float));
    float first = 1;
    backend->copyOut(&first, y, sizeof first);
    right &= expect("before", first == 0 ? "zero" : "not zero", "zero");
    const auto nowhere = [&] {
      backend->run(AddForward{kCount, reinterpret_cast<const float*>(uintptr_t{4096}), y});
      backend->copyOut(&first, y, sizeof first);
    };
    right &= expect("illegal address", refusal(nowhere), "lost its CUDA context");
    right &= expect("after it", refusal([&] { backend->copyOut(&first, y, sizeof first); }),
                    "ERR_CUDA_DRIVER");
    right &= expect(
        "a new model",
        refusal([] { (void)makeCudaBackend(0, Precision::fp32, "auto")->allocate(64); }), "ERR_");
    backend->release(y);
  }
  std::printf("%s\n", right ? "as it must be" : "not as it must be");
  return right ? 0 : 1;
}
