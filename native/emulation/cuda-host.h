// CUDA on the host, as far as the CUDA sources need it: the words of the language, and the
// functions of the runtime that they call, with memory of exactly the size asked. The environment
// describes the pretended machine: PSTMO_EMULATION_DEVICES (2), PSTMO_EMULATION_UNUSABLE (none; a
// list: no context opens on these), PSTMO_EMULATION_DRIVER (13000; 0: none), PSTMO_EMULATION_ARCH
// (90) and PSTMO_EMULATION_MEMORY (bytes, 1 << 33), each also as a list with one for each device,
// PSTMO_EMULATION_LARGEST (bytes that one allocation may have: free memory lies in pieces),
// PSTMO_EMULATION_SKIP (kernels that do nothing: those whose parameters' types contain this text),
// PSTMO_EMULATION_FAULT (the kernel, counted from 1, that touches a wrong address and ends CUDA for
// the process).
// PSTMO_EMULATION_RECORD and PSTMO_EMULATION_DRY: record.h. PSTMO_EMULATION_LOG names a file that
// gets a line for each copy, recording and replay.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>

#include "block.h"
#include "device/stream.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

using dim3 = pstmo::emulation::Dim3;

#define threadIdx (pstmo::emulation::Block::current().lane().thread)
#define blockIdx (pstmo::emulation::Block::current().index())
#define blockDim (pstmo::emulation::Block::current().threads())
#define gridDim (pstmo::emulation::Block::current().grid())
#define __syncthreads() \
  (pstmo::emulation::Block::current().barrier(pstmo::emulation::Place::current()))

struct float4 {
  float x, y, z, w;
};
struct float2 {
  float x, y;
};
struct uint4 {
  uint32_t x, y, z, w;
};
struct uint2 {
  uint32_t x, y;
};

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorIllegalAddress = 700,
  cudaErrorStreamCaptureUnsupported = 900,
};
enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3
};
struct cudaDeviceProp {
  char name[256];
  int major, minor;
  size_t sharedMemPerBlockOptin;
};
struct cudaFuncAttributes {
  int numRegs;
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
using cudaEvent_t = struct EmulatedEvent*;
using cudaGraph_t = struct EmulatedGraph*;
using cudaGraphExec_t = struct EmulatedGraph*;
constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2, cudaHostAllocDefault = 0;

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel);
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMalloc(void** memory, size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMemGetInfo(size_t* free, size_t* total);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);

namespace pstmo::emulation {

// Throws Error where a kernel wrote beyond the end of an allocation.
void checkGuards();
// Device memory that is allocated: addresses with their bytes.
std::map<void*, size_t> allocationsNow();
// Which device's memory an address lies in; -1: no device's.
int ownerOf(const void* address);
// Called after each kernel where it is not null: mutated sources note there which of their mutants
// were reached.
inline void (*afterKernel)() = nullptr;

// A kernel is refused in the stream of another device than this thread's.
cudaError_t submitKernel(cudaStream_t stream, std::function<void()> kernel);
// Runs the waiting work of all streams.
cudaError_t finishAll();
bool contextLost();
bool recordingSteps();
void note(const char* format, ...);

}  // namespace pstmo::emulation
