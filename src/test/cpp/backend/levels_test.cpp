// Compares the kernels of each instruction set with the baseline's kernels on the same memory. The results may differ
// by the few ulp by which a fused multiply-add differs from two roundings.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/cpu/cpu.h"
#include "backend/cpu/products.h"
#include "backend/levels.h"
#include "cases.h"
#include "harness.h"
#include "plan_run.h"

using namespace test;

namespace {

// Returns the largest difference between `a` and `b`, in ulp of the largest value that the step wrote to `a`. `before`
// is the memory before the step.
template <class T>
double error_in_ulp(const char* a, const char* b, const char* before, size_t bytes) {
  double scale = 0, worst = 0;
  for (size_t i = 0; i + sizeof(T) <= bytes; i += sizeof(T)) {
    T x, y;
    std::memcpy(&x, a + i, sizeof(T));
    std::memcpy(&y, b + i, sizeof(T));
    if (std::memcmp(a + i, before + i, sizeof(T)) != 0 && std::isfinite(x)) {
      scale = std::max(scale, std::abs(static_cast<double>(x)));
    }
    if (std::memcmp(&x, &y, sizeof(T)) == 0 || (std::isnan(x) && std::isnan(y))) continue;
    const double error = std::abs(static_cast<double>(x) - static_cast<double>(y));
    if (!(error <= worst)) worst = std::isnan(error) ? INFINITY : error;
  }
  return worst == 0 ? 0 : worst / (scale * std::numeric_limits<T>::epsilon());
}

// Runs the program step by step with the baseline's kernels. Runs each step again with the level's kernel on a copy of
// the memory, and compares.
template <class T>
void compare(const Graph& graph, const PlanRequest& request, const Level& level, const std::string& name) {
  const DType dtype = sizeof(T) == 4 ? DType::float32 : DType::float64;
  const Values values = random_values(graph, request.batch, 7);
  PlanRun<T> base(graph, request, values), other(graph, request, values);
  base.update = other.update = scalars(request.optimizer, 1, 0.1, 0.99);
  base.poison_all();
  const auto blocks = base.memory(), copies = other.memory();
  std::vector<std::string> before(blocks.size());
  for (const Step& step : base.plan().program.steps) {
    for (size_t i = 0; i < blocks.size(); ++i) {
      before[i].assign(blocks[i].data, blocks[i].bytes);
      if (blocks[i].bytes > 0) std::memcpy(copies[i].data, blocks[i].data, blocks[i].bytes);
    }
    const Rect all{0, step.rows, 0, step.columns};
    if (step.kind == StepKind::product) {
      product_kernel(step, dtype)(step, base.context(), all);
      continue;
    }
    const Kernel expected = levels()[0].kernel(step, dtype), kernel = level.kernel(step, dtype);
    CHECK(expected != nullptr && kernel != nullptr && (kernel != expected));
    expected(step, base.context(), all);
    kernel(step, other.context(), all);
    if (step.kind == StepKind::loss && step.operands[0].present()) {  // its partial sums are always doubles
      const size_t from = at(step.operands[0].offset),
                   size = at((step.columns + loss_block - 1) / loss_block) * 8;
      const double error =
          error_in_ulp<double>(blocks[0].data + from, copies[0].data + from, before[0].data() + from, size) *
          std::numeric_limits<double>::epsilon();
      if (!(error <= 8 * std::numeric_limits<T>::epsilon())) fail(name.c_str(), 0, "partial sums differ");
      std::memcpy(copies[0].data + from, blocks[0].data + from, size);
    }
    for (size_t i = 0; i < blocks.size(); ++i) {
      // exp, tanh and similar functions have an error of up to 3 ulp on each side.
      const double error = error_in_ulp<T>(blocks[i].data, copies[i].data, before[i].data(), blocks[i].bytes);
      if (!(error <= 8)) {
        fail(name.c_str(), static_cast<int>(step.kind),
             message(name_of(step.op), ", ", level.name, ": ", error, " ulp"));
      }
    }
  }
}

}  // namespace

TEST(kernels_of_every_instruction_set_agree) {
  bool tested_level_in_use = std::string(instruction_set_name()) == "baseline";
  for (const Level& level : levels()) {
    if (!level.supported || std::string(level.name) == "baseline") continue;
    tested_level_in_use = tested_level_in_use || std::string(level.name) == instruction_set_name();
    PlanRequest request;
    request.backward = true;
    for (Op op : operations()) {
      for (const GraphCase& c : cases_of(op)) {
        request.loss = c.loss;
        for (int64_t batch : {1, 37}) {
          request.batch = batch;
          compare<float>(c.graph, request, level, c.name);
          compare<double>(c.graph, request, level, c.name);
        }
      }
    }
    const GraphCase c = std::move(composite_cases()[0]);
    request.loss = c.loss;
    request.update = true;
    for (const OptimizerSettings& rule :
         {sgd(0, false, 0.1), sgd(0.9), sgd(0.9, true, 0.1), adam(0.1), adamw(0.1), rmsprop(0, false, 0.1),
          rmsprop(0, true), rmsprop(0.9), rmsprop(0.9, true, 0.1)}) {
      request.optimizer = rule;
      compare<float>(c.graph, request, level, "update");
      compare<double>(c.graph, request, level, "update");
    }
  }
  CHECK(tested_level_in_use);
}
