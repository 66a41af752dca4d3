// What the CUDA backend uses of cuBLASLt, for the emulated device: opened at run time as the real
// one is. It holds callers to the library's rules: shapes that fit, types that go together,
// attributes of the right size, alignments as they were promised, workspace as it was asked for.
// PSTMO_EMULATION_LOG names a file that gets a line for each algorithm chosen and each product.
// PSTMO_EMULATION_REFUSES: an epilogue, as a number, for which there is no algorithm; "all": none
// for anything; "start": no handle.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../../native/cuda/cublaslt/cublaslt.h"
#include "../../native/emulation/stream.h"

using namespace pstmo::cuda::lt;

namespace pstmo::cuda::lt {

struct DescriptorData {
  ComputeType compute;
  int32_t transposeA = kPlain, transposeB = kPlain;
  uint32_t epilogue = kNoEpilogue;
  void* bias = nullptr;  // of the type of d
};
struct LayoutData {
  DataType type;
  uint64_t rows, columns;
  int64_t stride;
};
struct PreferenceData {
  uint64_t workspace = 0;
  uint32_t alignments[4] = {256, 256, 256, 256};
};

}  // namespace pstmo::cuda::lt

namespace {

constexpr size_t kWorkspace = 4096;

void note(const char* what, const DescriptorData& descriptor, const LayoutData& a,
          const LayoutData& d, uint64_t inner, bool adds) {
  const char* types = a.type == kFloat32 ? "" : d.type == kFloat32 ? "bf16 to fp32, " : "bf16, ";
  const char* file = std::getenv("PSTMO_EMULATION_LOG");
  if (file == nullptr || *file == 0) return;
  if (std::FILE* log = std::fopen(file, "a")) {
    std::fprintf(log, "%s %llu x %llu x %llu, compute %d, %sepilogue %u%s\n", what,
                 static_cast<unsigned long long>(d.columns),
                 static_cast<unsigned long long>(d.rows), static_cast<unsigned long long>(inner),
                 descriptor.compute, types, descriptor.epilogue, adds ? ", adds" : "");
    std::fclose(log);
  }
}

std::string refused() {
  const char* text = std::getenv("PSTMO_EMULATION_REFUSES");
  return text != nullptr ? text : "";
}

float cut(float value, ComputeType compute) {
  const int bits = compute == kCompute32FastTf32 ? 13 : compute == kCompute32FastBf16 ? 16 : 0;
  if (bits == 0 || !std::isfinite(value)) return value;
  uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  word += (uint32_t{1} << (bits - 1)) - 1 + (word >> bits & 1);
  word &= ~((uint32_t{1} << bits) - 1);
  std::memcpy(&value, &word, sizeof word);
  return value;
}

float elementOf(const void* from, DataType type, size_t i) {
  if (type == kFloat32) return static_cast<const float*>(from)[i];
  const uint32_t word = uint32_t{static_cast<const uint16_t*>(from)[i]} << 16;
  float value;
  std::memcpy(&value, &word, sizeof value);
  return value;
}

void setElement(void* to, DataType type, size_t i, float value) {
  if (type == kFloat32) {
    static_cast<float*>(to)[i] = value;
    return;
  }
  value = cut(value, kCompute32FastBf16);
  uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  static_cast<uint16_t*>(to)[i] = static_cast<uint16_t>(word >> 16);
}

// op(matrix) with the given index last along the inner dimension: (outer, inner), rounded as the
// arithmetic rounds.
std::vector<float> packed(const void* from, const LayoutData& layout, bool innerDown,
                          ComputeType compute) {
  const size_t outer = innerDown ? layout.columns : layout.rows,
               inner = innerDown ? layout.rows : layout.columns,
               stride = static_cast<size_t>(layout.stride);
  std::vector<float> values(outer * inner);
  for (size_t i = 0; i < outer; ++i) {
    for (size_t k = 0; k < inner; ++k)
      values[i * inner + k] =
          cut(elementOf(from, layout.type, innerDown ? i * stride + k : k * stride + i), compute);
  }
  return values;
}

struct Shapes {
  uint64_t rows, columns, inner;
  bool fit;
};

Shapes shapesOf(const DescriptorData& descriptor, const LayoutData& a, const LayoutData& b,
                const LayoutData& c, const LayoutData& d) {
  const bool turnA = descriptor.transposeA == kTransposed,
             turnB = descriptor.transposeB == kTransposed;
  const uint64_t innerA = turnA ? a.rows : a.columns, innerB = turnB ? b.columns : b.rows;
  const bool fit = innerA == innerB && (turnA ? a.columns : a.rows) == d.rows &&
                   (turnB ? b.rows : b.columns) == d.columns && c.rows == d.rows &&
                   c.columns == d.columns;
  return {d.rows, d.columns, innerA, fit};
}

// What the library multiplies: float32 to float32; bfloat16 to either, with the arithmetic that
// does not round it once more.
bool together(const DescriptorData& descriptor, const LayoutData& a, const LayoutData& b,
              const LayoutData& c, const LayoutData& d) {
  if (a.type != b.type || c.type != d.type) return false;
  return a.type == kFloat32 ? d.type == kFloat32 : descriptor.compute == kCompute32;
}

bool wide(const LayoutData& layout) { return layout.stride >= static_cast<int64_t>(layout.rows); }

void multiply(const DescriptorData& descriptor, const Shapes& shapes, const void* a,
              const LayoutData& la, const void* b, const LayoutData& lb, float beta, const void* c,
              const LayoutData& lc, void* d, const LayoutData& ld) {
  const auto left = packed(a, la, descriptor.transposeA == kTransposed, descriptor.compute);
  const auto right = packed(b, lb, descriptor.transposeB == kPlain, descriptor.compute);
  const size_t inner = shapes.inner;
  for (size_t j = 0; j < shapes.columns; ++j) {
    double total = 0;
    for (size_t k = 0; k < inner; ++k) total += static_cast<double>(right[j * inner + k]);
    if (descriptor.epilogue == kBiasGradientB)
      setElement(descriptor.bias, ld.type, j, static_cast<float>(total));
    for (size_t i = 0; i < shapes.rows; ++i) {
      float sums[8] = {};
      for (size_t k = 0; k < inner; ++k) sums[k % 8] += left[i * inner + k] * right[j * inner + k];
      float value =
          ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
      if (beta != 0) value += beta * elementOf(c, lc.type, j * static_cast<size_t>(lc.stride) + i);
      if (descriptor.epilogue == kBias || descriptor.epilogue == kReluBias)
        value += elementOf(descriptor.bias, ld.type, i);
      if ((descriptor.epilogue == kRelu || descriptor.epilogue == kReluBias) && value < 0)
        value = 0;
      setElement(d, ld.type, j * static_cast<size_t>(ld.stride) + i, value);
    }
  }
}

template <typename Value>
Status assign(Value& value, const void* from, size_t bytes) {
  if (from == nullptr || bytes != sizeof value) return kInvalidValue;
  std::memcpy(&value, from, bytes);
  return kSuccess;
}

}  // namespace

extern "C" {

int cublasLtIsEmulated() { return 1; }
size_t cublasLtGetVersion() { return 130000; }

const char* cublasLtGetStatusString(Status status) {
  switch (status) {
    case kNotInitialized:
      return "the library was not initialized";
    case kInvalidValue:
      return "an unsupported value or parameter was passed to the function";
    case kNotSupported:
      return "the functionality requested is not supported";
    default:
      return "emulated status";
  }
}

Status cublasLtCreate(Handle* handle) {
  if (refused() == "start") return kNotInitialized;
  *handle = reinterpret_cast<Handle>(new char);
  return kSuccess;
}
Status cublasLtDestroy(Handle handle) {
  delete reinterpret_cast<char*>(handle);
  return kSuccess;
}

Status cublasLtMatmulDescCreate(Descriptor* descriptor, ComputeType compute, DataType scale) {
  if (scale != kFloat32 ||
      (compute != kCompute32 && compute != kCompute32FastTf32 && compute != kCompute32FastBf16))
    return kNotSupported;
  *descriptor = new DescriptorData{compute};
  return kSuccess;
}
Status cublasLtMatmulDescDestroy(Descriptor descriptor) {
  delete descriptor;
  return kSuccess;
}
Status cublasLtMatmulDescSetAttribute(Descriptor descriptor, DescriptorAttribute attribute,
                                      const void* value, size_t bytes) {
  switch (attribute) {
    case kTransposeA:
      return assign(descriptor->transposeA, value, bytes);
    case kTransposeB:
      return assign(descriptor->transposeB, value, bytes);
    case kEpilogue:
      return assign(descriptor->epilogue, value, bytes);
    case kBiasPointer:
      return assign(descriptor->bias, value, bytes);
  }
  return kInvalidValue;
}

Status cublasLtMatrixLayoutCreate(Layout* layout, DataType type, uint64_t rows, uint64_t columns,
                                  int64_t stride) {
  if (type != kFloat32 && type != kBrainFloat16) return kNotSupported;
  *layout = new LayoutData{type, rows, columns, stride};
  return kSuccess;
}
Status cublasLtMatrixLayoutDestroy(Layout layout) {
  delete layout;
  return kSuccess;
}

Status cublasLtMatmulPreferenceCreate(Preference* preference) {
  *preference = new PreferenceData;
  return kSuccess;
}
Status cublasLtMatmulPreferenceDestroy(Preference preference) {
  delete preference;
  return kSuccess;
}
Status cublasLtMatmulPreferenceSetAttribute(Preference preference, PreferenceAttribute attribute,
                                            const void* value, size_t bytes) {
  if (attribute == kMostWorkspace) return assign(preference->workspace, value, bytes);
  if (attribute < kAlignmentA || attribute > kAlignmentD) return kInvalidValue;
  return assign(preference->alignments[attribute - kAlignmentA], value, bytes);
}

Status cublasLtMatmulAlgoGetHeuristic(Handle, Descriptor descriptor, Layout a, Layout b, Layout c,
                                      Layout d, Preference preference, int wanted,
                                      Heuristic* results, int* found) {
  *found = 0;
  const Shapes shapes = shapesOf(*descriptor, *a, *b, *c, *d);
  if (wanted < 1 || !shapes.fit || !wide(*a) || !wide(*b) || !wide(*d)) return kInvalidValue;
  note("chosen", *descriptor, *a, *d, shapes.inner, false);
  if (refused() == "all" || refused() == std::to_string(descriptor->epilogue) ||
      preference->workspace < kWorkspace || !together(*descriptor, *a, *b, *c, *d)) {
    return kNotSupported;
  }
  results[0] = {};
  for (int i = 0; i < 4; ++i) results[0].algorithm.data[i] = preference->alignments[i];
  results[0].algorithm.data[4] = descriptor->epilogue;
  results[0].workspaceBytes = kWorkspace;
  results[0].state = kSuccess;
  *found = 1;
  return kSuccess;
}

Status cublasLtMatmul(Handle, Descriptor descriptor, const void* alpha, const void* a,
                      Layout layoutA, const void* b, Layout layoutB, const void* beta,
                      const void* c, Layout layoutC, void* d, Layout layoutD,
                      const Algorithm* algorithm, void* workspace, size_t workspaceBytes,
                      cudaStream_t stream) {
  const Shapes shapes = shapesOf(*descriptor, *layoutA, *layoutB, *layoutC, *layoutD);
  const float scale = *static_cast<const float*>(alpha), factor = *static_cast<const float*>(beta);
  const void* const operands[4] = {a, b, c, d};
  for (int i = 0; i < 4; ++i) {
    if (reinterpret_cast<uintptr_t>(operands[i]) % algorithm->data[i] != 0) return kInvalidValue;
  }
  const bool needsBias = (descriptor->epilogue & (kBias | kBiasGradientB)) != 0;
  if (!shapes.fit || scale != 1 || algorithm->data[4] != descriptor->epilogue ||
      workspace == nullptr || workspaceBytes < kWorkspace ||
      !together(*descriptor, *layoutA, *layoutB, *layoutC, *layoutD) ||
      (needsBias && descriptor->bias == nullptr)) {
    return kInvalidValue;
  }
  note("multiplied", *descriptor, *layoutA, *layoutD, shapes.inner, factor != 0);
  stream->submit(
      [=, held = *descriptor, la = *layoutA, lb = *layoutB, lc = *layoutC, ld = *layoutD] {
        std::memset(workspace, 0xFF, workspaceBytes);
        multiply(held, shapes, a, la, b, lb, factor, c, lc, d, ld);
      });
  return kSuccess;
}

}  // extern "C"
