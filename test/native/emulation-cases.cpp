// Kernels that are right, and kernels with one fault each: prints for each what the emulated device
// says of it. CUDA leaves all of the faults undefined, and most of them would pass on a real device
// now and then.
#include <device/ptx.h>

#include <cstdio>
#include <cstdlib>

namespace pstmo::cuda {

void check(cudaError_t, const std::string&) {}
void allowSharedBytes(const void*, size_t) {}

namespace {

struct Smem {
  SharedArray<float, 64> cells;
};

int thread() { return static_cast<int>(threadIdx.x); }
Smem& shared() { return sharedMemory<Smem>(); }

void rightByBarrier(float* y) {
  shared().cells.put(thread(), 1.0f);
  __syncthreads();
  y[thread()] = shared().cells.get(63 - thread());
}
void rightByWarp(float* y) {
  shared().cells.put(thread(), 1.0f);
  syncWarp();
  y[thread()] = shared().cells.get(thread() ^ 1);
  syncWarp();
  shared().cells.put(thread(), 2.0f);
}
void noBarrier(float* y) {
  shared().cells.put(thread(), 1.0f);
  y[thread()] = shared().cells.get(63 - thread());
}
void noBarrierBeforeNextWrite(float* y) {
  shared().cells.put(thread(), 1.0f);
  __syncthreads();
  y[thread()] = shared().cells.get(63 - thread());
  shared().cells.put(thread(), 2.0f);
}
void noSyncWarp(float* y) {
  shared().cells.put(thread(), 1.0f);
  y[thread()] = shared().cells.get(thread() ^ 1);
}
void writeAfterSeveralReads(float* y) {
  if (thread() == 0) shared().cells.put(0, 1.0f);
  __syncthreads();
  y[thread()] = shared().cells.get(0);
  if (thread() == 0) shared().cells.put(0, 2.0f);
}
void differentBarriers(float*) {
  if (thread() < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
void barrierAfterSomeEnded(float*) {
  if (thread() < 5) return;
  __syncthreads();
}
void halfAWarp(float*) {
  if (thread() % 32 < 16) syncWarp();
}
void waitForEachOther(float*) {
  if (thread() < 16) {
    __syncthreads();
  } else {
    syncWarp();
  }
}
void collective(uint32_t mask) {
  emulation::Block::current().collective(mask, {}, true, emulation::Place::current());
}
void maskWithoutItself(float*) { collective(0x0000FFFFu); }
void differentMasks(float*) { collective(thread() % 32 < 16 ? kAllLanes : 0xFFFF0000u); }
void readBeforeWritten(float* y) { y[thread()] = shared().cells.get(thread()); }
void outsideAnArray(float*) { shared().cells.put(thread() + 1, 0.0f); }
void beyondAnAllocation(float* y) { y[thread() + 1] = 0.0f; }
void beforeAnAllocation(float* y) { y[thread() - 1] = 0.0f; }
void computedBeyond(float* y) { y[thread() + 1] = y[thread() + 65] * 0.5f; }
void copiedBeyond(float* y) { y[thread() + 1] = y[thread() + 65]; }

struct CopySmem {
  uint32_t words[SharedWords::size(64, 4)];
};
SharedWords copied() { return {sharedMemory<CopySmem>().words, 64, 4}; }
void copyOwn(AsyncCopies& copies, const float* y) {
  copies.copy4(copied(), thread(), 0, reinterpret_cast<const uint32_t*>(y) + thread() / 4 * 4,
               true);
}
void rightByCopies(float* y) {
  AsyncCopies copies;
  copyOwn(copies, y);
  copies.land();
  __syncthreads();
  (void)copied().get(63 - thread(), 0);
}
void copyWithoutBarrier(float* y) {
  AsyncCopies copies;
  copyOwn(copies, y);
  copies.land();
  (void)copied().get(63 - thread(), 0);
}
// The barrier is there, but who copied has not waited: nothing stops the kernel, and what it reads
// is spoiled.
void copyReadTooEarly(float* y) {
  AsyncCopies copies;
  copyOwn(copies, y);
  __syncthreads();
  if (copied().get(thread(), 0) == 0xFFFFFFFFu)
    emulation::Block::current().fail("read a copy that has not landed",
                                     emulation::Place::current());
}
void copyOverWhatIsRead(float* y) {
  AsyncCopies copies;
  copyOwn(copies, y);
  copies.land();
  __syncthreads();
  (void)copied().get(63 - thread(), 0);
  copyOwn(copies, y);
}
void copyFromOddAddress(float* y) {
  AsyncCopies copies;
  copies.copy4(copied(), thread(), 0, reinterpret_cast<const uint32_t*>(y) + 1, true);
}
void copyToOddColumn(float* y) {
  AsyncCopies copies;
  copies.copy4(copied(), thread(), 2, reinterpret_cast<const uint32_t*>(y), true);
}

void say(const char* name, void (*kernel)(float*)) {
  void* memory = nullptr;
  if (cudaMalloc(&memory, 64 * sizeof(float)) != cudaSuccess) std::abort();
  try {
    launch(kernel, dim3(1), dim3(64), sizeof(Smem) + sizeof(CopySmem), nullptr,
           static_cast<float*>(memory));
    std::printf("%s: passes\n", name);
  } catch (const Error& error) {
    std::printf("%s: %s\n", name, error.what());
  }
  (void)cudaFree(memory);
}

}  // namespace
}  // namespace pstmo::cuda

int main() {
  using namespace pstmo::cuda;
  say("rightByBarrier", rightByBarrier);
  say("rightByWarp", rightByWarp);
  say("noBarrier", noBarrier);
  say("noBarrierBeforeNextWrite", noBarrierBeforeNextWrite);
  say("noSyncWarp", noSyncWarp);
  say("writeAfterSeveralReads", writeAfterSeveralReads);
  say("differentBarriers", differentBarriers);
  say("barrierAfterSomeEnded", barrierAfterSomeEnded);
  say("halfAWarp", halfAWarp);
  say("waitForEachOther", waitForEachOther);
  say("maskWithoutItself", maskWithoutItself);
  say("differentMasks", differentMasks);
  say("readBeforeWritten", readBeforeWritten);
  say("outsideAnArray", outsideAnArray);
  say("beyondAnAllocation", beyondAnAllocation);
  say("beforeAnAllocation", beforeAnAllocation);
  say("computedBeyond", computedBeyond);
  say("copiedBeyond", copiedBeyond);
  say("rightByCopies", rightByCopies);
  say("copyWithoutBarrier", copyWithoutBarrier);
  say("copyReadTooEarly", copyReadTooEarly);
  say("copyOverWhatIsRead", copyOverWhatIsRead);
  say("copyFromOddAddress", copyFromOddAddress);
  say("copyToOddColumn", copyToOddColumn);
}
