// Shared by the files of the native API: the bodies of its objects, and the conversion of arguments and texts.
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

// Throw InvalidArgument if the value is null.
std::string text(const char* operation, const char* value);
void require_object(const char* operation, const void* object);

// Converts between an enum of the native API and that of the core.
template <class To, class From>
constexpr To same(From value) {
  return static_cast<To>(static_cast<int32_t>(value));
}
// Each use of same() needs this check: both enums have the same number for the name.
#define REQUIRE_SAME(Native, Core, name) \
  static_assert(same<Core>(Native::name) == Core::name, #Native " and " #Core " differ in " #name)

NativeMemoryUse as_native(const MemoryUse& use);

template <class Handle, class Body>
Handle* wrap(Handle* handle, std::unique_ptr<Body> body, Body** place) {
  *place = body.release();
  return handle;
}

}  // namespace api
}  // namespace chainrule
