// What is behind the door's objects that more than one file needs.
#pragma once

#include <memory>

#include "api/chainrule.h"
#include "runtime/inputs.h"

namespace chainrule {
namespace api {

struct NativeModel::Body {
  std::shared_ptr<Model> model;
};
struct NativeInputs::Body {
  Inputs* inputs;
};

}  // namespace api
}  // namespace chainrule
