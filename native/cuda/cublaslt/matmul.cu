#include "matmul.h"

namespace pstmo::cuda {
namespace {

constexpr uint64_t kMostWorkspace = uint64_t{32} << 20;

// What an address is a multiple of, up to 256 bytes.
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
struct LibraryProducts::Plan {
  explicit Plan(const lt::Functions& functions_) : functions(functions_) {}
  ~Plan() {
    for (const lt::Layout layout : {a, b, d}) {
      if (layout) (void)functions.MatrixLayoutDestroy(layout);
    }
    if (descriptor) (void)functions.MatmulDescDestroy(descriptor);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const lt::Functions& functions;
  lt::Descriptor descriptor = nullptr;
  lt::Layout a = nullptr, b = nullptr, d = nullptr;
  lt::Heuristic choice = {};
  bool found = false;
};

LibraryProducts::LibraryProducts(const lt::Library& library) : library_(library) {
  check(library_.functions.Create(&handle_), "starting");
}

LibraryProducts::~LibraryProducts() {
  plans_.clear();
  (void)library_.functions.Destroy(handle_);
}

void LibraryProducts::check(lt::Status status, const char* doing) const {
  if (status == lt::kSuccess) return;
  throw Error(status == lt::kAllocFailed ? "ERR_CUDA_OOM" : "ERR_CUDA_DRIVER",
              "cuBLASLt (" + library_.file + ") said \"" +
                  library_.functions.GetStatusString(status) + "\" while " + doing +
                  "; products \"own\" does without it.");
}

LibraryProducts::Plan& LibraryProducts::planOf(const Key& key, const void* bias) {
  std::unique_ptr<Plan>& kept = plans_[key];
  if (kept) return *kept;
  const lt::Functions& f = library_.functions;
  auto plan = std::make_unique<Plan>(f);
  const auto rows = static_cast<uint64_t>(key.rows), columns = static_cast<uint64_t>(key.columns),
             inner = static_cast<uint64_t>(key.inner);
  const char* const doing = "describing a product";
  const auto set = [&](lt::DescriptorAttribute attribute, const auto& value) {
    check(f.MatmulDescSetAttribute(plan->descriptor, attribute, &value, sizeof value), doing);
  };
  check(f.MatmulDescCreate(&plan->descriptor, static_cast<lt::ComputeType>(key.compute),
                           lt::kFloat32),
        doing);
  set(lt::kTransposeA, static_cast<int32_t>(key.rightInnerFirst ? lt::kTransposed : lt::kPlain));
  set(lt::kTransposeB, static_cast<int32_t>(key.leftInnerFirst ? lt::kPlain : lt::kTransposed));
  set(lt::kEpilogue, static_cast<uint32_t>(key.epilogue));
  if (bias) set(lt::kBiasPointer, bias);
  const auto inType = static_cast<lt::DataType>(key.inType),
             outType = static_cast<lt::DataType>(key.outType);
  check(f.MatrixLayoutCreate(&plan->a, inType, key.rightInnerFirst ? inner : columns,
                             key.rightInnerFirst ? columns : inner, key.rightStride),
        doing);
  check(f.MatrixLayoutCreate(&plan->b, inType, key.leftInnerFirst ? inner : rows,
                             key.leftInnerFirst ? rows : inner, key.leftStride),
        doing);
  check(f.MatrixLayoutCreate(&plan->d, outType, columns, rows, key.columns), doing);

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
      f.MatmulAlgoGetHeuristic(handle_, plan->descriptor, plan->a, plan->b, plan->d, plan->d,
                               wishes.preference, 1, &plan->choice, &found);
  if (status != lt::kNotSupported && status != lt::kInvalidValue)
    check(status, "choosing an algorithm");
  plan->found = status == lt::kSuccess && found > 0 && plan->choice.state == lt::kSuccess;
  kept = std::move(plan);
  return *kept;
}

bool LibraryProducts::run(cudaStream_t stream, Precision precision, const LibraryProduct& product) {
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
  Plan& plan = planOf(key, bias);
  if (!plan.found) return false;
  const lt::Functions& f = library_.functions;
  if (bias)
    check(f.MatmulDescSetAttribute(plan.descriptor, lt::kBiasPointer, &bias, sizeof bias),
          "describing a product");
  const float one = 1, beta = product.added ? 1.0f : 0.0f;
  void* workspace = workspace_.bytes(plan.choice.workspaceBytes);
  check(f.Matmul(handle_, plan.descriptor, &one, product.right.data.data, plan.a,
                 product.left.data.data, plan.b, &beta, added, plan.d, product.d.data, plan.d,
                 &plan.choice.algorithm, workspace, plan.choice.workspaceBytes, stream),
        "multiplying");
  return true;
}

}  // namespace pstmo::cuda
