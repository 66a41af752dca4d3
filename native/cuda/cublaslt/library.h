// Finds and opens cuBLASLt at run time.
#pragma once

#include <string>

#include "cublaslt.h"

namespace pstmo::cuda::lt {

struct Library {
  std::string file;  // as it was opened
  Functions functions = {};
  std::string version() const;  // "13.1.0"
};

struct Search {
  const Library* library = nullptr;  // stays open for the life of the process
  std::string reason;                // where there is none: the files tried
};

// The file `named`, alone; where it is empty, the file that the environment variable PSTMO_CUBLASLT
// names, alone; without it the first that opens of: the toolkit (CUDA_PATH, CUDA_HOME,
// /usr/local/cuda), a wheel of nvidia-cublas in the Python environment at hand (VIRTUAL_ENV,
// CONDA_PREFIX, the user's own), the loader's path.
Search findLibrary(const std::string& named);

}  // namespace pstmo::cuda::lt
