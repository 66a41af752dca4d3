// Faults on purpose, one of them named by PSTMO_PLANTED: tools/trust/sanitize.mjs must see each
// caught before it says of real code that nothing was found. The library plants them as it is
// loaded into Node, the program (PSTMO_PLANTED_PROGRAM) in its main.
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace {

// Kept from the optimizer, which would see that nothing comes of the faults.
volatile int sink = 0;

void overflow(size_t count) {
  const std::vector<int> values(count);
  sink = values.data()[count];
}

void freed(size_t count) {
  const int* data = nullptr;
  {
    const std::vector<int> values(count);
    data = values.data();
  }
  sink = data[0];
}

void undefined(int most) { sink = most + 1; }

void race() {
  int shared = 0;
  std::thread other([&shared] { shared = 1; });
  shared = 2;
  other.join();
  sink = shared;
}

void plant() {
  const char* chosen = std::getenv("PSTMO_PLANTED");
  const std::string fault = chosen == nullptr ? "" : chosen;
  if (fault == "overflow") overflow(8);
  if (fault == "freed") freed(8);
  if (fault == "undefined") undefined(std::numeric_limits<int>::max());
  if (fault == "race") race();
  std::fprintf(stderr, "planted: passed\n");
}

}  // namespace

#ifdef PSTMO_PLANTED_PROGRAM
int main() { plant(); }
#else
namespace {
[[maybe_unused]] const bool planted = (plant(), true);
}  // namespace
#endif
