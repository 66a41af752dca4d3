// Matmuls by cuBLASLt: which description of a matmul the library gets, and the algorithm it
// chose, kept for each shape.
#pragma once

#include <device/runtime.h>

#include <compare>
#include <map>
#include <memory>
#include <string>

#include "../../ops/backend.h"
#include "../scratch.h"
#include "library.h"

namespace pstmo::cuda {

// Element i (row of the left operand, column of the right one) at inner index k: data[i * stride +
// k], or data[k * stride + i].
struct LibraryOperand {
  ConstActivations data;
  int64_t stride;
  bool innerFirst;  // the first of the two
};

// d (rows, columns) = relu(left right + added + bias), each but the matmul where it is asked for.
// Both operands are of one type, `added` and `bias` of that of d, which is bfloat16 where the
// operands are alone.
struct LibraryMatmul {
  int64_t rows, columns, inner;
  LibraryOperand left, right;
  Activations d;
  ConstActivations added = {};  // (rows, columns); may be d
  ConstActivations bias = {};   // (columns)
  bool relu = false;
  float* leftSums =
      nullptr;  // (rows) = sums of the left operand over the inner index; without bias and relu
};

class MatmulLibrary {
 public:
  // Throws Error where the library cannot be used on this thread's device.
  explicit MatmulLibrary(const lt::Library& library);
  ~MatmulLibrary();
  MatmulLibrary(const MatmulLibrary&) = delete;
  MatmulLibrary& operator=(const MatmulLibrary&) = delete;

  const lt::Library& library() const { return library_; }
  // False where the library has no algorithm for it: then nothing was done.
  bool run(cudaStream_t stream, Precision precision, const LibraryMatmul& product);
  const void* workspace() const { return workspace_.data(); }

 private:
  struct Key {
    int64_t rows, columns, inner, leftStride, rightStride;
    int epilogue, compute, inType, outType, alignments[4];
    bool leftInnerFirst, rightInnerFirst, adds;
    auto operator<=>(const Key&) const = default;
  };
  struct Prepared;

  Prepared& prepare(const Key& key, const void* bias);
  void check(lt::Status status, const char* doing) const;

  const lt::Library& library_;
  lt::Handle handle_ = nullptr;
  std::map<Key, std::unique_ptr<Prepared>> prepared_;
  Scratch workspace_;
};

}  // namespace pstmo::cuda
