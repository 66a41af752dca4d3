#include "matmul.h"

namespace pstmo::cuda {
namespace {

constexpr uint64_t kMostWorkspace = uint64_t{32} << 20;

// The largest power of two that divides an address, up to 256.
int alignmentOf(const void* address) {
  const auto low = reinterpret_cast<uintptr_t>(address) & 255;
  return low == 0 ? 256 : static_cast<int>(low & (~low + 1));
}

lt::DataType typeOf(const ConstActivations& array) {
  return array.storage == Storage::bfloat16 ? lt::kBrainFloat16 : lt::kFloat32;
}

// bfloat16 as it lies in memory is multiplied as it is; float32 is rounded on the way.
lt::ComputeType computeOf(Precision precision, lt::DataType type) {
  if (type == lt::kBrainFloat16) return lt::kCompute32;
  switch (precision) {
    case Precision::tf32:
      return lt::kCompute32FastTf32;
    case Precision::bf16:
      return lt::kCompute32FastBf16;
    default:
      return lt::kCompute32;
  }
}

}  // namespace

// The library is column-major: it sees the transposed product, d^T (columns, rows) = right^T
// left^T.
struct MatmulLibrary::Prepared {
  explicit Prepared(const lt::Functions& functions_) : functions(functions_) {}
  ~Prepared() {
    for (const lt::Layout layout : {a, b, d}) {
      if (layout) (void)functions.MatrixLayoutDestroy(layout);
    }
    if (descriptor) (void)functions.MatmulDescDestroy(descriptor);
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  const lt::Functions& functions;
  lt::Descriptor descriptor = nullptr;
  lt::Layout a = nullptr, b = nullptr, d = nullptr;
  lt::Heuristic choice = {};
  bool found = false;
};

MatmulLibrary::MatmulLibrary(const lt::Library& library) : library_(library) {
  check(library_.functions.Create(&handle_), "starting");
}

MatmulLibrary::~MatmulLibrary() {
  prepared_.clear();
  (void)library_.functions.Destroy(handle_);
}

void MatmulLibrary::check(lt::Status status, const char* doing) const {
  if (status == lt::kSuccess) return;
  throw Error(status == lt::kAllocFailed ? "ERR_CUDA_OOM" : "ERR_CUDA_DRIVER",
              "cuBLASLt (" + library_.file + ") said \"" +
                  library_.functions.GetStatusString(status) + "\" while " + doing +
                  "; matmul \"own\" does without it.");
}

MatmulLibrary::Prepared& MatmulLibrary::prepare(const Key& key, const void* bias) {
  std::unique_ptr<Prepared>& kept = prepared_[key];
  if (kept) return *kept;
  const lt::Functions& f = library_.functions;
  auto prepared = std::make_unique<Prepared>(f);
  const auto rows = static_cast<uint64_t>(key.rows), columns = static_cast<uint64_t>(key.columns),
             inner = static_cast<uint64_t>(key.inner);
  const char* const doing = "describing a product";
  const auto set = [&](lt::DescriptorAttribute attribute, const auto& value) {
    check(f.MatmulDescSetAttribute(prepared->descriptor, attribute, &value, sizeof value), doing);
  };
  check(f.MatmulDescCreate(&prepared->descriptor, static_cast<lt::ComputeType>(key.compute),
                           lt::kFloat32),
        doing);
  set(lt::kTransposeA, static_cast<int32_t>(key.rightInnerFirst ? lt::kTransposed : lt::kPlain));
  set(lt::kTransposeB, static_cast<int32_t>(key.leftInnerFirst ? lt::kPlain : lt::kTransposed));
  set(lt::kEpilogue, static_cast<uint32_t>(key.epilogue));
  if (bias) set(lt::kBiasPointer, bias);
  const auto inType = static_cast<lt::DataType>(key.inType),
             outType = static_cast<lt::DataType>(key.outType);
  check(f.MatrixLayoutCreate(&prepared->a, inType, key.rightInnerFirst ? inner : columns,
                             key.rightInnerFirst ? columns : inner, key.rightStride),
        doing);
  check(f.MatrixLayoutCreate(&prepared->b, inType, key.leftInnerFirst ? inner : rows,
                             key.leftInnerFirst ? rows : inner, key.leftStride),
        doing);
  check(f.MatrixLayoutCreate(&prepared->d, outType, columns, rows, key.columns), doing);

  struct Wishes {
    const lt::Functions& functions;
    lt::Preference preference = nullptr;
    ~Wishes() {
      if (preference) (void)functions.MatmulPreferenceDestroy(preference);
    }
  } wishes{f};
  check(f.MatmulPreferenceCreate(&wishes.preference), doing);
  check(f.MatmulPreferenceSetAttribute(wishes.preference, lt::kMostWorkspace, &kMostWorkspace,
                                       sizeof kMostWorkspace),
        doing);
  for (int i = 0; i < 4; ++i) {
    const auto alignment = static_cast<uint32_t>(key.alignments[i]);
    check(f.MatmulPreferenceSetAttribute(wishes.preference,
                                         static_cast<lt::PreferenceAttribute>(lt::kAlignmentA + i),
                                         &alignment, sizeof alignment),
          doing);
  }
  int found = 0;
  const lt::Status status =
      f.MatmulAlgoGetHeuristic(handle_, prepared->descriptor, prepared->a, prepared->b, prepared->d,
                               prepared->d, wishes.preference, 1, &prepared->choice, &found);
  if (status != lt::kNotSupported && status != lt::kInvalidValue)
    check(status, "choosing an algorithm");
  prepared->found = status == lt::kSuccess && found > 0 && prepared->choice.state == lt::kSuccess;
  kept = std::move(prepared);
  return *kept;
}

bool MatmulLibrary::run(cudaStream_t stream, Precision precision, const LibraryMatmul& product) {
  const int epilogue = product.leftSums ? lt::kBiasGradientB
                       : product.bias   ? (product.relu ? lt::kReluBias : lt::kBias)
                       : product.relu   ? lt::kRelu
                                        : lt::kNoEpilogue;
  const void* const bias = product.leftSums ? product.leftSums : product.bias.data;
  const void* const added = product.added ? product.added.data : product.d.data;
  const lt::DataType inType = typeOf(product.left.data), outType = typeOf(product.d);
  const Key key{product.rows,
                product.columns,
                product.inner,
                product.left.stride,
                product.right.stride,
                epilogue,
                computeOf(precision, inType),
                inType,
                outType,
                {alignmentOf(product.right.data.data), alignmentOf(product.left.data.data),
                 alignmentOf(added), alignmentOf(product.d.data)},
                product.left.innerFirst,
                product.right.innerFirst,
                bool(product.added)};
  Prepared& prepared = prepare(key, bias);
  if (!prepared.found) return false;
  const lt::Functions& f = library_.functions;
  if (bias)
    check(f.MatmulDescSetAttribute(prepared.descriptor, lt::kBiasPointer, &bias, sizeof bias),
          "describing a product");
  const float one = 1, beta = product.added ? 1.0f : 0.0f;
  void* workspace = workspace_.bytes(prepared.choice.workspaceBytes);
  check(f.Matmul(handle_, prepared.descriptor, &one, product.right.data.data, prepared.a,
                 product.left.data.data, prepared.b, &beta, added, prepared.d, product.d.data,
                 prepared.d, &prepared.choice.algorithm, workspace, prepared.choice.workspaceBytes,
                 stream),
        "multiplying");
  return true;
}

}  // namespace pstmo::cuda
