// A stream of the emulated device: work waits in it until somebody waits for the stream, as late as
// CUDA may run it, so that memory that is read or written too early shows.
#pragma once

#include <functional>

struct EmulatedStream {
  virtual ~EmulatedStream() = default;
  // Runs `work` later, or records it where the stream is being recorded. Its exceptions come out
  // where the stream is waited for.
  virtual void submit(std::function<void()> work) = 0;
};
