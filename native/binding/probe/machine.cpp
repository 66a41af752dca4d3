#include "machine.h"

#include "../../core/thread-pool.h"
#include "../../cpu/cpu-backend.h"
#include "../../cuda/cuda-backend.h"
#include "../addon.h"
#include "../convert.h"

namespace pstmo::binding {

int cudaNumber(const std::string& device) {
  if (device == "cpu") return -1;
  if (device.rfind("cuda:", 0) == 0 && device.size() > 5 && device.size() < 9 &&
      device.find_first_not_of("0123456789", 5) == std::string::npos) {
    return std::stoi(device.substr(5));
  }
  throw Error("ERR_ARGUMENT", "device: expected cpu or cuda:N, got \"" + device + "\".");
}

std::unique_ptr<Backend> makeBackend(const std::string& device, Precision precision, int threads,
                                     const std::string& isa, const std::string& matmul) {
  const int cuda = cudaNumber(device);
  return cuda < 0 ? makeCpuBackend(threads, precision, isa)
                  : makeCudaBackend(cuda, precision, matmul);
}

namespace {

// Whether a GPU can be used, and why not.
Napi::Object describeState(Napi::Env env, const CudaState& state) {
  Napi::Object cuda = Napi::Object::New(env);
  cuda.Set("built", state.built);
  cuda.Set("found", state.usable);
  cuda.Set("code", state.code);
  cuda.Set("reason", state.reason);
  return cuda;
}

int readDeviceNumber(const Napi::CallbackInfo& info) {
  Napi::Object fields = Napi::Object::New(info.Env());
  fields.Set("device", info[0]);
  return static_cast<int>(ObjectReader(fields, "argument").integer("device", 0, 999));
}

}  // namespace

Napi::Value machine(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array isas = Napi::Array::New(env);
  for (const std::string& isa : cpuIsas()) isas.Set(isas.Length(), Napi::String::New(env, isa));
  // The first GPU that can be used; where none can, why the first cannot.
  const int count = cudaDeviceCount();
  int device = 0;
  CudaState state = cudaState(0);
  for (int next = 1; next < count && !state.usable; ++next) {
    CudaState other = cudaState(next);
    if (!other.usable) continue;
    state = std::move(other);
    device = next;
  }
  Napi::Object cuda = describeState(env, state);
  cuda.Set("devices", count);
  cuda.Set("device", device);
  Napi::Object result = Napi::Object::New(env);
  result.Set("isas", isas);
  result.Set("bf16", cpuHasBf16());
  result.Set("threads", availableCores());
  result.Set("cuda", cuda);
  result.Set("version", PSTMO_VERSION);
  return result;
}

Napi::Value cudaDevice(const Napi::CallbackInfo& info) {
  try {
    return describeState(info.Env(), cudaState(readDeviceNumber(info)));
  } catch (...) {
    throwJavaScript(info.Env(), currentError());
  }
}

Napi::Value cudaMatmul(const Napi::CallbackInfo& info) {
  try {
    return Napi::String::New(info.Env(), pstmo::cudaMatmul(readDeviceNumber(info)));
  } catch (...) {
    throwJavaScript(info.Env(), currentError());
  }
}

Napi::Value measurePeak(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    // The arguments are read as fields, so that one checker serves all.
    Napi::Object fields = Napi::Object::New(env);
    fields.Set("threads", info[0]);
    fields.Set("precision", info[1]);
    fields.Set("seconds", info[2]);
    if (!info[3].IsUndefined()) fields.Set("device", info[3]);
    ObjectReader reader(fields, "measurePeak");
    const int threads = static_cast<int>(reader.integer("threads", 0, 1024));
    const std::string what = reader.text("precision", {"fp32", "tf32", "bf16", "copy"});
    const double seconds = reader.number("seconds", 0.001, 60);
    const int cuda = info[3].IsUndefined() ? -1 : cudaNumber(reader.text("device"));
    auto job = std::make_unique<Job>();
    auto peak = std::make_shared<double>(0);
    job->work = [=] {
      if (what == "copy") {
        *peak = cuda < 0 ? measureCpuCopy(threads, seconds) : measureCudaCopy(cuda, seconds);
      } else {
        *peak = cuda < 0 ? measureCpuPeak(threads, precisionOf(what), "auto", seconds)
                         : measureCudaPeak(cuda, precisionOf(what), seconds);
      }
    };
    job->result = [peak](Napi::Env now) { return Napi::Number::New(now, *peak); };
    return Addon::of(env).background(env).submit(std::move(job));
  } catch (...) {
    return rejected(env, currentError());
  }
}

}  // namespace pstmo::binding
