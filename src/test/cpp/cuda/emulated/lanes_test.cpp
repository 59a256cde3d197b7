// Which launches of a graph run on the second lane, and that no result depends on how early or late that lane runs.
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

// Returns a launch that reads and writes blocks of the arena. Block n has 100 bytes at offset 100 n.
cuda::Launch launch(const std::vector<int64_t>& reads, const std::vector<int64_t>& writes) {
  cuda::Launch result;
  auto touch = [&](int64_t block, bool writes_it) {
    Operand operand;
    operand.offset = 100 * block;
    operand.bytes = 100;
    result.touches.push_back({operand, writes_it});
  };
  for (int64_t block : reads) touch(block, false);
  for (int64_t block : writes) touch(block, true);
  return result;
}

// Returns the lane of each launch, followed by "<n" if it waits for launch n of the other lane.
std::string lanes_of(const std::vector<cuda::Launch>& launches) {
  std::vector<const cuda::Launch*> pointers;
  for (const cuda::Launch& one : launches) pointers.push_back(&one);
  std::string text;
  for (const cuda::LaneSlot& slot : cuda::assign_lanes(pointers)) {
    text +=
        message(text.empty() ? "" : " ", slot.lane, slot.waits_for < 0 ? "" : message("<", slot.waits_for));
  }
  return text;
}

}  // namespace

TEST(cuda_launches_on_two_lanes_wait_for_their_dependencies) {
  CHECK(lanes_of({}) == "");
  CHECK(lanes_of({launch({}, {1}), launch({1}, {2}), launch({2}, {3})}) == "0 0 0");
  // Block 2 has the δ of layer 2 and block 1 that of layer 1; blocks 12 and 11 have their weights. The update of a
  // weight runs next to the following launches, but after the launch that reads the weight.
  CHECK(lanes_of({launch({2, 12}, {1}), launch({2}, {12}), launch({1, 11}, {0}), launch({1}, {11}),
                  launch({0}, {10})}) == "0 1<0 0 1<2 0");
  // the first lane waits before it writes a block that the second lane reads
  CHECK(lanes_of({launch({}, {2}), launch({2}, {9}), launch({}, {3}), launch({3}, {2}), launch({2}, {4})}) ==
        "0 1<0 0 0<1 0");
  // a launch that depends on several launches of the other lane waits once, for the last
  CHECK(lanes_of({launch({}, {5}), launch({}, {6}), launch({}, {1}), launch({1}, {2}),
                  launch({2, 5, 6}, {3})}) == "1 1 0 0 0<1");
}

TEST(cuda_emulated_results_do_not_depend_on_when_the_second_lane_runs) {
  for (CudaPrecision precision : {CudaPrecision::float32, CudaPrecision::bfloat16}) {
    Backend& with_graphs = *cuda_engine(precision);
    const std::unique_ptr<Backend> one_by_one = [precision] {
      const EnvironmentVariable variable("CHAINRULE_CUDA_GRAPHS", "0");
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
