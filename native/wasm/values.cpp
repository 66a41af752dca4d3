#include "values.h"

#include <cstring>

#include "node-api.h"

namespace pstmo::wasm {
namespace {

struct Header {
  Tag tag;
  uint32_t count;
};

constexpr size_t kAlignment = 8;
static_assert(sizeof(Header) == kAlignment);

size_t padded(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

class MessageReader {
 public:
  explicit MessageReader(std::byte* message) : start_(message), next_(message) {}

  Shared value() {
    Header header;
    const size_t place = static_cast<size_t>(next_ - start_);
    std::memcpy(&header, take(sizeof header), sizeof header);
    switch (header.tag) {
      case Tag::undefined:
        return std::make_shared<Value>(Kind::undefined);
      case Tag::null:
        return std::make_shared<Value>(Kind::null);
      case Tag::boolean: {
        auto value = std::make_shared<Value>(Kind::boolean);
        value->number = header.count;
        return value;
      }
      case Tag::number: {
        auto value = std::make_shared<Value>(Kind::number);
        std::memcpy(&value->number, take(sizeof value->number), sizeof value->number);
        return value;
      }
      case Tag::text: {
        auto value = std::make_shared<Value>(Kind::text);
        value->text.assign(reinterpret_cast<const char*>(take(header.count)), header.count);
        return value;
      }
      case Tag::list: {
        auto value = std::make_shared<Value>(Kind::list);
        for (uint32_t i = 0; i < header.count; ++i) value->items.push_back(this->value());
        return value;
      }
      case Tag::object: {
        auto object = std::make_shared<Value>(Kind::object);
        for (uint32_t i = 0; i < header.count; ++i) {
          const Shared name = value();
          object->fields.emplace_back(name->text, value());
        }
        return object;
      }
      case Tag::function:
        return std::make_shared<Value>(Kind::function);
      case Tag::repeated:
        return arrays_.at(header.count * kAlignment);
      default:
        return arrays_[place] = array(header);
    }
  }

 private:
  std::byte* take(size_t bytes) {
    std::byte* taken = next_;
    next_ += padded(bytes);
    return taken;
  }

  Shared array(const Header& header) {
    auto value = std::make_shared<Value>(Kind::array);
    value->buffer = std::make_shared<Value>(Kind::buffer);
    value->buffer->sharedMemory = header.tag >= Tag::sharedArray;
    const auto first = value->buffer->sharedMemory ? Tag::sharedArray : Tag::array;
    value->type = static_cast<napi_typedarray_type>(static_cast<uint32_t>(header.tag) -
                                                    static_cast<uint32_t>(first));
    value->length = header.count;
    value->data = take(value->length * elementBytes(value->type));
    return value;
  }

  std::byte *start_, *next_;
  std::map<size_t, Shared> arrays_;  // by their places
};

void append(std::vector<std::byte>& message, const void* data, size_t bytes) {
  const size_t start = message.size();
  message.resize(start + padded(bytes));
  if (bytes > 0) std::memcpy(message.data() + start, data, bytes);
}

void appendHeader(std::vector<std::byte>& message, Tag tag, size_t count = 0) {
  const Header header{tag, static_cast<uint32_t>(count)};
  append(message, &header, sizeof header);
}

void appendText(std::vector<std::byte>& message, const std::string& text) {
  appendHeader(message, Tag::text, text.size());
  append(message, text.data(), text.size());
}

}  // namespace

Value::~Value() {
  for (const auto& [finalize, hint] : finalizers) finalize(environment(), wrapped, hint);
}

size_t elementBytes(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 4;
  }
}

Shared* findField(Value& object, const std::string& name) {
  for (auto& [field, value] : object.fields) {
    if (field == name) return &value;
  }
  return nullptr;
}

void setField(Value& object, const std::string& name, Shared value) {
  if (Shared* field = findField(object, name)) {
    *field = std::move(value);
  } else {
    object.fields.emplace_back(name, std::move(value));
  }
}

Shared readMessage(std::byte* message) { return MessageReader(message).value(); }

void writeMessage(const Value& value, std::vector<std::byte>& message) {
  switch (value.kind) {
    case Kind::undefined:
      return appendHeader(message, Tag::undefined);
    case Kind::null:
      return appendHeader(message, Tag::null);
    case Kind::boolean:
      return appendHeader(message, Tag::boolean, value.number != 0);
    case Kind::number:
      appendHeader(message, Tag::number);
      return append(message, &value.number, sizeof value.number);
    case Kind::text:
      return appendText(message, value.text);
    case Kind::list:
      appendHeader(message, Tag::list, value.items.size());
      for (const Shared& item : value.items) writeMessage(*item, message);
      return;
    case Kind::array: {
      const uint32_t tag = static_cast<uint32_t>(Tag::array) + value.type;
      appendHeader(message, static_cast<Tag>(tag), value.length);
      return append(message, value.data, value.length * elementBytes(value.type));
    }
    case Kind::object:
      appendHeader(message, Tag::object, value.fields.size());
      for (const auto& [name, field] : value.fields) {
        appendText(message, name);
        writeMessage(*field, message);
      }
      return;
    case Kind::function:
    case Kind::buffer:
      return appendHeader(message, Tag::function);
  }
}

}  // namespace pstmo::wasm
