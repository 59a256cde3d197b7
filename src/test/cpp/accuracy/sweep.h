// Sweeps over the inputs of every operation and optimizer. Each runs the library's kernels on all engines and adds the
// worst errors to the results.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "accuracy/ulps.h"

namespace test {

using Results = std::map<std::string, Measured>;  // by the name of the entry

// How many inputs a sweep covers: `sampled` is for the tests, `full` for the published table.
enum class Effort { sampled, full };

void sweep_unary(Effort effort, Results& results);
void sweep_binary(Effort effort, Results& results);
void sweep_reductions(Effort effort, Results& results);
void sweep_rowwise(Effort effort, Results& results);
void sweep_structure(Effort effort, Results& results);
void sweep_losses(Effort effort, Results& results);
void sweep_cross_entropy(Effort effort, Results& results);
void sweep_updates(Effort effort, Results& results);

// All 2³² floats through every unary operation that depends on its input, with the best instruction set.
void sweep_all_floats(Results& results);

// Prints the rows of docs/accuracy.md.
void print_table(const Results& results);

}  // namespace test
