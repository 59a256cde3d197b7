// How many launches convert factors to bfloat16. The tests count them in the engine's programs, which are accessible
// only in builds with the emulated device.
#include <algorithm>

#include "backend/cuda/engine.h"
#include "cuda/engines.h"
#include "graph_builder.h"
#include "harness.h"
#include "plan_run.h"

using namespace test;

namespace {

// 1024-2048-2048-1000, the workload `wide` of the benchmarks.
struct Wide {
  Builder b;
  int32_t logits, loss;

  Wide() {
    const int32_t first = b.op(Op::relu, {b.layer(b.input(1024), 2048)});
    logits = b.layer(b.op(Op::relu, {b.layer(first, 2048)}), 1000);
    loss = b.op(Op::softmax_cross_entropy, {logits, b.label(1000)});
  }
};

struct Count {
  int64_t products = 0, conversions = 0;
  int64_t scratch_bytes = 0;
};

Count count(const Graph& graph, const PlanRequest& request, CudaPrecision precision) {
  const Program program = make_plan(graph, request, *cuda_engine(precision)).program;
  CudaEngine engine(0, precision);
  const CudaProgram compiled(
      engine,
      {program.dtype, program.steps.data(), static_cast<int32_t>(program.steps.size()), program.phases.data(),
       static_cast<int32_t>(program.phases.size()), program.backward_begin, program.loss});
  Count counted;
  for (const cuda::Launch& launch : compiled.launches) {
    counted.products += launch.launcher == cuda::product_launcher();
    counted.conversions += launch.launcher == cuda::conversion_launcher();
  }
  counted.scratch_bytes = compiled.scratch_bytes;
  return counted;
}

}  // namespace

// Two conversions per product would be 16. The forward products are W1 x, W2 a1 and W3 a2, the others W3ᵀδ3, W2ᵀδ2, δ3
// a2ᵀ, δ2 a1ᵀ and δ1 xᵀ. Their different factors are three weights, three inputs of layers and three δ.
TEST(cuda_emulated_a_step_converts_each_factor_once) {
  const Wide wide;
  for (const OptimizerSettings& rule : {sgd(), sgd(0.9), adam()}) {
    const Count counted = count(wide.b.graph, training(wide.loss, 256, rule), CudaPrecision::bfloat16);
    CHECK(counted.products == 8);
    CHECK(counted.conversions == 9);
    CHECK(count(wide.b.graph, training(wide.loss, 256, rule), CudaPrecision::float32).conversions == 0);
  }
}

// The copies of a prediction share memory. The largest two that are needed at the same time are W2 and a1.
TEST(cuda_emulated_copies_share_memory_by_lifetime) {
  const Wide wide;
  PlanRequest request;
  request.batch = 256;
  request.outputs = {wide.logits};
  const Count counted = count(wide.b.graph, request, CudaPrecision::bfloat16);
  CHECK(counted.products == 3);
  CHECK(counted.conversions == 6);
  CHECK(counted.scratch_bytes == (2048 * 2048 + 2048 * 256) * 2);
}
