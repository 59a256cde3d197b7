// The engines whose kernels the accuracy tests run: the CPU kernels of each instruction set that this machine supports,
// and the CUDA engine (on an emulated device in builds without CUDA).
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/cpu/products.h"
#include "backend/levels.h"
#include "cases.h"
#include "cuda/engines.h"
#include "graph_builder.h"
#include "plan_run.h"

namespace test {

struct Engine {
  std::string name;
  Backend* backend;
  const Level* level;  // null: the backend runs the program itself

  // Runs all phases of the program. With a level, each step runs on its whole domain with the level's kernel.
  void run(const Program& program, const Context& context) const {
    if (level == nullptr) {
      backend->run(program, context, 0, static_cast<int32_t>(program.phases.size()));
      return;
    }
    for (const Step& step : program.steps) {
      const Kernel kernel = step.kind == StepKind::product ? product_kernel(step, program.dtype)
                                                           : level->kernel(step, program.dtype);
      REQUIRE(kernel != nullptr, name, " has no kernel for ", name_of(step.op));
      kernel(step, context, {0, step.rows, 0, step.columns});
    }
  }
};

inline const std::vector<Engine>& engines() {
  static const std::vector<Level> all_levels = levels();
  static const std::vector<Engine> all = [] {
    std::vector<Engine> engines;
    for (const Level& level : all_levels) {
      if (level.supported) engines.push_back({level.name, &cpu_backend(), &level});
    }
    Backend* const cuda = cuda_engine(CudaPrecision::float32);
    if (cuda != nullptr) engines.push_back({cuda_is_emulated() ? "emulated CUDA" : "CUDA", cuda, nullptr});
    return engines;
  }();
  return all;
}

// One operation on operands of given sizes, compiled for an engine. Runs forward, and backward from a given δ.
template <class T>
class Applied {
 public:
  // `features` has an element per operand. Operands from number `first_parameter` on are parameters, whose values are
  // set at construction; the others are data.
  Applied(const Engine& engine, Op op, double constant, const std::vector<int64_t>& features, int64_t batch,
          bool backward = true, const std::vector<std::vector<double>>& parameters = {})
      : engine_(engine) {
    PlanRequest request;
    std::vector<int32_t> operands;
    const size_t data = features.size() - parameters.size();
    for (size_t i = 0; i < features.size(); ++i) {
      operands.push_back(i < data ? builder_.input(features[i]) : builder_.parameter(features[i]));
    }
    const int32_t y = builder_.op(op, operands, constant);
    Values values(at(builder_.graph.size()));
    for (size_t i = 0; i < features.size(); ++i) {
      if (i < data) values[at(operands[i])].resize(at(features[i] * batch));
      if (i >= data) values[at(operands[i])] = parameters[i - data];
    }
    request.batch = batch;
    request.training = true;
    request.outputs = {y};
    if (backward) {
      request.backward = request.seeded = true;
      request.loss = y;
      request.deltas = operands;
    }
    run_ = std::make_unique<PlanRun<T>>(builder_.graph, request, values, steps_apart(), *engine.backend);
  }

  // `operands` are [batch][feature] per data operand, `delta` that of the result.
  void run(const std::vector<std::vector<T>>& operands, const std::vector<T>& delta = {}) {
    run_->poison_all();
    Context context = run_->context();
    std::vector<void*> inputs(context.inputs, context.inputs + operands.size());
    for (size_t i = 0; i < operands.size(); ++i) {
      std::memcpy(inputs[i], operands[i].data(), operands[i].size() * sizeof(T));
    }
    inputs.push_back(const_cast<T*>(delta.data()));
    context.inputs = inputs.data();
    engine_.run(run_->plan().program, context);
  }

  const std::vector<T>& value() const { return run_->output(0); }
  const std::vector<T>& derivative(size_t operand = 0) const { return run_->output(1 + operand); }

 private:
  const Engine& engine_;
  Builder builder_;
  std::unique_ptr<PlanRun<T>> run_;
};

}  // namespace test
