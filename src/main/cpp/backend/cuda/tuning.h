// What the device takes for things that can be done in its place of each other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "backend/cuda/blas.h"
#include "backend/cuda/memory.h"

namespace chainrule {
namespace cuda {

// Seconds that each body's work takes on the device: the median of rounds that go through all bodies in turn, so that a
// device that grows warm or slow meets all alike. A body gives its work to the queue, the same each time. It runs many
// times in a row, as a graph, between two events: what the processor needs to launch it does not count, and what fits
// into the device's caches is there. One measurement a process at a time.
std::vector<double> median_seconds(Queue* queue, const std::vector<std::function<void()>>& bodies);

// The same of products of one shape, on memory that is taken for them, with random values in it.
std::vector<double> median_seconds(EngineMemory& memory, const Blas& blas,
                                   const std::vector<std::shared_ptr<Product>>& products);

}  // namespace cuda
}  // namespace chainrule
