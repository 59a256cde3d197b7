// Measures the device times of alternative computations.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "backend/cuda/blas.h"
#include "backend/cuda/memory.h"

namespace chainrule {
namespace cuda {

// Returns the time in seconds that each body's work takes on the device. A body is a function that enqueues its work,
// the same work in each call. The time is the median of several rounds. Each round runs all bodies in order, so that
// changes of the device's clock or temperature affect all bodies alike. A body's work runs many times in a row, as a
// graph, between two events. So the host's launch time is not included, and data that fit into the device's caches are
// already cached. A process runs one measurement at a time; other threads wait.
std::vector<double> median_seconds(Queue* queue, const std::vector<std::function<void()>>& bodies);

// Returns the same times for products of one shape. Allocates the operands and fills them with random values.
std::vector<double> median_seconds(EngineMemory& memory, const Blas& blas,
                                   const std::vector<std::shared_ptr<Product>>& products);

}  // namespace cuda
}  // namespace chainrule
