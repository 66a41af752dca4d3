// The exports, as binding.d.ts states them.
#include "addon.h"

#include "model/native-model.h"
#include "probe/machine.h"

namespace {

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  using namespace pstmo::binding;
  env.SetInstanceData(new Addon(env));
  exports.Set("NativeModel", NativeModel::define(env));
  exports.Set("machine", Napi::Function::New(env, machine, "machine"));
  exports.Set("cudaDevice", Napi::Function::New(env, cudaDevice, "cudaDevice"));
  exports.Set("cudaMatmul", Napi::Function::New(env, cudaMatmul, "cudaMatmul"));
  exports.Set("measurePeak", Napi::Function::New(env, measurePeak, "measurePeak"));
  exports.Set("runOp", Napi::Function::New(env, runOp, "runOp"));
  exports.Set("opCost", Napi::Function::New(env, opCost, "opCost"));
  exports.Set("describeOps", Napi::Function::New(env, describeOps, "describeOps"));
  return exports;
}

NODE_API_MODULE(pstmo, initialize)

}  // namespace
