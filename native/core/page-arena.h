// Memory for arrays that live together and are read again and again, taken piece by piece and freed
// as one. It lies in pages of 2 MB where the system gives them: a model's weights are some 5,000
// pages of 4 KB, more than a processor remembers the addresses of.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace pstmo {

class PageArena {
 public:
  PageArena() = default;
  PageArena(const PageArena&) = delete;
  PageArena& operator=(const PageArena&) = delete;
  ~PageArena();

  // Uninitialised, its first byte on a cache line. From any thread.
  void* take(size_t bytes);

 private:
  std::mutex mutex_;
  std::vector<char*> blocks_;
  char* free_ = nullptr;  // of the last block
  size_t left_ = 0;
};

}  // namespace pstmo
