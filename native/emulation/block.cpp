#include "block.h"

#include <cstdlib>
#include <cstring>
#include <numeric>

#include "../core/error.h"

namespace pstmo::emulation {
namespace {

// Splitmix64: orders need to differ, not to be good.
uint64_t nextRandom(uint64_t& state) {
  uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

template <typename T>
void shuffle(std::vector<T>& items, uint64_t& state) {
  for (size_t i = items.size(); i > 1; --i)
    std::swap(items[i - 1], items[static_cast<size_t>((nextRandom(state) >> 32) * i >> 32)]);
}

std::string nameOf(const Place& place) {
  const std::string file = place.file_name();
  return file.substr(file.find_last_of('/') + 1) + ":" + std::to_string(place.line()) + " in " +
         place.function_name();
}

bool same(const Place& a, const Place& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         std::strcmp(a.file_name(), b.file_name()) == 0;
}

constexpr unsigned char kUnwritten =
    0xFF;  // four of them are a NaN: what a kernel reads before it wrote it shows

}  // namespace

thread_local Block* Block::current_ = nullptr;

void Block::run(Dim3 grid, Dim3 index, Dim3 threads, size_t sharedBytes, uint64_t seed,
                const std::function<void()>& body) {
  grid_ = grid, index_ = index, threads_ = threads, body_ = &body;
  const size_t count = threads.count();
  while (lanes_.size() < count) lanes_.push_back(std::make_unique<Lane>());
  if (sharedBytes != sharedBytes_ || !shared_) {
    shared_.reset(new unsigned char[sharedBytes]);  // exactly what was asked: AddressSanitizer sees
                                                    // a byte beyond
    sharedBytes_ = sharedBytes;
  }
  std::memset(shared_.get(), kUnwritten, sharedBytes);
  shadow_.assign((sharedBytes + 3) / 4, Shadow{});
  warps_.assign((count + kWarp - 1) / kWarp, Warp{});
  epoch_ = 1;
  report_.clear();
  for (size_t i = 0; i < count; ++i) {
    Lane& lane = *lanes_[i];
    lane.block = this;
    lane.index = static_cast<int>(i);
    const unsigned flat = static_cast<unsigned>(i);
    lane.thread = {flat % threads.x, flat / threads.x % threads.y, flat / (threads.x * threads.y)};
    lane.state = Lane::State::ready;
    lane.fiber.start(
        [](void* argument) {
          Lane& self = *static_cast<Lane*>(argument);
          (*self.block->body_)();
          self.state = Lane::State::done;
          --self.block->running_;
        },
        &lane);
  }
  running_ = static_cast<int>(count);
  waiting_ = 0;
  Block* outer = current_;
  current_ = this;
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), 0);
  while (running_ > 0 && report_.empty()) {
    shuffle(order_, seed);
    bool moved = false;
    for (const int i : order_) {
      Lane& lane = *lanes_[static_cast<size_t>(i)];
      if (lane.state != Lane::State::ready) continue;
      moved = true;
      lane_ = &lane;
      lane.fiber.resume();
      if (!report_.empty()) break;
    }
    if (!moved && report_.empty()) report_ = deadlock();
  }
  current_ = outer;
  if (!report_.empty())
    throw Error("ERR_CUDA_DRIVER", "The emulated device stopped a kernel: " + report_);
}

std::string Block::deadlock() const {
  std::string places;
  const Place* seen = nullptr;
  int ended = 0;
  for (size_t i = 0; i < threads_.count(); ++i) {
    const Lane& lane = *lanes_[i];
    if (lane.state == Lane::State::done) {
      ++ended;
    } else if (!seen || !same(*seen, lane.place)) {
      seen = &lane.place;
      places += (places.empty() ? "" : ", ") + std::string("lane ") + std::to_string(i) +
                " waits at " + nameOf(lane.place);
    }
  }
  return "deadlock: " + places + "; " + std::to_string(ended) + " of " +
         std::to_string(threads_.count()) + " lanes have ended.";
}

void Block::wait(Lane::State state, Place place) {
  lane_->state = state;
  lane_->place = place;
  lane_->fiber.leave(false);
}

void Block::barrier(Place place) {
  if (waiting_ == 0) {
    barrierPlace_ = place;
  } else if (!same(barrierPlace_, place)) {
    fail("lanes of one block stand at different barriers, this one and " + nameOf(barrierPlace_),
         place);
  }
  if (static_cast<size_t>(running_) != threads_.count())
    fail("a barrier after some lanes of the block have ended", place);
  if (static_cast<size_t>(++waiting_) == threads_.count()) {
    // The last one opens it for all, and goes on when its turn comes like the others.
    waiting_ = 0;
    ++epoch_;
    for (size_t i = 0; i < threads_.count(); ++i) lanes_[i]->state = Lane::State::ready;
    lane_->fiber.leave(false);
    return;
  }
  wait(Lane::State::atBarrier, place);
}

const Words* Block::collective(uint32_t mask, const Words& value, bool orders, Place place) {
  Warp& group = warp();
  const int first = lane_->index / kWarp * kWarp, own = lane_->index % kWarp;
  if ((mask >> own & 1) == 0)
    fail("a lane calls a warp collective whose mask leaves it out", place);
  for (int i = 0; i < kWarp; ++i) {
    if ((mask >> i & 1) == 0) continue;
    const size_t at = static_cast<size_t>(first + i);
    if (at >= threads_.count() || lanes_[at]->state == Lane::State::done)
      fail("a warp collective waits for lane " + std::to_string(i) + ", which is not there", place);
    if ((group.arrived >> i & 1) == 0) continue;
    if (lanes_[at]->mask != mask) fail("lanes of one warp collective give different masks", place);
    if (!same(lanes_[at]->place, place))
      fail("lanes of one warp stand at different collectives, this one and " +
               nameOf(lanes_[at]->place),
           place);
  }
  const int turn = group.turn;
  group.values[turn][own] = value;
  group.arrived |= 1u << own;
  lane_->mask = mask;
  lane_->place = place;
  if (group.arrived == mask) {
    group.arrived = 0;
    group.turn ^= 1;
    if (orders) ++group.epoch;
    for (int i = 0; i < kWarp; ++i) {
      if (mask >> i & 1) lanes_[static_cast<size_t>(first + i)]->state = Lane::State::ready;
    }
    lane_->fiber.leave(false);
  } else {
    wait(Lane::State::atCollective, place);
  }
  return group.values[turn];
}

void Block::fail(const std::string& what, Place place) {
  report_ = what + ", at " + nameOf(place) + ", lane " + std::to_string(lane_->index) +
            " of block (" + std::to_string(index_.x) + ", " + std::to_string(index_.y) + ", " +
            std::to_string(index_.z) + ").";
  lane_->fiber.leave(true);
  std::abort();  // a lane that failed is never resumed
}

Shadow& Block::shadow(const void* cell, Place place) {
  const auto offset = static_cast<size_t>(static_cast<const unsigned char*>(cell) - shared_.get());
  if (offset + 4 > sharedBytes_) fail("an access outside the block's shared memory", place);
  return shadow_[offset / 4];
}

// Whether an access of lane `other` at those epochs comes before now for the running lane.
bool Block::ordered(int16_t other, uint32_t block, uint32_t warp) const {
  if (other < 0 || other == lane_->index || block < epoch_) return true;
  const int group = lane_->index / kWarp;
  return other / kWarp == group && warp < warps_[static_cast<size_t>(group)].epoch;
}

void Block::race(const char* what, int16_t other, const void* cell, Place place) {
  const auto offset = static_cast<size_t>(static_cast<const unsigned char*>(cell) - shared_.get());
  fail(std::string(what) + " lane " + std::to_string(other) + " with no barrier between (byte " +
           std::to_string(offset) + " of shared memory)",
       place);
}

void Block::noteRead(const void* cell, Place place) {
  Shadow& s = shadow(cell, place);
  if (s.writer < 0)
    fail("reads what no lane has written (byte " +
             std::to_string(static_cast<const unsigned char*>(cell) - shared_.get()) +
             " of shared memory)",
         place);
  if (!ordered(s.writer, s.writeBlock, s.writeWarp))
    race("reads what was written by", s.writer, cell, place);
  const uint32_t group = warps_[static_cast<size_t>(lane_->index / kWarp)].epoch;
  if (s.reader < 0 || s.readBlock != epoch_) {
    s.several = s.foreign = false;
  } else if (s.reader / kWarp != lane_->index / kWarp) {
    s.foreign = true;
  } else {
    s.several = s.readWarp == group && (s.several || s.reader != lane_->index);
  }
  s.reader = static_cast<int16_t>(lane_->index);
  s.readBlock = epoch_;
  s.readWarp = group;
}

void Block::noteWrite(const void* cell, Place place) {
  Shadow& s = shadow(cell, place);
  if (!ordered(s.writer, s.writeBlock, s.writeWarp))
    race("writes what was written by", s.writer, cell, place);
  const bool now = s.reader >= 0 && s.readBlock == epoch_;
  const bool several =
      s.several && s.readWarp == warps_[static_cast<size_t>(s.reader / kWarp)].epoch;
  if (!ordered(s.reader, s.readBlock, s.readWarp) || (now && (s.foreign || several)))
    race("writes what was read by", s.reader, cell, place);
  s.writer = static_cast<int16_t>(lane_->index);
  s.writeBlock = epoch_;
  s.writeWarp = warps_[static_cast<size_t>(lane_->index / kWarp)].epoch;
}

void runGrid(Dim3 grid, Dim3 threads, size_t sharedBytes, const std::function<void()>& body) {
  static const uint64_t seed = [] {
    const char* text = std::getenv("PSTMO_EMULATION_SEED");
    return text && *text ? std::strtoull(text, nullptr, 10) : 1ull;
  }();
  thread_local Block block;
  thread_local uint64_t launches = 0;
  uint64_t state = seed * 0x2545F4914F6CDD1Du + ++launches;
  std::vector<uint32_t> order(grid.count());
  std::iota(order.begin(), order.end(), 0u);
  shuffle(order, state);
  for (const uint32_t flat : order) {
    block.run(grid, {flat % grid.x, flat / grid.x % grid.y, flat / (grid.x * grid.y)}, threads,
              sharedBytes, nextRandom(state), body);
  }
}

}  // namespace pstmo::emulation
