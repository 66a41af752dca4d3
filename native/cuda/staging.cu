#include "staging.h"

#include <algorithm>
#include <cstring>

namespace pstmo::cuda {
namespace {

constexpr size_t kSlots = 8, kSlotBytes = size_t{512} << 10;

// part(offset, size) for each piece of `bytes` that fits a slot.
template <typename Part>
void inSlots(size_t bytes, const Part& part) {
  for (size_t offset = 0; offset < bytes; offset += kSlotBytes)
    part(offset, std::min(kSlotBytes, bytes - offset));
}

}  // namespace

Staging::~Staging() {
  for (const Slot& slot : slots_) (void)cudaEventDestroy(slot.done);
  (void)cudaFreeHost(memory_);
}

void Staging::allocate() {
  void* memory = nullptr;
  check(cudaHostAlloc(&memory, kSlots * kSlotBytes, cudaHostAllocDefault),
        "asking for pinned memory");
  memory_ = static_cast<char*>(memory);
  for (size_t i = 0; i < kSlots; ++i) {
    Slot slot;
    slot.memory = memory_ + i * kSlotBytes;
    check(cudaEventCreateWithFlags(&slot.done, cudaEventDisableTiming), "making an event");
    slots_.push_back(slot);
  }
}

void Staging::materialize(Slot& slot) {
  if (!slot.underWay) return;
  slot.underWay = false;
  void* const host = slot.host;
  slot.host = nullptr;
  check(cudaEventSynchronize(slot.done), "waiting for the GPU");
  if (host) std::memcpy(host, slot.memory, slot.bytes);
}

Staging::Slot& Staging::take() {
  if (slots_.size() < kSlots) allocate();
  Slot& slot = slots_[next_];
  next_ = (next_ + 1) % kSlots;
  materialize(slot);
  return slot;
}

void Staging::copyIn(cudaStream_t stream, void* device, const void* host, size_t bytes) {
  inSlots(bytes, [&](size_t offset, size_t size) {
    Slot& slot = take();
    std::memcpy(slot.memory, static_cast<const char*>(host) + offset, size);
    check(cudaMemcpyAsync(static_cast<char*>(device) + offset, slot.memory, size,
                          cudaMemcpyHostToDevice, stream),
          "copying to the GPU");
    check(cudaEventRecord(slot.done, stream), "marking a copy");
    slot.underWay = true;
  });
}

void Staging::copyOut(cudaStream_t stream, void* host, const void* device, size_t bytes) {
  inSlots(bytes, [&](size_t offset, size_t size) {
    Slot& slot = take();
    check(cudaMemcpyAsync(slot.memory, static_cast<const char*>(device) + offset, size,
                          cudaMemcpyDeviceToHost, stream),
          "copying from the GPU");
    check(cudaEventRecord(slot.done, stream), "marking a copy");
    slot.underWay = true;
    slot.host = static_cast<char*>(host) + offset;
    slot.bytes = size;
  });
}

void Staging::finish() {
  for (size_t i = 0; i < slots_.size(); ++i) materialize(slots_[(next_ + i) % slots_.size()]);
}

void Staging::abandon() {
  for (Slot& slot : slots_) slot.host = nullptr;
}

}  // namespace pstmo::cuda
