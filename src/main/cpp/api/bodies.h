// What more than one file of the door needs: what is behind its objects, and how arguments and texts pass through it.
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
  NativeAttributes added{}, asked{};
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

// A returned text stays valid until the calling thread's next call that returns one.
const char* keep(std::string text);

// Refuse null.
std::string text(const char* operation, const char* value);
void require_object(const char* operation, const void* object);

// An enum of the native API as the core's, and back.
template <class To, class From>
constexpr To same(From value) {
  return static_cast<To>(static_cast<int32_t>(value));
}
// Beside every use of same(): the two enums have the same number for the name.
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
