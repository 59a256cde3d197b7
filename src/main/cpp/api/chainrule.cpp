// The part of the native API that belongs to the whole process: the registry of operations, threads, devices and memory
// counts. The objects of the native API are in graph.cpp, model.cpp, data.cpp, trainer.cpp, predictor.cpp and
// tools.cpp.
#include "api/chainrule.h"

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "api/bodies.h"
#include "backend/cpu/blas.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/products.h"
#include "backend/cpu/team.h"
#include "backend/cuda/library.h"
#include "devices/devices.h"
#include "ops/custom.h"
#include "util/check.h"

namespace chainrule {
namespace api {

const char* keep(std::string text) {
  thread_local std::string kept;
  kept = std::move(text);
  return kept.c_str();
}

std::string text(const char* operation, const char* value) {
  REQUIRE(value != nullptr, operation, ": expected a text, but got null");
  return value;
}

void require_object(const char* operation, const void* object) {
  REQUIRE(object != nullptr, operation, ": expected an object, but got null");
}

NativeMemoryUse as_native(const MemoryUse& use) {
  return {use.arena,     use.parameters, use.constants, use.state,
          use.gradients, use.inputs,     use.dataset,   use.checks};
}

namespace {

Op operation(int32_t op) {
  REQUIRE(op >= 0 && op < chainrule::op_count, "operation: expected an operation number from 0 to ",
          chainrule::op_count - 1, ", but got ", op);
  return static_cast<Op>(op);
}

}  // namespace

int32_t op_count() { return chainrule::op_count; }

const char* op_name(int32_t op) { return name_of(operation(op)); }

int32_t kind_count() { return chainrule::kind_count; }

const char* kind_name(int32_t kind) {
  REQUIRE(kind >= 0 && kind < chainrule::kind_count, "kind of operation: expected a kind number from 0 to ",
          chainrule::kind_count - 1, ", but got ", kind);
  return name_of(static_cast<Kind>(kind));
}

int32_t op_kind(int32_t op) { return static_cast<int32_t>(kind_of(operation(op))); }

const char* op_constant(int32_t op) {
  const char* const name = traits_of(operation(op)).constant;
  return name == nullptr ? "" : name;
}

const char* op_constant_range(int32_t op) {
  const Traits& traits = traits_of(operation(op));
  return traits.constant == nullptr ? "" : text_of(traits.range);
}
bool op_is_data(int32_t op) { return traits_of(operation(op)).data; }
bool op_is_linear(int32_t op) { return traits_of(operation(op)).linear; }
bool op_has_kink(int32_t op) { return traits_of(operation(op)).kink; }
bool op_is_activation(int32_t op) { return traits_of(operation(op)).activation; }
bool op_mixes_samples(int32_t op) { return mixes_samples(operation(op)); }

void set_custom_host(CustomHost host) { chainrule::set_custom_host(host); }
int32_t register_custom(const char* name) {
  return chainrule::register_custom(text("registering an operation", name));
}
void unregister_custom(const char* name) {
  chainrule::unregister_custom(text("unregistering an operation", name));
}

void set_threads(int32_t count) { set_team_threads(count); }
int32_t threads() { return team_threads(); }
int32_t max_threads() { return chainrule::max_threads; }

REQUIRE_SAME(NativeProducts, Products, automatic);
REQUIRE_SAME(NativeProducts, Products, blas);
REQUIRE_SAME(NativeProducts, Products, own);

void set_products(NativeProducts which) { chainrule::set_products(same<Products>(which)); }
NativeProducts products() { return same<NativeProducts>(chainrule::products()); }

namespace {

CudaPaths cuda_paths(const char* library, const char* folders) {
  CudaPaths made{text("cuda", library), {}};
  std::istringstream parts(text("cuda", folders));
  for (std::string folder; std::getline(parts, folder, ':');) {
    if (!folder.empty()) made.folders.push_back(folder);
  }
  return made;
}

std::string lines(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += (text.empty() ? "" : "\n") + sentence;
  return text;
}

}  // namespace

const char* cuda_problems(const char* library, const char* folders) {
  return keep(lines(chainrule::cuda_problems(cuda_paths(library, folders))));
}
const char* describe_cuda(const char* library, const char* folders) {
  return keep(lines(chainrule::describe_cuda(cuda_paths(library, folders))));
}
int32_t cuda_device_count(const char* library, const char* folders) {
  return chainrule::cuda_device_count(cuda_paths(library, folders));
}

REQUIRE_SAME(NativePrecision, CudaPrecision, float32);
REQUIRE_SAME(NativePrecision, CudaPrecision, tf32);
REQUIRE_SAME(NativePrecision, CudaPrecision, bfloat16);

int32_t open_cuda(const char* library, const char* folders, int32_t index, NativePrecision precision,
                  const char* tuning) {
  return chainrule::open_cuda(cuda_paths(library, folders), index, static_cast<int32_t>(precision),
                              text("cuda tuning file", tuning));
}
const char* tuned_products(int32_t device) { return keep(engine(device).tuned_products()); }

const NativeDeviceMemory* device_memory(int32_t device) {
  thread_local NativeDeviceMemory kept;
  const MemoryBytes bytes = engine(device).memory_bytes();
  kept = {bytes.held, bytes.peak, bytes.free, bytes.total};
  return &kept;
}
int64_t native_bytes() { return chainrule::native_bytes(); }
int64_t native_allocations() { return chainrule::native_allocations(); }
const char* blas_description() { return keep(describe_blas()); }
const char* instruction_set() { return instruction_set_name(); }

}  // namespace api
}  // namespace chainrule
