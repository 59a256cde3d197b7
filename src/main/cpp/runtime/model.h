// A graph with its parameters in an engine's memory.
#pragma once

#include <cstdint>
#include <memory>

#include "graph/graph.h"
#include "plan/plan.h"
#include "runtime/memory_block.h"
#include "util/fair_shared_mutex.h"

namespace chainrule {

class Model {
 public:
  // Draws the parameters from the seed: graph.parameters()[i] uses stream i of random numbers (util/random.h). The
  // engine must outlive the model.
  Model(Graph graph, DType dtype, int64_t seed, Backend& backend = cpu_backend());

  // Returns a copy that later training does not change.
  std::shared_ptr<Model> snapshot() const;

  const Graph& graph() const { return graph_; }
  DType dtype() const { return dtype_; }
  int64_t seed() const { return seed_; }
  Backend& backend() const { return backend_; }
  const LeafLayout& layout() const { return layout_; }

  // Read and write the values of a parameter, [rows][columns]. Wait for a running step. Throw InvalidArgument if
  // `count` is not rows * columns or if a value to write is not finite.
  template <class V>
  void read_parameter(int32_t node, V* values, int64_t count) const;
  template <class V>
  void write_parameter(int32_t node, const V* values, int64_t count);

  // The blocks in the engine's memory. Readers must hold the mutex for reading, writers for writing.
  char* parameters() const { return parameters_.data(); }
  char* constants() const { return constants_.data(); }
  FairSharedMutex& mutex() const { return mutex_; }

 private:
  void initialize();
  int64_t check_parameter(const char* operation, int32_t node, const void* values, int64_t count) const;

  const Graph graph_;
  const DType dtype_;
  const int64_t seed_;
  Backend& backend_;
  const LeafLayout layout_;
  MemoryBlock parameters_;
  MemoryBlock constants_;
  mutable FairSharedMutex mutex_;
};

// Throws InvalidArgument if a number of the graph is not usable when it is rounded to the type: it becomes infinite, it
// becomes 0 although it is not (except initial values of parameters and elements of matrices), or the constant of an
// operation leaves its range. Called for graphs that are being built. A stored graph is loaded without this check.
void require_numbers(const Graph& graph, DType dtype);

// Copies `count` values between element types.
template <class To, class From>
void convert(To* to, const From* from, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<To>(from[i]);
}

// Calls body with a typed pointer to values of the type.
template <class Body>
auto with_type(DType dtype, char* values, Body&& body) {
  return dtype == DType::float32 ? body(reinterpret_cast<float*>(values))
                                 : body(reinterpret_cast<double*>(values));
}
template <class Body>
auto with_type(DType dtype, const char* values, Body&& body) {
  return dtype == DType::float32 ? body(reinterpret_cast<const float*>(values))
                                 : body(reinterpret_cast<const double*>(values));
}

}  // namespace chainrule
