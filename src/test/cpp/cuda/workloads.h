// The networks of the benchmarks (benchmarks/, tools/gpu) as graphs for tests.
#pragma once

#include <string>
#include <vector>

#include "graph_builder.h"

namespace test {

struct Workload {
  std::string name;
  Graph graph;
  int32_t loss;
  int64_t batch;
};

// Returns linear layers of the given widths with an activation between them. `constant` is the activation's constant.
inline Workload workload(const std::string& name, const std::vector<int64_t>& layers, Op activation, Op loss,
                         int64_t batch, double constant = 0) {
  Builder b;
  int32_t a = b.input(layers.front());
  for (size_t i = 1; i < layers.size(); ++i) {
    a = b.layer(a, layers[i]);
    if (i + 1 < layers.size()) a = b.op(activation, {a}, constant);
  }
  const int32_t target = loss == Op::softmax_cross_entropy ? b.label(layers.back()) : b.target(layers.back());
  const int32_t value = b.op(loss, {a, target});
  return {name, std::move(b.graph), value, batch};
}

inline std::vector<Workload> workloads() {
  const Op classes = Op::softmax_cross_entropy, values = Op::mean_squared_error;
  std::vector<Workload> all;
  all.push_back(workload("tiny", {2, 8, 8, 2}, Op::sigmoid, classes, 32));
  all.push_back(workload("mnist-s", {784, 128, 10}, Op::relu, classes, 64));
  all.push_back(workload("mnist-m", {784, 512, 256, 10}, Op::relu, classes, 128));
  all.push_back(workload("wide", {1024, 2048, 2048, 1000}, Op::relu, classes, 256));
  all.push_back(workload("alex-fc", {9216, 4096, 4096, 1000}, Op::relu, classes, 128));
  all.push_back(workload("deep", std::vector<int64_t>(13, 256), Op::sigmoid, values, 64));
  all.push_back(workload("regress", {64, 1}, Op::relu, values, 1024));
  all.push_back(workload("skinny", {32, 32, 32, 1}, Op::relu, values, 65536));
  all.push_back(workload("huge", {8192, 8192, 8192, 1000}, Op::relu, classes, 4096));
  all.push_back(workload("fused-small", {64, 64, 64, 64, 3}, Op::relu, values, 65536));
  return all;
}

}  // namespace test
