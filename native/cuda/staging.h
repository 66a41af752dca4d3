// Copies between the host and the device through pinned memory, so that neither waits for the
// other: a ring of slots, each with the event that says when its copy is done. A slot that is still
// under way when its turn comes is waited for: the host is never more than the ring ahead of the
// device.
#pragma once

#include <device/runtime.h>

#include <cstddef>
#include <vector>

namespace pstmo::cuda {

class Staging {
 public:
  Staging() = default;
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Reads `host` before it returns.
  void copyIn(cudaStream_t stream, void* device, const void* host, size_t bytes);
  // `host` is written by the time finish returns.
  void copyOut(cudaStream_t stream, void* host, const void* device, size_t bytes);
  void finish();
  // Drops the copies that have not reached their host memory, which may be gone.
  void abandon();

 private:
  struct Slot {
    char* memory = nullptr;
    cudaEvent_t done = nullptr;
    bool underWay = false;
    void* host = nullptr;  // where to put it when it is done
    size_t bytes = 0;
  };

  Slot& take();
  void materialize(Slot& slot);
  void allocate();

  char* memory_ = nullptr;
  std::vector<Slot> slots_;
  size_t next_ = 0;
};

}  // namespace pstmo::cuda
