// How much of a CUDA engine's memory is held, at the peak and after closing.
#include <cstring>
#include <memory>

#include "backend/cuda/proxy.h"
#include "cuda/engines.h"
#include "graph_builder.h"
#include "harness.h"
#include "optimizers.h"
#include "runtime/predictor.h"
#include "runtime/trainer.h"

using namespace test;

namespace {

constexpr int64_t features = 12, classes = 5;

struct Net {
  Graph graph;
  int32_t loss, logits;
};

Net classifier() {
  Builder b;
  const int32_t logits = b.layer(b.op(Op::relu, {b.layer(b.input(features, "x"), 24)}), classes);
  const int32_t loss = b.op(Op::softmax_cross_entropy, {logits, b.graph.label("label", classes)});
  return {std::move(b.graph), loss, logits};
}

void fill(Inputs& inputs, int64_t batch) {
  std::memset(inputs.reserve(0, batch), 0, static_cast<size_t>(batch * inputs.sample_bytes(0)));
  if (inputs.slots() > 1) std::memset(inputs.reserve(1, batch), 0, static_cast<size_t>(batch * 4));
}

}  // namespace

TEST(cuda_closing_releases_all_memory) {
  if (cuda_engine(CudaPrecision::float32) == nullptr) return skip("no CUDA device");
  const std::unique_ptr<Backend> engine = open_cuda_engine(cuda_library(), 0, CudaPrecision::bfloat16);
  CHECK(engine->memory_bytes().held == 0 && engine->memory_bytes().peak == 0);
  const Net net = classifier();
  int64_t peak = 0;
  for (int i = 0; i < 3; ++i) {
    {
      auto model = std::make_shared<Model>(net.graph, DType::float32, 5, *engine);
      const int64_t of_model = engine->memory_bytes().held;
      CHECK(of_model >= model->layout().parameter_bytes);
      Trainer trainer(model, net.loss, adam());
      Predictor predictor(model, {net.logits});
      const auto workspace = predictor.workspace();
      for (int64_t batch : {20, 300}) {
        fill(trainer.inputs(), batch);
        trainer.step(batch), trainer.step(batch);
        fill(workspace->inputs(), batch);
        workspace->reserve_output(0, batch);
        predictor.predict(*workspace, batch);
      }
      const MemoryBytes open = engine->memory_bytes();
      CHECK(open.held >= of_model + 2 * model->layout().parameter_bytes);
      CHECK(open.peak >= open.held && open.host > 0);
      CHECK(open.free > 0 && open.free <= open.total);  // the driver itself uses some of the device's memory
      if (i > 0) CHECK(open.peak == peak);
      peak = open.peak;
      // steps and predictions of earlier batch sizes allocate nothing
      trainer.step(300);
      predictor.predict(*workspace, 300);
      CHECK(engine->memory_bytes().allocations == open.allocations);
    }
    const MemoryBytes closed = engine->memory_bytes();
    CHECK(closed.held == 0 && closed.host == 0 && closed.peak == peak);
  }
}
