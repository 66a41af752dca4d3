// One lane of an emulated block: its stack, and the way onto it and back.
#pragma once

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace pstmo::emulation {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() calls entry(argument) on the fiber's own stack. Earlier work there is
  // dropped.
  void start(void (*entry)(void*), void* argument);
  // From the thread's stack: runs the fiber until it leaves.
  void resume();
  // From the fiber: back to resume(). `last`: it will not be resumed again before the next start().
  void leave(bool last);

 private:
  static void enter(Fiber* fiber);

  char* stack_;
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
#if defined(__x86_64__)
  void* own_ = nullptr;     // stack pointer of the fiber while it waits
  void* caller_ = nullptr;  // and of who resumed it
#else
  ucontext_t own_, caller_;
#endif
#if defined(__SANITIZE_ADDRESS__)
  void* ownShadow_ = nullptr;
  void* callerShadow_ = nullptr;
  const void* callerStack_ = nullptr;
  size_t callerSize_ = 0;
#endif
};

}  // namespace pstmo::emulation
