// A second implementation of every operation: plain, in double, directly from its definition. Tests compare the
// engine's values with it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "plan_run.h"

namespace test {

class Reference {
 public:
  Reference(const Graph& graph, int64_t batch, const Values& leaves)
      : graph_(graph), batch_(batch), values_(leaves) {
    for (int32_t id = 0; id < graph.size(); ++id) compute(id);
  }
  // The value of a node as [batch][feature], or [rows][columns] if it is batchless.
  const std::vector<double>& value(int32_t id) const { return values_[at(id)]; }

 private:
  const Shape& shape(int32_t id) const { return graph_.node(id).shape; }
  int64_t samples(int32_t id) const { return shape(id).batched ? batch_ : 1; }
  // Returns element i of the value of sample b. A batchless value is the same for all samples.
  double get(int32_t id, int64_t b, int64_t i) const {
    return values_[at(id)][at((shape(id).batched ? b : 0) * shape(id).elements() + i)];
  }

  // In long double: a rounding error of z / √2 appears in the result z² / 2 times as large.
  static long double normal_cdf(double z) { return std::erfc(-z / std::sqrt(2.0L)) / 2; }
  static double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

  static double unary(Op op, double z, double c) {
    switch (op) {
      case Op::scale: return c * z;
      case Op::negate: return -z;
      case Op::square: return z * z;
      case Op::exp: return std::exp(z);
      case Op::log: return std::log(z);
      case Op::identity: return z;
      case Op::dropout: return z;  // dropout is the identity outside training
      case Op::sigmoid: return sigmoid(z);
      case Op::tanh: return std::tanh(z);
      case Op::relu: return std::isnan(z) ? z : std::max(z, 0.0);
      case Op::leaky_relu: return z < 0 ? c * z : z;
      case Op::elu: return z < 0 ? c * std::expm1(z) : z;
      case Op::softplus: return std::isnan(z) ? z : std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
      case Op::gelu: return std::isinf(z) ? std::max(z, 0.0) : static_cast<double>(normal_cdf(z) * z);
      case Op::silu: return std::isinf(z) ? std::max(z, 0.0) : z * sigmoid(z);
      default: return NAN;
    }
  }

  void compute(int32_t id) {
    const Node& n = graph_.node(id);
    if (n.op == Op::constant) values_[at(id)] = n.values;
    if (kind_of(n.op) == Kind::leaf) return;
    std::vector<double>& out = values_[at(id)];
    out.assign(at(count_of(n.shape, batch_)), NAN);
    const int64_t elements = n.shape.elements();
    for (int64_t b = 0; b < samples(id); ++b) {
      for (int64_t i = 0; i < elements; ++i) out[at(b * elements + i)] = element(n, b, i);
    }
  }

  double element(const Node& n, int64_t b, int64_t i) const {
    const int32_t x = n.inputs[0];
    const int64_t features = shape(x).elements();
    switch (kind_of(n.op)) {
      case Kind::product: {
        const Shape& w = shape(n.inputs[1]);
        const int64_t columns = shape(x).batched ? 1 : shape(x).columns, row = i / columns,
                      column = i % columns;
        double sum = n.inputs.size() > 2 ? get(n.inputs[2], b, row) : 0;
        for (int64_t k = 0; k < shape(x).rows; ++k) {
          sum += get(n.inputs[1], b, n.transposed ? k * w.columns + row : row * w.columns + k) *
                 get(x, b, k * columns + column);
        }
        return sum;
      }
      case Kind::unary: return unary(n.op, get(x, b, i), n.constant);
      case Kind::binary: {
        const int32_t y = n.inputs[1];
        const double p = get(x, b, shape(x).elements() == 1 ? 0 : i),
                     q = get(y, b, shape(y).elements() == 1 ? 0 : i);
        return n.op == Op::add ? p + q : n.op == Op::subtract ? p - q : p * q;
      }
      case Kind::reduction:
      case Kind::rowwise: {
        double max = -INFINITY, sum = 0, squares = 0, exponentials = 0;
        for (int64_t k = 0; k < features; ++k) {
          const double z = get(x, b, k);
          max = std::isnan(z) || std::isnan(max) ? NAN : std::max(max, z);
          sum += z;
          squares += z * z;
        }
        for (int64_t k = 0; k < features; ++k) exponentials += std::exp(get(x, b, k) - max);
        if (n.op == Op::layer_norm) {
          const double mean = sum / static_cast<double>(features);
          double variance = 0;
          for (int64_t k = 0; k < features; ++k) variance += std::pow(get(x, b, k) - mean, 2);
          variance /= static_cast<double>(features);
          const double normalised = (get(x, b, i) - mean) / std::sqrt(variance + n.constant);
          const double weight = n.inputs.size() > 1 ? get(n.inputs[1], b, i) : 1;
          return weight * normalised + (n.inputs.size() > 2 ? get(n.inputs[2], b, i) : 0);
        }
        if (n.op == Op::softmax) return std::exp(get(x, b, i) - max) / exponentials;
        if (n.op == Op::log_sum_exp) return max + std::log(exponentials);
        return n.op == Op::squared_norm ? squares
               : n.op == Op::mean       ? sum / static_cast<double>(features)
                                        : sum;
      }
      case Kind::structure: return structure(n, b, i);
      case Kind::loss: return loss(n);
      case Kind::leaf:
      case Kind::custom: break;
    }
    return NAN;
  }

  double structure(const Node& n, int64_t b, int64_t i) const {
    const int32_t x = n.inputs[0];
    if (n.op == Op::concat) {
      for (int32_t part : n.inputs) {
        if (i < shape(part).elements()) return get(part, b, i);
        i -= shape(part).elements();
      }
    }
    if (n.op == Op::slice) return get(x, b, n.begin * shape(x).columns + i);
    if (n.op == Op::batch_mean) {
      double sum = 0;
      for (int64_t s = 0; s < batch_; ++s) sum += get(x, s, i);
      return sum / static_cast<double>(batch_);
    }
    const int64_t count = shape(x).elements();
    if (i < count) return get(x, b, i);
    if (i < 2 * count) return get(x, b, i - count) * get(x, b, i - count);
    i -= 2 * count;
    for (int64_t p = 0; p < count; ++p) {
      for (int64_t q = p + 1; q < count; ++q) {
        if (i-- == 0) return get(x, b, p) * get(x, b, q);
      }
    }
    return NAN;
  }

  double loss(const Node& n) const {
    const int32_t f = n.inputs[0], y = n.inputs[1];
    const int64_t outputs = shape(f).elements();
    const bool labels = graph_.node(y).op == Op::label;
    double total = 0, mean_over = static_cast<double>(batch_);
    for (int64_t b = 0; b < batch_; ++b) {
      double max = -INFINITY, exponentials = 0;
      for (int64_t i = 0; i < outputs; ++i) max = std::max(max, get(f, b, i));
      for (int64_t i = 0; i < outputs; ++i) exponentials += std::exp(get(f, b, i) - max);
      for (int64_t i = 0; i < outputs; ++i) {
        const double p = get(f, b, i);
        const double t = labels ? (values_[at(y)][at(b)] == static_cast<double>(i) ? 1 : 0) : get(y, b, i);
        const double e = p - t, c = n.constant;
        if (n.op == Op::softmax_cross_entropy) total -= t == 0 ? 0 : t * (p - max - std::log(exponentials));
        if (n.op == Op::negative_log_likelihood) total -= t == 0 ? 0 : t * std::log(p);
        if (n.op == Op::binary_cross_entropy) total += unary(Op::softplus, p, 0) - t * p;
        if (n.op == Op::squared_error || n.op == Op::mean_squared_error) total += e * e;
        if (n.op == Op::huber) total += std::abs(e) <= c ? e * e / 2 : c * (std::abs(e) - c / 2);
      }
    }
    const bool mean = n.op == Op::binary_cross_entropy || n.op == Op::mean_squared_error || n.op == Op::huber;
    if (mean) mean_over *= static_cast<double>(outputs);
    return total / mean_over;
  }

  const Graph& graph_;
  const int64_t batch_;
  Values values_;
};

}  // namespace test
