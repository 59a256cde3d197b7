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

void sweep_leaves(Effort effort, Results& results);
void sweep_products(Effort effort, Results& results);
void sweep_binary(Effort effort, Results& results);
void sweep_unary(Effort effort, Results& results);
void sweep_reductions(Effort effort, Results& results);
void sweep_rowwise(Effort effort, Results& results);
void sweep_structure(Effort effort, Results& results);
void sweep_losses(Effort effort, Results& results);
void sweep_cross_entropy(Effort effort, Results& results);
void sweep_updates(Effort effort, Results& results);

struct Sweep {
  const char* name;
  void (*run)(Effort, Results&);
};

inline std::vector<Sweep> sweeps() {
  return {{"leaves", sweep_leaves},
          {"products", sweep_products},
          {"binary", sweep_binary},
          {"unary", sweep_unary},
          {"reductions", sweep_reductions},
          {"rowwise", sweep_rowwise},
          {"structure", sweep_structure},
          {"losses", sweep_losses},
          {"cross-entropy", sweep_cross_entropy},
          {"updates", sweep_updates}};
}

// All 2³² floats through every unary operation that is not random, with the kernels of the
// baseline and of the best instruction set.
void sweep_all_floats(Results& results);

// Prints the table of docs/accuracy.md.
void print_table(const Results& results);

}  // namespace test
