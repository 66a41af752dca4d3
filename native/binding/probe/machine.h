// What this build and this machine offer, and the backends that follow from it.
#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "../../ops/backend.h"

namespace pstmo::binding {

// N of "cuda:N", -1 of "cpu".
int cudaNumber(const std::string& device);
// `device`: "cpu" or "cuda:1"; matmul: as in native/cuda/cuda-backend.h, for a GPU. Throws
// ERR_NO_CUDA, ERR_CUDA_ARCH, ERR_CUDA_DRIVER, ERR_UNSUPPORTED or ERR_ARGUMENT.
std::unique_ptr<Backend> makeBackend(const std::string& device, Precision precision, int threads,
                                     const std::string& isa, const std::string& matmul);

Napi::Value machine(const Napi::CallbackInfo& info);
Napi::Value cudaDevice(const Napi::CallbackInfo& info);
Napi::Value cudaMatmul(const Napi::CallbackInfo& info);
Napi::Value measurePeak(const Napi::CallbackInfo& info);
Napi::Value runOp(const Napi::CallbackInfo& info);
Napi::Value opCost(const Napi::CallbackInfo& info);
Napi::Value describeOps(const Napi::CallbackInfo& info);

}  // namespace pstmo::binding
