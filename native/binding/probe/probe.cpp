// runOp: one operation on plain arrays, the seam that tests and benches use.
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
  const std::string products = reader.textOr("products", "auto");
  reader.finish();
  return makeBackend(device, precision, threads, isa, products);
}

double timeMedian(Backend& backend, const OpRun& run, int repeats) {
  const std::unique_ptr<Timeline> timeline = backend.timeline();
  for (int i = 0; i < repeats; i++) {
    timeline->begin("runOp");
    run(backend);
    timeline->end();
  }
  std::vector<double> seconds;
  for (const Timeline::Span& span : timeline->read()) seconds.push_back(span.seconds);
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[static_cast<size_t>(repeats / 2)];
}

}  // namespace

Napi::Value runOp(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    if (!info[1].IsString())
      throw Error("ERR_ARGUMENT", "op: expected text, got " + describeValue(info[1]) + ".");
    const std::string name = info[1].As<Napi::String>().Utf8Value();
    const auto entry = opTable().find(name);
    if (entry == opTable().end())
      throw Error("ERR_ARGUMENT", "op: there is no operation " + name + ".");
    for (const size_t i : {size_t{2}, size_t{3}}) {
      if (!info[i].IsObject())
        throw Error("ERR_ARGUMENT", "tensors and attributes: expected objects, got " +
                                        describeValue(info[i]) + ".");
    }
    int repeats = 1;
    if (!info[4].IsUndefined()) {
      Napi::Object fields = Napi::Object::New(env);
      fields.Set("repeats", info[4]);
      repeats = static_cast<int>(ObjectReader(fields, "runOp").integer("repeats", 1, 1000000));
    }
    const std::unique_ptr<Backend> backend = readBackend(info[0]);
    OpFields fields(*backend, info[2].As<Napi::Object>(), info[3].As<Napi::Object>());
    const OpRun run = entry->second(fields);
    fields.finish();
    backend->weightsChanged();
    const double seconds = timeMedian(*backend, run, repeats);
    fields.copyBack();
    return Napi::Number::New(env, seconds);
  } catch (...) {
    throwJavaScript(env, currentError());
  }
}

}  // namespace pstmo::binding
