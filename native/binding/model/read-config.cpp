#include "read-config.h"

#include "../convert.h"

namespace pstmo::binding {

namespace {

struct IntegerField {
  const char* name;
  int NetworkConfig::* field;
  int64_t low, high;
};
constexpr IntegerField kIntegers[] = {
    {"stage", &NetworkConfig::stage, 1, 2},
    {"frames", &NetworkConfig::frames, 1, 4096},
    {"joints", &NetworkConfig::joints, 1, 1024},
    {"outputJoints", &NetworkConfig::outputJoints, 1, 1024},
    {"layers", &NetworkConfig::layers, 1, 64},
    {"decoderLayers", &NetworkConfig::decoderLayers, 1, 64},
    {"width", &NetworkConfig::width, 1, 16384},
    {"hidden", &NetworkConfig::hidden, 1, 16384},
    {"heads", &NetworkConfig::heads, 1, 1024},
    {"mlpBlocks", &NetworkConfig::mlpBlocks, 1, 64},
    {"rootJoint", &NetworkConfig::rootJoint, 0, 1023},
};

struct NumberField {
  const char* name;
  float NetworkConfig::* field;
  double low, high;
};
constexpr NumberField kNumbers[] = {
    {"dropout", &NetworkConfig::dropout, 0, 0.99},
    {"lossWeight", &NetworkConfig::lossWeight, 0, 1e6},
};

struct FlagField {
  const char* name;
  bool NetworkConfig::* field;
};
constexpr FlagField kFlags[] = {
    {"temporal", &NetworkConfig::temporal},
    {"aggregate", &NetworkConfig::aggregate},
    {"semVisibleOnly", &NetworkConfig::semVisibleOnly},
    {"refine", &NetworkConfig::refine},
};

struct MirrorField {
  const char* name;
  std::vector<int32_t> NetworkConfig::* field;
  int NetworkConfig::* joints;
};
constexpr MirrorField kMirrors[] = {
    {"mirrorInput", &NetworkConfig::mirrorInput, &NetworkConfig::joints},
    {"mirrorOutput", &NetworkConfig::mirrorOutput, &NetworkConfig::outputJoints},
};

Backbone backboneOf(const std::string& name) {
  if (name == "mlp") return Backbone::mlp;
  return name == "fc" ? Backbone::fc : Backbone::transformer;
}

}  // namespace

NetworkConfig readConfig(const Napi::Value& value) {
  ObjectReader reader(value, "config");
  NetworkConfig config;
  for (const auto& [name, field, low, high] : kIntegers)
    config.*field = static_cast<int>(reader.integer(name, low, high));
  for (const auto& [name, field, low, high] : kNumbers)
    config.*field = static_cast<float>(reader.number(name, low, high));
  for (const auto& [name, field] : kFlags) config.*field = reader.boolean(name);
  config.backbone = backboneOf(reader.text("backbone", {"mlp", "fc", "transformer"}));
  for (const auto& [name, field, joints] : kMirrors) {
    const int count = config.*joints;
    const int32_t* list = reader.integers(name, static_cast<size_t>(count), 0, count - 1);
    (config.*field).assign(list, list + count);
  }
  reader.finish();
  return config;
}

}  // namespace pstmo::binding
