// How many launches convert factors to bfloat16: seen in the programs themselves, which only these tests can look into.
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
  const CudaProgram made(
      engine,
      {program.dtype, program.steps.data(), static_cast<int32_t>(program.steps.size()), program.phases.data(),
       static_cast<int32_t>(program.phases.size()), program.backward_begin, program.loss});
  Count of;
  for (const cuda::Launch& launch : made.launches) {
    of.products += launch.launcher == cuda::product_launcher();
    of.conversions += launch.launcher == cuda::conversion_launcher();
  }
  of.scratch_bytes = made.scratch_bytes;
  return of;
}

}  // namespace

// Two conversions a product would be 16: the forward products read W1 x, W2 a1, W3 a2, the others W3ᵀδ3, W2ᵀδ2, δ3 a2ᵀ,
// δ2 a1ᵀ and δ1 xᵀ, which makes three weights, three inputs of a layer and three δ.
TEST(cuda_emulated_a_step_converts_each_factor_once) {
  const Wide wide;
  for (const OptimizerSettings& rule : {sgd(), sgd(0.9), adam()}) {
    const Count of = count(wide.b.graph, training(wide.loss, 256, rule), CudaPrecision::bfloat16);
    CHECK(of.products == 8);
    CHECK(of.conversions == 9);
    CHECK(count(wide.b.graph, training(wide.loss, 256, rule), CudaPrecision::float32).conversions == 0);
  }
}

// A predictor's copies share memory: no more is needed at a time than W2 and a1.
TEST(cuda_emulated_copies_share_memory_by_lifetime) {
  const Wide wide;
  PlanRequest request;
  request.batch = 256;
  request.outputs = {wide.logits};
  const Count of = count(wide.b.graph, request, CudaPrecision::bfloat16);
  CHECK(of.products == 3);
  CHECK(of.conversions == 6);
  CHECK(of.scratch_bytes == (2048 * 2048 + 2048 * 256) * 2);
}
