// What tests ask of a plan and no user does: steps kept apart, and a wrong rule that a gradient check must see.
#pragma once

#include "plan/plan.h"

namespace chainrule {

struct PlanTesting {
  bool merge_steps = true;        // false: every step in a phase of its own
  bool update_in_product = true;  // false: every update reads a gradient from a buffer
  // The backward rule of one operation gets fault_factor times its δ.
  bool has_fault = false;
  Op fault_op = Op::identity;
  double fault_factor = 1;
};

Plan make_plan(const Graph& graph, const PlanRequest& request, Backend& backend, const PlanTesting& testing);

}  // namespace chainrule
