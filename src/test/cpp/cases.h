// The table of cases: for every operation of the registry, small graphs that use the operation in all its forms.
#pragma once

#include <string>
#include <vector>

#include "graph_builder.h"
#include "ops/op.h"

namespace test {

struct GraphCase {
  std::string name;
  Graph graph;
  int32_t loss;
};

// Returns all cases of one operation; none for a leaf. With `wide`, values have enough features for a batch of a
// thousand to be cut into several tiles.
std::vector<GraphCase> cases_of(Op op, bool wide = false);

// Returns cases that combine operations: several losses, δ known only at run time, fan-out, unused branches.
std::vector<GraphCase> composite_cases();

// Returns the operations whose rules are in the core. Custom operations are tested in custom_test.cpp.
inline std::vector<Op> operations() {
  std::vector<Op> all;
  for (int32_t i = 0; i < op_count; ++i) {
    const Kind kind = kind_of(static_cast<Op>(i));
    if (kind != Kind::leaf && kind != Kind::custom) all.push_back(static_cast<Op>(i));
  }
  return all;
}

// Returns the constant that the cases use for the operation. The dropout rate is small, so that no case drops its only
// element: nothing would be left to check.
inline double constant_of(Op op) {
  return op == Op::scale        ? -1.7
         : op == Op::leaky_relu ? 0.2
         : op == Op::elu        ? 1.3
         : op == Op::dropout    ? 0.1
         : op == Op::huber      ? 0.8
         : op == Op::layer_norm ? 0.3
                                : 0;
}

}  // namespace test
