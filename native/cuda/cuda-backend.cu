// Devices, memory, and status turned into errors.
#include "cuda-device.h"
#include "kernels/elementwise.h"

#include <cstdlib>

namespace pstmo {

namespace cuda {
namespace {

constexpr int kSmallestArch = 80;

std::string versionOf(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string megabytes(size_t bytes) { return std::to_string(bytes >> 20) + " MB"; }

const char* codeOf(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return "ERR_CUDA_OOM";
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
      return "ERR_NO_CUDA";
    case cudaErrorNoKernelImageForDevice:
      return "ERR_CUDA_ARCH";
    default:
      return "ERR_CUDA_DRIVER";
  }
}

// Asks whether the binary has code for a device.
struct Nothing {
  __device__ void operator()(int64_t) const {}
};

const char* const kLostContext =
    " The process has lost its CUDA context: models on the CPU go on, those on the GPU need a new "
    "process.";

CudaState refused(cudaError_t status, const std::string& reason) {
  (void)cudaGetLastError();  // a refusal must not fail the next call
  return {true, false, codeOf(status),
          status == cudaErrorIllegalAddress ? reason + kLostContext : reason};
}

void* allocateBytes(size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for the free memory");
    throw Error("ERR_CUDA_OOM", "The GPU could not give " + std::to_string(bytes) + " bytes (" +
                                    megabytes(bytes) + "): " + megabytes(free) + " of its " +
                                    megabytes(total) + " are free.");
  }
  check(status, "asking for " + megabytes(bytes));
  return memory;
}

// The library that `matmul` of cuda-backend.h chooses; null: own kernels. reason: why, for
// "auto".
std::unique_ptr<MatmulLibrary> openMatmulLibrary(const std::string& matmul,
                                                 std::string* reason = nullptr) {
  if (matmul == "own") return nullptr;
  const bool required = matmul != "auto";
  const lt::Search found = lt::findLibrary(required && matmul != "cublaslt" ? matmul : "");
  std::string why = found.reason;
  if (found.library) {
    try {
      return std::make_unique<MatmulLibrary>(*found.library);
    } catch (const Error& error) {
      if (required) throw;
      why = error.what();
    }
  }
  if (required)
    throw Error("ERR_UNSUPPORTED",
                "matmul \"" + matmul + "\": no cuBLASLt could be opened (" + why +
                    "). PSTMO_CUBLASLT may name its file; matmul \"own\" does without it.");
  if (reason) *reason = why;
  return nullptr;
}

}  // namespace

void check(cudaError_t status, const std::string& doing) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();
  std::string message =
      std::string("CUDA said \"") + cudaGetErrorString(status) + "\" while " + doing + ".";
  if (status == cudaErrorIllegalAddress) message += kLostContext;
  throw Error(codeOf(status), message);
}

Scratch::~Scratch() { (void)cudaFree(data_); }

void* Scratch::bytes(size_t count) {
  if (count > bytes_) {
    check(cudaFree(data_), "freeing scratch memory");
    data_ = nullptr;
    bytes_ = 0;
    data_ = allocateBytes(count);
    bytes_ = count;
  }
  return data_;
}

CudaBackend::CudaBackend(int device, Precision precision, const std::string& matmul)
    : device_(device), precision_(precision) {
  const char* graphs = std::getenv("PSTMO_CUDA_GRAPHS");
  recordsSteps_ = graphs == nullptr || std::string(graphs) != "off";
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device),
        "asking what device " + std::to_string(device) + " is");
  name_ = properties.name;
  check(cudaSetDevice(device), "choosing device " + std::to_string(device));
  library_ = openMatmulLibrary(matmul);
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
}

CudaBackend::~CudaBackend() {
  (void)cudaSetDevice(device_);
  dropGraphs();
  (void)cudaFree(state_);
  (void)cudaStreamDestroy(stream_);
}

std::string CudaBackend::describe() const {
  return "CUDA device " + std::to_string(device_) + ", " + name_ + ", matmuls by " +
         (library_ ? "cuBLASLt " + library_->library().version() : "own kernels");
}

cudaStream_t CudaBackend::stream() const {
  check(cudaSetDevice(device_), "choosing device " + std::to_string(device_));
  return stream_;
}

void* CudaBackend::allocate(size_t bytes) {
  (void)stream();
  return allocateBytes(bytes);
}

void CudaBackend::release(void* memory) {
  (void)cudaSetDevice(device_);
  (void)cudaFree(memory);
}

void CudaBackend::copyIn(void* device, const void* host, size_t bytes) {
  staging_.copyIn(stream(), device, host, bytes);
}

void CudaBackend::copyOutLater(void* host, const void* device, size_t bytes) {
  staging_.copyOut(stream(), host, device, bytes);
}

void CudaBackend::copyOut(void* host, const void* device, size_t bytes) {
  try {
    copyOutLater(host, device, bytes);
    finishCopies();
  } catch (...) {
    abandonCopies();
    throw;
  }
}

void CudaBackend::copyWithin(void* to, const void* from, size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream()), "copying on the GPU");
}

void CudaBackend::zero(void* device, size_t bytes) {
  check(cudaMemsetAsync(device, 0, bytes, stream()), "clearing memory");
}

size_t CudaBackend::freeBytes() {
  (void)stream();
  size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for the free memory");
  return free;
}

}  // namespace cuda

int cudaDeviceCount() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  (void)cudaGetLastError();
  return 0;
}

CudaState cudaState(int device) {
  using namespace cuda;
  int count = 0, driver = 0, runtime = 0;
  (void)cudaDriverGetVersion(&driver);
  (void)cudaRuntimeGetVersion(&runtime);
  const cudaError_t counted = cudaGetDeviceCount(&count);
  if (driver == 0) return refused(cudaErrorNoDevice, "No NVIDIA driver was found on this machine.");
  if (counted == cudaErrorInsufficientDriver) {
    return refused(counted, "The NVIDIA driver here knows CUDA " + versionOf(driver) +
                                "; this build needs a driver for CUDA " + versionOf(runtime) +
                                " or newer.");
  }
  if (counted != cudaSuccess || count == 0) {
    return refused(counted == cudaSuccess ? cudaErrorNoDevice : counted,
                   std::string("The NVIDIA driver found no GPU that can be used: ") +
                       cudaGetErrorString(counted) + ".");
  }
  if (device < 0 || device >= count) {
    return refused(cudaErrorInvalidDevice, "There is no CUDA device " + std::to_string(device) +
                                               ": this machine has " + std::to_string(count) +
                                               ", counted from 0.");
  }
  cudaDeviceProp properties{};
  cudaError_t status = cudaSetDevice(device);
  if (status == cudaSuccess) status = cudaGetDeviceProperties(&properties, device);
  const std::string arch =
      std::to_string(properties.major) + "." + std::to_string(properties.minor);
  cudaFuncAttributes attributes{};
  if (status == cudaSuccess)
    status =
        cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(forEachKernel<Nothing>));
  if (status == cudaErrorNoKernelImageForDevice ||
      (status == cudaSuccess && properties.major * 10 + properties.minor < kSmallestArch)) {
    return refused(cudaErrorNoKernelImageForDevice,
                   std::string(properties.name) + " has compute capability " + arch +
                       ", for which this build has no code: 8.0 or newer is needed, and a build "
                       "that names it (PSTMO_CUDA_ARCHS).");
  }
  if (status != cudaSuccess)
    return refused(status, "GPU " + std::to_string(device) + " of " + std::to_string(count) +
                               " cannot be used: " + cudaGetErrorString(status) + ".");
  return {true, true, "",
          std::string(properties.name) + ", compute capability " + arch + ", a driver for CUDA " +
              versionOf(driver) + "."};
}

std::string cudaMatmul(int device) {
  using namespace cuda;
  check(cudaSetDevice(device), "choosing device " + std::to_string(device));
  std::string reason;
  const std::unique_ptr<MatmulLibrary> library = openMatmulLibrary("auto", &reason);
  return library ? "cuBLASLt " + library->library().version() + " (" + library->library().file + ")"
                 : "own kernels, since no cuBLASLt could be opened (" + reason + ")";
}

std::unique_ptr<Backend> makeCudaBackend(int device, Precision precision,
                                         const std::string& matmul) {
  const CudaState state = cudaState(device);
  if (!state.usable) throw Error(state.code, state.reason);
  return std::make_unique<cuda::CudaBackend>(device, precision, matmul);
}

}  // namespace pstmo
