// Shared by the files of the native API: the bodies (private data) of its objects, and the conversion of arguments and
// texts.
#pragma once

#include <memory>
#include <string>

#include "api/chainrule.h"
#include "runtime/dataset.h"
#include "runtime/inputs.h"
#include "runtime/memory_use.h"
#include "runtime/model.h"

namespace chainrule {
namespace api {

struct NativeGraph::Body {
  Graph graph;
  NativeAttributes added{}, returned{};
};
struct NativeModel::Body {
  std::shared_ptr<Model> model;
  NativeMemoryUse memory{};
};
struct NativeInputs::Body {
  Inputs* inputs;
};
struct NativeDataset::Body {
  std::shared_ptr<Dataset> dataset;
};

// Stores the text and returns a pointer to it, valid until the next call of keep() on the same thread.
const char* keep(std::string text);

// Throw InvalidArgument if the value is null. `operation` names the operation in the message.
std::string text(const char* operation, const char* value);
void require_object(const char* operation, const void* object);

// Converts between an enum of the native API and the same enum of the core.
template <class To, class From>
constexpr To same(From value) {
  return static_cast<To>(static_cast<int32_t>(value));
}
// Checks that both enums have the same number for the name. Each pair of enums that same() converts needs this check
// for each name.
#define REQUIRE_SAME(Native, Core, name) \
  static_assert(same<Core>(Native::name) == Core::name, #Native " and " #Core " differ in " #name)

NativeMemoryUse as_native(const MemoryUse& use);

// Passes the ownership of the body to the handle, whose member `place` points to it. Returns the handle.
template <class Handle, class Body>
Handle* wrap(Handle* handle, std::unique_ptr<Body> body, Body** place) {
  *place = body.release();
  return handle;
}

}  // namespace api
}  // namespace chainrule
