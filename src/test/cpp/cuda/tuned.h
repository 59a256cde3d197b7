// Shared by the tests of tuning: a network, and engines with a tuning file.
#pragma once

#include <memory>
#include <string>

#include "cuda/engines.h"
#include "devices/tuning_file.h"
#include "graph_builder.h"
#include "io/folder.h"
#include "plan_run.h"

namespace test {

inline std::unique_ptr<Backend> tuned_engine(const std::string& file,
                                             CudaPrecision precision = CudaPrecision::float32) {
  return open_tuned_cuda_engine(cuda_library(), 0, precision, file);
}

// A classifier that is too wide for tiles of samples. Its five products have different shapes; two of them are updates.
struct TunedNet {
  Graph graph;
  int32_t loss = -1;
  static constexpr int32_t products = 5;

  TunedNet() {
    Builder b;
    const int32_t logits = b.layer(b.op(Op::relu, {b.layer(b.input(20), 140)}), 10);
    loss = b.op(Op::softmax_cross_entropy, {logits, b.label(10)});
    graph = std::move(b.graph);
  }

  PlanRequest request(int64_t batch) const { return training(loss, batch); }

  std::string plan_text(Backend& engine, int64_t batch) const {
    return print_plan(make_plan(graph, request(batch), engine));
  }

  // Returns the parameters after three steps of SGD.
  std::vector<std::vector<float>> trained(Backend& engine, int64_t batch) const {
    PlanRun<float> run(graph, request(batch), random_values(graph, batch, 3), engine);
    run.update = scalars(sgd(), 1, 0.1);
    for (int i = 0; i < 3; ++i) run.step();
    std::vector<std::vector<float>> all;
    for (int32_t id : graph.parameters()) all.push_back(run.parameter(id));
    return all;
  }
};

inline int64_t occurrences(const std::string& text, const std::string& part) {
  int64_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace test
