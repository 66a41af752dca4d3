// Declarations of the part of cuBLASLt that the project uses: a build needs no header of the
// library, which is opened at run time (library.h). test/native/cublaslt-declarations.cpp holds
// every line against the real header where one is found.
#pragma once

#include <device/stream.h>

#include <cstddef>
#include <cstdint>

namespace pstmo::cuda::lt {

using Handle = struct Context*;
using Descriptor = struct DescriptorData*;
using Layout = struct LayoutData*;
using Preference = struct PreferenceData*;

enum Status : int {
  kSuccess = 0,
  kNotInitialized = 1,
  kAllocFailed = 3,
  kInvalidValue = 7,
  kArchMismatch = 8,
  kExecutionFailed = 13,
  kNotSupported = 15
};
enum DataType : int { kFloat32 = 0, kBrainFloat16 = 14 };
enum ComputeType : int { kCompute32 = 68, kCompute32FastBf16 = 75, kCompute32FastTf32 = 77 };
enum Transpose : int { kPlain = 0, kTransposed = 1 };
enum Epilogue : int { kNoEpilogue = 1, kRelu = 2, kBias = 4, kReluBias = 6, kBiasGradientB = 512 };
enum DescriptorAttribute : int {
  kTransposeA = 3,
  kTransposeB = 4,
  kEpilogue = 7,
  kBiasPointer = 8
};
enum PreferenceAttribute : int {
  kMostWorkspace = 1,
  kAlignmentA = 5,
  kAlignmentB = 6,
  kAlignmentC = 7,
  kAlignmentD = 8
};

struct Algorithm {
  uint64_t data[8];
};
struct Heuristic {
  Algorithm algorithm;
  size_t workspaceBytes;
  Status state;
  float waves;
  int reserved[4];
};

// The library's functions, under the names that follow "cublasLt". Matrices are column-major.
struct Functions {
  size_t (*GetVersion)();
  const char* (*GetStatusString)(Status);
  Status (*Create)(Handle*);
  Status (*Destroy)(Handle);
  Status (*MatmulDescCreate)(Descriptor*, ComputeType, DataType scale);
  Status (*MatmulDescDestroy)(Descriptor);
  Status (*MatmulDescSetAttribute)(Descriptor, DescriptorAttribute, const void*, size_t);
  Status (*MatrixLayoutCreate)(Layout*, DataType, uint64_t rows, uint64_t columns,
                               int64_t leadingDimension);
  Status (*MatrixLayoutDestroy)(Layout);
  Status (*MatmulPreferenceCreate)(Preference*);
  Status (*MatmulPreferenceDestroy)(Preference);
  Status (*MatmulPreferenceSetAttribute)(Preference, PreferenceAttribute, const void*, size_t);
  Status (*MatmulAlgoGetHeuristic)(Handle, Descriptor, Layout a, Layout b, Layout c, Layout d,
                                   Preference, int wanted, Heuristic*, int* found);
  // d = epilogue(alpha op(a) op(b) + beta c).
  Status (*Matmul)(Handle, Descriptor, const void* alpha, const void* a, Layout, const void* b,
                   Layout, const void* beta, const void* c, Layout, void* d, Layout,
                   const Algorithm*, void* workspace, size_t workspaceBytes, cudaStream_t);
};

}  // namespace pstmo::cuda::lt
