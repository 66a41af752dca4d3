// One operation on plain arrays, by itself, the seam that tests and benches use: runOp runs it,
// opCost counts it, describeOps lists them all.
#include <algorithm>
#include <vector>

#include "../../cpu/cpu-backend.h"
#include "machine.h"
#include "op-table.h"

namespace pstmo::binding {

namespace {

std::unique_ptr<Backend> readBackend(const Napi::Value& value) {
  ObjectReader reader(value, "device");
  const std::string device = reader.text("device");
  const Precision precision = precisionOf(reader.text("precision", {"fp32", "tf32", "bf16"}));
  const int threads = static_cast<int>(reader.integer("threads", 0, 1024));
  const std::string isa = reader.text("isa");
  const std::string matmul = reader.textOr("matmul", "auto");
  reader.finish();
  return makeBackend(device, precision, threads, isa, matmul);
}

double timeMedian(Backend& backend, const ProbedOp& op, int repeats) {
  const std::unique_ptr<Timeline> timeline = backend.timeline();
  for (int i = 0; i < repeats; i++) {
    timeline->begin("runOp");
    op.run(backend);
    timeline->end();
  }
  std::vector<double> seconds;
  for (const Timeline::Span& span : timeline->read()) seconds.push_back(span.seconds);
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[static_cast<size_t>(repeats / 2)];
}

const OpEntry& findOp(const Napi::Value& value) {
  if (!value.IsString())
    throw Error("ERR_ARGUMENT", "op: expected text, got " + describeValue(value) + ".");
  const auto entry = opTable().find(value.As<Napi::String>().Utf8Value());
  if (entry == opTable().end()) {
    throw Error("ERR_ARGUMENT",
                "op: there is no operation " + value.As<Napi::String>().Utf8Value() + ".");
  }
  return entry->second;
}

Napi::Object readObject(const Napi::Value& value) {
  if (!value.IsObject()) {
    throw Error("ERR_ARGUMENT",
                "tensors and attributes: expected objects, got " + describeValue(value) + ".");
  }
  return value.As<Napi::Object>();
}

ProbedOp readOp(const OpEntry& entry, OpReader& reader) {
  ProbedOp op = entry.read(reader);
  reader.finish();
  return op;
}

}  // namespace

Napi::Value runOp(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    const OpEntry& entry = findOp(info[1]);
    const Napi::Object tensors = readObject(info[2]), attributes = readObject(info[3]);
    int repeats = 1;
    if (!info[4].IsUndefined()) {
      Napi::Object numbers = Napi::Object::New(env);
      numbers.Set("repeats", info[4]);
      repeats = static_cast<int>(ObjectReader(numbers, "runOp").integer("repeats", 1, 1000000));
    }
    const std::unique_ptr<Backend> backend = readBackend(info[0]);
    OpReader reader(*backend, tensors, attributes);
    const ProbedOp op = readOp(entry, reader);
    backend->weightsChanged();
    const double seconds = timeMedian(*backend, op, repeats);
    reader.copyBack();
    return Napi::Number::New(env, seconds);
  } catch (...) {
    throwJavaScript(env, currentError());
  }
}

Napi::Value opCost(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    const OpEntry& entry = findOp(info[0]);
    const Napi::Object tensors = readObject(info[1]), attributes = readObject(info[2]);
    const std::unique_ptr<Backend> backend = makeCpuBackend(1, Precision::fp32);
    OpReader reader(*backend, tensors, attributes);
    const Cost cost = readOp(entry, reader).cost;
    Napi::Object result = Napi::Object::New(env);
    result.Set("shape", cost.shape);
    result.Set("flops", cost.flops);
    result.Set("bytes", cost.bytes.here);
    result.Set("narrowBytes", cost.bytes.narrow);
    return result;
  } catch (...) {
    throwJavaScript(env, currentError());
  }
}

Napi::Value describeOps(const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  for (const auto& [name, entry] : opTable()) result.Set(name, entry.describe(info.Env()));
  return result;
}

}  // namespace pstmo::binding
