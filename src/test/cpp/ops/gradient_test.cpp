// Checks the gradient of every operation in all its forms, for parameters and inputs. Also checks that a gradient check
// sees an error of 1 %.
#include "gradient_check.h"

#include "cases.h"
#include "harness.h"
#include "plan_run.h"

using namespace test;

namespace {

// The strongest derivative must be above `least`, or the check would be meaningless.
void check(const GraphCase& c, int64_t batch, int directions, int coordinates, double least = 1) {
  const Values values = random_values(c.graph, batch, 17 + static_cast<uint64_t>(batch));
  const CheckedGradients result =
      check_gradients(c.graph, c.loss, batch, values, {directions, coordinates, 1e-6, 5});
  if (!result.passed() || !(result.strongest() > least)) {
    fail(c.name.c_str(), static_cast<int>(batch),
         message("strongest derivative ", result.strongest(), ": ", result.text()));
  }
}

}  // namespace

TEST(gradients_of_every_operation) {
  for (Op op : operations()) {
    const std::vector<GraphCase> cases = cases_of(op);
    if (cases.empty()) fail(name_of(op), 0, "has no case");
    for (const GraphCase& c : cases) {
      for (int64_t batch : {1, 7, 33}) check(c, batch, 2, 4);
    }
  }
}

TEST(gradients_of_values_cut_into_several_tiles) {
  for (Op op : operations()) {
    for (const GraphCase& c : cases_of(op, true)) check(c, 1001, 1, 1, 0.05);  // a mean over many samples
  }
}

TEST(gradients_through_several_operations) {
  for (const GraphCase& c : composite_cases()) {
    for (int64_t batch : {1, 7, 33}) check(c, batch, 2, 4);
  }
}

TEST(gradients_through_a_value_minus_itself_are_zero) {
  Builder b;
  const int32_t x = b.input(3);
  const int32_t w = b.parameter(3);
  const int32_t h = b.op(Op::add, {x, w});
  PlanRequest request;
  request.batch = 5;
  request.loss = b.op(Op::squared_error, {b.op(Op::subtract, {h, h}), b.target(3)});
  request.backward = true;
  PlanRun<double> run(b.graph, request, random_values(b.graph, 5, 1));
  run.forward();
  run.backward();
  for (int32_t leaf : {x, w}) {
    for (double d : run.gradient(leaf)) CHECK(d == 0);
  }
}

// The backward rule of each operation gets 1.01 times its δ. The check must report that.
TEST(gradient_check_sees_one_percent_in_every_operation) {
  for (Op op : operations()) {
    for (const GraphCase& c : cases_of(op)) {
      const Values values = random_values(c.graph, 7, 24);
      const CheckedGradients result =
          check_gradients(c.graph, c.loss, 7, values, {2, 4, 1e-6, 5}, fault(op, 1.01));
      if (result.passed() || !(worst(result.findings).error >= 1e-4))
        fail(c.name.c_str(), 0, message("a fault of 1 % is not seen: ", result.text()));
    }
  }
}
