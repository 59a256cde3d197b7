// Options of a plan for tests: to run steps separately, and to inject a wrong rule that a gradient check must detect.
#pragma once

#include "plan/plan.h"

namespace chainrule {

struct PlanTesting {
  bool merge_steps = true;        // false: each step has its own phase
  bool update_in_product = true;  // false: each update reads the gradient from a buffer
  // The backward rule of fault_op gets its δ multiplied by fault_factor.
  bool has_fault = false;
  Op fault_op = Op::identity;
  double fault_factor = 1;
};

Plan make_plan(const Graph& graph, const PlanRequest& request, Backend& backend, const PlanTesting& testing);

}  // namespace chainrule
