#include "tools/statistics.h"

#include <algorithm>
#include <cmath>

namespace chainrule {

namespace {

template <class T>
void describe_values(const T* values, int64_t count, NodeStatistics* s) {
  s->count = count;
  double sum = 0, low = INFINITY, high = -INFINITY;
  for (int64_t i = 0; i < count; ++i) {
    const double value = static_cast<double>(values[i]);
    sum += value;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  s->mean = sum / static_cast<double>(count);
  double squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double distance = static_cast<double>(values[i]) - s->mean;
    squares += distance * distance;
  }
  s->standard_deviation = std::sqrt(squares / static_cast<double>(count));
  // std::min and std::max ignore NaN
  s->minimum = std::isnan(sum) ? sum : low;
  s->maximum = std::isnan(sum) ? sum : high;
}

template <class T>
double norm(const T* values, int64_t count) {
  double squares = 0;
  for (int64_t i = 0; i < count; ++i)
    squares += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return std::sqrt(squares);
}

}  // namespace

std::vector<NodeStatistics> statistics(const Model& model, const Inspection& inspection, const Inputs& inputs,
                                       const std::vector<bool>& needed) {
  const Graph& graph = model.graph();
  std::vector<NodeStatistics> all;
  for (int32_t id = 0; id < graph.size(); ++id) {
    if (!needed[static_cast<size_t>(id)]) continue;
    NodeStatistics s;
    s.node = id;
    const int64_t count = inspection.count(id);
    if (graph.node(id).op == Op::label) {
      describe_values(inputs.labels(id), inspection.batch(), &s);
    } else {
      with_type(model.dtype(), inspection.value(id),
                [&](auto* values) { describe_values(values, count, &s); });
    }
    if (char* delta = inspection.delta(id)) {
      double& to = graph.node(id).op == Op::parameter ? s.gradient_norm : s.delta_norm;
      with_type(model.dtype(), delta, [&](auto* values) { to = norm(values, count); });
    }
    all.push_back(s);
  }
  return all;
}

}  // namespace chainrule
