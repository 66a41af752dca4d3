// Holds native/cuda/cublaslt/cublaslt.h against the real header: compiled, never run.
#include <cublasLt.h>

#include <type_traits>

#include "../../native/cuda/cublaslt/cublaslt.h"

namespace lt = pstmo::cuda::lt;

// As many parameters, and each passed the same way: a pointer, a floating-point number, or a whole
// number of the same size.
template <typename One, typename Other>
constexpr bool passedAlike =
    sizeof(One) == sizeof(Other) && std::is_pointer_v<One> == std::is_pointer_v<Other> &&
    std::is_floating_point_v<One> == std::is_floating_point_v<Other>;

template <typename One, typename Other>
constexpr bool sameAbi = false;
template <typename One, typename... Ones, typename Other, typename... Others>
constexpr bool sameAbi<One (*)(Ones...), Other (*)(Others...)> = [] {
  if constexpr (sizeof...(Ones) != sizeof...(Others))
    return false;
  else
    return passedAlike<One, Other> && (passedAlike<Ones, Others> && ...);
}();

#define HOLDS(name) \
  static_assert(sameAbi<decltype(&cublasLt##name), decltype(lt::Functions::name)>, #name)
HOLDS(GetVersion);
HOLDS(GetStatusString);
HOLDS(Create);
HOLDS(Destroy);
HOLDS(MatmulDescCreate);
HOLDS(MatmulDescDestroy);
HOLDS(MatmulDescSetAttribute);
HOLDS(MatrixLayoutCreate);
HOLDS(MatrixLayoutDestroy);
HOLDS(MatmulPreferenceCreate);
HOLDS(MatmulPreferenceDestroy);
HOLDS(MatmulPreferenceSetAttribute);
HOLDS(MatmulAlgoGetHeuristic);
HOLDS(Matmul);

static_assert(sizeof(lt::Functions) == 14 * sizeof(void*), "a function without a line above");
static_assert(sizeof(lt::Algorithm) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(lt::Heuristic) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(lt::Heuristic, workspaceBytes) ==
              offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(lt::Heuristic, state) == offsetof(cublasLtMatmulHeuristicResult_t, state));
static_assert(offsetof(lt::Heuristic, waves) ==
              offsetof(cublasLtMatmulHeuristicResult_t, wavesCount));

#define SAME(ours, theirs) \
  static_assert(static_cast<int>(lt::ours) == static_cast<int>(theirs), #ours)
SAME(kSuccess, CUBLAS_STATUS_SUCCESS);
SAME(kNotInitialized, CUBLAS_STATUS_NOT_INITIALIZED);
SAME(kAllocFailed, CUBLAS_STATUS_ALLOC_FAILED);
SAME(kInvalidValue, CUBLAS_STATUS_INVALID_VALUE);
SAME(kArchMismatch, CUBLAS_STATUS_ARCH_MISMATCH);
SAME(kExecutionFailed, CUBLAS_STATUS_EXECUTION_FAILED);
SAME(kNotSupported, CUBLAS_STATUS_NOT_SUPPORTED);
SAME(kFloat32, CUDA_R_32F);
SAME(kBrainFloat16, CUDA_R_16BF);
SAME(kCompute32, CUBLAS_COMPUTE_32F);
SAME(kCompute32FastBf16, CUBLAS_COMPUTE_32F_FAST_16BF);
SAME(kCompute32FastTf32, CUBLAS_COMPUTE_32F_FAST_TF32);
SAME(kPlain, CUBLAS_OP_N);
SAME(kTransposed, CUBLAS_OP_T);
SAME(kNoEpilogue, CUBLASLT_EPILOGUE_DEFAULT);
SAME(kRelu, CUBLASLT_EPILOGUE_RELU);
SAME(kBias, CUBLASLT_EPILOGUE_BIAS);
SAME(kReluBias, CUBLASLT_EPILOGUE_RELU_BIAS);
SAME(kBiasGradientB, CUBLASLT_EPILOGUE_BGRADB);
SAME(kTransposeA, CUBLASLT_MATMUL_DESC_TRANSA);
SAME(kTransposeB, CUBLASLT_MATMUL_DESC_TRANSB);
SAME(kEpilogue, CUBLASLT_MATMUL_DESC_EPILOGUE);
SAME(kBiasPointer, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
SAME(kMostWorkspace, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
SAME(kAlignmentA, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
SAME(kAlignmentB, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
SAME(kAlignmentC, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
SAME(kAlignmentD, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
