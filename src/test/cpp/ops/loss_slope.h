// The value and the derivative of a loss operation for one sample, from a plan.
#pragma once

#include "cases.h"
#include "plan_run.h"

namespace test {

// Computes the loss of one prediction `f` with target `y`. Sets `value` to the loss and returns its derivative with
// respect to f.
template <class T>
T loss_slope(Op op, double f, double y, double c, double* value) {
  Builder b;
  const int32_t x = b.input(1), t = b.target(1);
  PlanRequest request;
  request.loss = b.op(op, {x, t}, c);
  request.backward = true;
  Values values(at(b.graph.size()));
  values[at(x)] = {f};
  values[at(t)] = {y};
  PlanRun<T> run(b.graph, request, values);
  run.forward();
  *value = run.loss();
  run.backward();
  return run.gradient(x)[0];
}

}  // namespace test
