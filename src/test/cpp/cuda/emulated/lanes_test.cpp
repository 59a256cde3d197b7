// Launches beside each other in a graph: which are, and that no result depends on how early or late the second lane runs.
#include "backend/cuda/lanes.h"

#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/proxy.h"
#include "cases.h"
#include "cuda/emulated/emulation.h"
#include "cuda/engines.h"
#include "cuda/variable.h"
#include "harness.h"
#include "plan_run.h"

using namespace test;

namespace {

// A launch that reads and writes blocks of 100 bytes of the arena, by number.
cuda::Launch launch(const std::vector<int64_t>& reads, const std::vector<int64_t>& writes) {
  cuda::Launch made;
  auto touch = [&](int64_t block, bool writes_it) {
    Operand operand;
    operand.offset = 100 * block;
    operand.bytes = 100;
    made.touches.push_back({operand, writes_it});
  };
  for (int64_t block : reads) touch(block, false);
  for (int64_t block : writes) touch(block, true);
  return made;
}

std::string turns_of(const std::vector<cuda::Launch>& launches) {
  std::vector<const cuda::Launch*> pointers;
  for (const cuda::Launch& one : launches) pointers.push_back(&one);
  std::string text;
  for (const cuda::LaneSlot& turn : cuda::assign_lanes(pointers)) {
    text +=
        message(text.empty() ? "" : " ", turn.lane, turn.waits_for < 0 ? "" : message("<", turn.waits_for));
  }
  return text;
}

}  // namespace

TEST(cuda_launches_beside_each_other_wait_for_what_they_touch) {
  CHECK(turns_of({}) == "");
  CHECK(turns_of({launch({}, {1}), launch({1}, {2}), launch({2}, {3})}) == "0 0 0");
  // δ of layer 2 in 2, of layer 1 in 1; weights in 12 and 11: each gradient beside what follows, written after it was read
  CHECK(turns_of({launch({2, 12}, {1}), launch({2}, {12}), launch({1, 11}, {0}), launch({1}, {11}),
                  launch({0}, {10})}) == "0 1<0 0 1<2 0");
  // what the second lane still reads is not written before: the first lane waits
  CHECK(turns_of({launch({}, {2}), launch({2}, {9}), launch({}, {3}), launch({3}, {2}), launch({2}, {4})}) ==
        "0 1<0 0 0<1 0");
  // one wait for the last of several
  CHECK(turns_of({launch({}, {5}), launch({}, {6}), launch({}, {1}), launch({1}, {2}),
                  launch({2, 5, 6}, {3})}) == "1 1 0 0 0<1");
}

TEST(cuda_emulated_results_do_not_depend_on_when_the_second_lane_runs) {
  for (CudaPrecision precision : {CudaPrecision::float32, CudaPrecision::bfloat16}) {
    Backend& with_graphs = *cuda_engine(precision);
    const std::unique_ptr<Backend> one_by_one = [precision] {
      const Variable variable("CHAINRULE_CUDA_GRAPHS", "0");
      return open_cuda_engine(cuda_library(), 0, precision);
    }();
    for (const GraphCase& c : composite_cases()) {
      for (OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam}) {
        PlanRequest request;
        request.batch = 40;
        request.loss = c.loss;
        request.backward = request.update = true;
        request.optimizer = kind;
        const Values values = random_values(c.graph, request.batch, 3);
        auto train = [&](Backend& engine, bool early) {
          emulate_early(early);
          PlanRun<float> run(c.graph, request, values, engine);
          run.update = scalars(request.optimizer, 1, 0.01, 0.99, 1e-3);
          for (int step = 0; step < 4; ++step) run.step();
          emulate_early(false);
          std::vector<std::vector<float>> parameters;
          for (int32_t id : c.graph.parameters()) parameters.push_back(run.parameter(id));
          return parameters;
        };
        const auto expected = train(*one_by_one, false);
        for (bool early : {false, true}) {
          const auto got = train(with_graphs, early);
          for (size_t i = 0; i < got.size(); ++i) {
            if (!same_bits(got[i], expected[i]))
              fail(c.name.c_str(), static_cast<int>(i), early ? "differs (early)" : "differs (late)");
          }
        }
      }
    }
  }
}
