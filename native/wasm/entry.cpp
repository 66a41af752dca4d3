// The module's exports: memory for a message, and the call that a message asks for.
#include <exception>
#include <new>

#include "../core/memory.h"
#include "node-api.h"

extern "C" napi_value napi_register_wasm_v1(napi_env env, napi_value exports);

namespace pstmo::wasm {
namespace {

// The addon's exports at 0, then models by the numbers that JavaScript knows them by.
std::map<int, Shared>& objects() {
  static std::map<int, Shared> objects;
  if (objects.empty()) {
    objects[0] = std::make_shared<Value>(Kind::object);
    napi_register_wasm_v1(environment(), handleOf(objects[0]));
  }
  return objects;
}
int lastObject = 0;

Shared numberOf(double value) {
  auto made = std::make_shared<Value>(Kind::number);
  made->number = value;
  return made;
}

const napi_property_descriptor& memberOf(const Shared& object, const std::string& name) {
  return object->instanceOf->function.members.at(name);
}

// [verb, object, name, ...arguments]:
//   new: an instance of the class `name`; its number
//   call: the function or method `name`, a promise's value once it is settled
//   get: the property `name`
//   free: the object itself
// The result, or null and an exception.
Shared run(const Value& request) {
  const std::string& verb = request.items.at(0)->text;
  const int number = static_cast<int>(request.items.at(1)->number);
  const std::string& name = request.items.at(2)->text;
  const std::vector<Shared> arguments(request.items.begin() + 3, request.items.end());
  if (verb == "free") {
    objects().erase(number);
    return std::make_shared<Value>(Kind::undefined);
  }
  const Shared object = objects().at(number);
  if (verb == "new") {
    Shared made = construct(*findField(*object, name), arguments);
    if (!made) return made;
    objects()[++lastObject] = std::move(made);
    return numberOf(lastObject);
  }
  if (verb == "get")
    return call({memberOf(object, name).getter, memberOf(object, name).data, {}}, object, {});
  const Shared* function = findField(*object, name);
  return function != nullptr
             ? call((*function)->function, object, arguments)
             : call({memberOf(object, name).method, memberOf(object, name).data, {}}, object,
                    arguments);
}

// [true, value], or [false, code, message].
Shared answerTo(std::byte* message) {
  const HandleScope scope;
  auto answer = std::make_shared<Value>(Kind::list);
  Shared value = run(*readMessage(message));
  Shared error = takeException();
  if (value && value->promise == Value::Promise::rejected) error = value->outcome;
  if (value && value->promise == Value::Promise::resolved) value = value->outcome;
  auto succeeded = std::make_shared<Value>(Kind::boolean);
  succeeded->number = !error;
  answer->items = {succeeded};
  if (!error) {
    answer->items.push_back(value);
    return answer;
  }
  for (const char* field : {"code", "message"}) {
    const Shared* text = findField(*error, field);
    answer->items.push_back(text != nullptr ? *text : std::make_shared<Value>(Kind::undefined));
  }
  return answer;
}

std::vector<std::byte> lastAnswer;

}  // namespace
}  // namespace pstmo::wasm

#define PSTMO_EXPORT(name) extern "C" __attribute__((export_name(name)))

// Memory for a message, or null.
PSTMO_EXPORT("take") void* pstmoTake(size_t bytes) { return pstmo::allocateAligned(bytes); }
PSTMO_EXPORT("release") void pstmoRelease(void* memory) { pstmo::releaseAligned(memory); }

// Runs what a message asks for. The answer stays until the next call; null where the memory did not
// suffice for it.
PSTMO_EXPORT("run") const void* pstmoRun(std::byte* message) {
  using namespace pstmo::wasm;
  lastAnswer = {};
  try {
    writeMessage(*answerTo(message), lastAnswer);
  } catch (const std::bad_alloc&) {
    takeException();
    return nullptr;
  }
  return lastAnswer.data();
}
PSTMO_EXPORT("answerBytes") size_t pstmoAnswerBytes() { return pstmo::wasm::lastAnswer.size(); }
