// Gradients against central differences, in double. Everything that a rule has to write is NaN before it runs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/backward.h"
#include "plan_run.h"

namespace test {

// 1e-6 is asked for; a correct double gradient is usually within 1e-9.
constexpr double gradient_tolerance = 1e-6;

struct GradientCheck {
  double worst = 0;  // the largest relative error
  double strongest =
      0;  // the largest derivative, in units of what rounding can hide: above 1 the check sees it
  bool at_kink = false;  // no step was small enough to stay on one side of every kink
  bool not_a_number = false;
  std::string text;  // of the worst check

  bool passed() const { return !at_kink && !not_a_number && worst <= gradient_tolerance; }
};

// Which side of each kink the point lies on, for all elements of all operations that have one.
class Sides {
 public:
  explicit Sides(const Graph& graph, const std::vector<bool>& needed) : graph_(graph) {
    for (int32_t id = 0; id < graph.size(); ++id) {
      const Op op = graph.node(id).op;
      if (!needed[at(id)] || !(op == Op::relu || op == Op::leaky_relu || op == Op::elu || op == Op::huber))
        continue;
      nodes_.push_back(id);
      for (int32_t input : graph.node(id).inputs) watched_.push_back(input);
    }
  }
  const std::vector<int32_t>& watched() const { return watched_; }

  std::vector<int8_t> of(const PlanRun<double>& run) const {
    std::vector<int8_t> sides;
    size_t output = 0;
    for (int32_t id : nodes_) {
      const Node& node = graph_.node(id);
      const std::vector<double>& z = run.output(output++);
      const std::vector<double>* y = node.op == Op::huber ? &run.output(output++) : nullptr;
      for (size_t i = 0; i < z.size(); ++i) {
        const double e = y != nullptr ? z[i] - (*y)[i] : z[i], c = y != nullptr ? node.constant : 0;
        sides.push_back(e > c ? 1 : e < -c ? -1 : 0);
      }
    }
    return sides;
  }

 private:
  const Graph& graph_;
  std::vector<int32_t> nodes_, watched_;
};

inline Values zeros_like(const Values& values) {
  Values zeros(values.size());
  for (size_t id = 0; id < values.size(); ++id) zeros[id].assign(values[id].size(), 0.0);
  return zeros;
}

class GradientChecker {
 public:
  // `request` may bring a fault and how to fuse; the rest is set here. Differences are taken on the CPU.
  GradientChecker(const Graph& graph, int32_t loss, int64_t batch, const Values& values,
                  const PlanRequest& request = {}, Backend& backend = cpu_backend())
      : graph_(graph),
        values_(values),
        sides_(graph, needed_for(graph, {loss})),
        forward_(graph, forward_request(loss, batch), values),
        gradients_(zeros_like(values)) {
    PlanRequest backward = request;
    backward.batch = batch;
    backward.loss = loss;
    backward.backward = true;
    PlanRun<double> run(graph, backward, values, backend);
    run.forward();
    base_ = run.loss();
    run.backward();
    const std::vector<bool> reached = needed_for(graph, {loss});
    for (int32_t id = 0; id < graph.size(); ++id) {
      const Op op = graph.node(id).op;
      if (!reached[at(id)] || (op != Op::parameter && op != Op::input)) continue;
      leaves_.push_back(id);
      gradients_[at(id)] = run.gradient(id);
      for (double g : gradients_[at(id)]) {
        if (!std::isfinite(g)) result_.not_a_number = true;
        largest_ = std::max(largest_, std::abs(g));
        ++coordinates_;
      }
    }
    base_sides_ = evaluate(zeros_like(values), 0).sides;
    const double again = forward_.loss();
    if (!(std::abs(again - base_) <= 1e-12 * std::max(1.0, std::abs(base_)))) result_.worst = INFINITY;
  }

  GradientCheck run(int directions, int single_coordinates, uint64_t seed) {
    Random random(seed);
    for (int i = 0; i < directions; ++i) {
      Values direction = zeros_like(values_);
      double norm = 0;
      for (int32_t id : leaves_) {
        for (double& d : direction[at(id)]) {
          d = random.uniform(-1, 1);
          norm += d * d;
        }
      }
      for (int32_t id : leaves_) {
        for (double& d : direction[at(id)]) d /= std::sqrt(norm);
      }
      check(direction, message("direction ", i));
    }
    for (int i = 0; i < single_coordinates; ++i) {
      int64_t chosen = random.below(coordinates_);
      for (int32_t id : leaves_) {
        const int64_t size = static_cast<int64_t>(values_[at(id)].size());
        if (chosen < size) {
          Values direction = zeros_like(values_);
          direction[at(id)][at(chosen)] = 1;
          check(direction, message(graph_.describe(id), "[", chosen, "]"));
          break;
        }
        chosen -= size;
      }
    }
    return result_;
  }

 private:
  struct Point {
    double loss;
    std::vector<int8_t> sides;
  };

  PlanRequest forward_request(int32_t loss, int64_t batch) const {
    PlanRequest request;
    request.batch = batch;
    request.loss = loss;
    request.outputs = sides_.watched();
    return request;
  }

  Point evaluate(const Values& direction, double t) {
    Values moved = values_;
    for (int32_t id : leaves_) {
      for (size_t i = 0; i < moved[at(id)].size(); ++i) moved[at(id)][i] += t * direction[at(id)][i];
    }
    forward_.set(moved);
    forward_.forward();
    return {forward_.loss(), sides_.of(forward_)};
  }

  void check(const Values& direction, const std::string& text) {
    double exact = 0;
    for (int32_t id : leaves_) {
      for (size_t i = 0; i < direction[at(id)].size(); ++i)
        exact += direction[at(id)][i] * gradients_[at(id)][i];
    }
    // The formula's error is h^4 f'''''/30, that of rounding about 2^-52 f / h: a large step first, smaller ones where
    // f bends much or a kink is near.
    double best = INFINITY, best_numeric = NAN;
    bool found = false;
    for (double h : {4e-3, 5e-4, 6e-5, 8e-6}) {
      double f[4];
      const double steps[4] = {-2 * h, -h, h, 2 * h};
      bool one_side = true;
      for (int i = 0; i < 4 && one_side; ++i) {
        Point point = evaluate(direction, steps[i]);
        f[i] = point.loss;
        one_side = point.sides == base_sides_;
      }
      if (!one_side) continue;
      found = true;
      const double numeric = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
      const double rounding = 5e-9 * std::abs(base_) / h;  // times the tolerance: 5e-15 |f| / h
      const double strength = std::max(std::abs(exact), std::abs(numeric));
      const double error = std::abs(exact - numeric) / std::max({strength, 1e-3 * largest_, rounding, 1e-30});
      result_.strongest = std::max(result_.strongest, strength / std::max(rounding, 1e-30));
      if (error < best) best = error, best_numeric = numeric;
      if (best <= gradient_tolerance / 100) break;
    }
    if (!found) result_.at_kink = true;
    if (!std::isfinite(exact)) result_.not_a_number = true;
    if (found && best > result_.worst) {
      result_.worst = best;
      result_.text = message(text, ": backward gives ", exact, ", differences ", best_numeric);
    }
  }

  const Graph& graph_;
  const Values values_;
  const Sides sides_;
  PlanRun<double> forward_;
  Values gradients_;
  std::vector<int32_t> leaves_;
  std::vector<int8_t> base_sides_;
  double base_ = 0, largest_ = 0;
  int64_t coordinates_ = 0;
  GradientCheck result_;
};

}  // namespace test
