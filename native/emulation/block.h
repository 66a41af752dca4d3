// One block of threads on one host thread: its lanes are fibers that run, in a random order drawn
// from a seed, until each stands at a barrier or a warp collective. Undefined behaviour of CUDA is
// an error here, with its place: a barrier that some lanes never reach, a collective whose mask and
// lanes disagree, a cell of shared memory that two lanes touch with no barrier between.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "fiber.h"

namespace pstmo::emulation {

using Place = std::source_location;
using Words = std::array<uint64_t, 3>;  // a lane's value for a collective

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr Dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr size_t count() const { return static_cast<size_t>(x) * y * z; }
};

// Who touched a cell of shared memory last, and when: barriers of the block and of the lane's warp
// counted.
struct Shadow {
  uint32_t writeBlock = 0, writeWarp = 0, readBlock = 0, readWarp = 0;
  int16_t writer = -1, reader = -1;
  bool several = false;  // more than one lane of the reader's warp read at readWarp
  bool foreign = false;  // lanes of more than one warp read at readBlock
};

class Block {
 public:
  static constexpr int kWarp = 32;

  struct Lane {
    Fiber fiber;
    Block* block = nullptr;
    Dim3 thread;
    int index = 0;
    enum class State { ready, atBarrier, atCollective, done } state = State::ready;
    Place place;
    uint32_t mask = 0;
  };

  Block() = default;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Runs body on every lane of block `index`. Throws Error with the report where the kernel does
  // something that CUDA leaves undefined.
  void run(Dim3 grid, Dim3 index, Dim3 threads, size_t sharedBytes, uint64_t seed,
           const std::function<void()>& body);

  // For the lane that runs.
  static Block& current() { return *current_; }
  Lane& lane() { return *lane_; }
  Dim3 grid() const { return grid_; }
  Dim3 index() const { return index_; }
  Dim3 threads() const { return threads_; }
  unsigned char* shared() { return shared_.get(); }
  size_t sharedBytes() const { return sharedBytes_; }

  void barrier(Place);
  // All lanes of `mask` meet; each leaves `value` and gets the 32 values of the warp. `orders`:
  // shared memory is ordered by it too.
  const Words* collective(uint32_t mask, const Words& value, bool orders, Place);
  void noteRead(const void* cell, Place);
  void noteWrite(const void* cell, Place);
  [[noreturn]] void fail(const std::string& what, Place);

 private:
  struct Warp {
    uint32_t arrived = 0;
    int turn = 0;  // of the two rows of values: a lane is at most one collective ahead of another
    uint32_t epoch = 0;
    Words values[2][kWarp] = {};
  };

  void wait(Lane::State, Place);
  Warp& warp() { return warps_[static_cast<size_t>(lane_->index) / kWarp]; }
  Shadow& shadow(const void* cell, Place);
  bool ordered(int16_t other, uint32_t block, uint32_t warp) const;
  [[noreturn]] void race(const char* what, int16_t other, const void* cell, Place);
  std::string deadlock() const;

  static thread_local Block* current_;
  Lane* lane_ = nullptr;
  Dim3 grid_, index_, threads_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<int> order_;
  std::vector<Warp> warps_;
  std::unique_ptr<unsigned char[]> shared_;
  size_t sharedBytes_ = 0;
  std::vector<Shadow> shadow_;
  uint32_t epoch_ = 1;  // barriers of the block
  int running_ = 0, waiting_ = 0;
  Place barrierPlace_;  // where the lanes that wait do
  const std::function<void()>* body_ = nullptr;
  std::string report_;
};

// A whole grid, its blocks in a random order. The seed is PSTMO_EMULATION_SEED (1) with the number
// of launches before.
void runGrid(Dim3 grid, Dim3 threads, size_t sharedBytes, const std::function<void()>& body);

}  // namespace pstmo::emulation
