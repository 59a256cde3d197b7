// Random graphs with shared parameters, fan-out and every operation next to many others.
#pragma once

#include <utility>
#include <vector>

#include "cases.h"
#include "plan_run.h"

namespace test {

// Draws a random graph node by node. Operands of operations that could produce large values are passed through tanh
// first, so that values stay moderate.
class GraphGenerator {
 public:
  explicit GraphGenerator(uint64_t seed) : random_(1000 + seed) {}

  // Returns a graph of 5 to 40 nodes that uses the operations of `wanted` in order until the graph is full. Each
  // operation adds at most five nodes, and each scalar term two more to be added to the loss.
  GraphCase draw(const std::vector<Op>& wanted) {
    const size_t most = at(10 + random_.below(25));
    for (int i = 0; i < 1 + random_.below(2); ++i) batched_.push_back(b_.input(2 + random_.below(3)));
    batchless_.push_back(b_.parameter(2 + random_.below(3)));
    size_t next = 0;
    while (next < wanted.size() && at(b_.graph.size()) + 2 * scalars_.size() + 4 <= most) add(wanted[next++]);
    // Some values do not reach the loss, so there are also unused branches.
    const int32_t both = b_.op(Op::concat, {batched_.back(), pick(batched_)});
    const int32_t prediction = b_.op(Op::tanh, {both});
    int32_t loss = b_.op(Op::squared_error, {prediction, b_.target(features(prediction))});
    for (int32_t term : scalars_) {
      loss = b_.op(Op::add, {loss, b_.op(Op::scale, {term}, random_.uniform(0.2, 0.8))});
    }
    return {"random graph", std::move(b_.graph), loss};
  }

 private:
  int64_t features(int32_t id) { return b_.graph.node(id).shape.rows; }
  int32_t pick(const std::vector<int32_t>& from) {
    return from[at(random_.below(static_cast<int64_t>(from.size())))];
  }
  // Returns the newest value most of the time, so that graphs grow deep; otherwise an older one, which gives fan-out.
  int32_t value() {
    if (random_.below(3) > 0) return batched_.back();
    return pick(batched_);
  }
  int32_t small(int32_t x) { return b_.op(Op::tanh, {x}); }
  int32_t weight(int64_t rows, int64_t columns) {
    for (int32_t w : weights_) {
      const Shape& shape = b_.graph.node(w).shape;
      if (shape.rows == rows && shape.columns == columns && random_.below(2) == 0)
        return w;  // a shared weight
    }
    weights_.push_back(b_.parameter(rows, columns));
    return weights_.back();
  }

  void scalar_term(int32_t id) { scalars_.push_back(id); }

  void add(Op op) {
    const int32_t x = value();
    const int64_t n = features(x);
    switch (kind_of(op)) {
      case Kind::leaf:
      case Kind::custom: return;
      case Kind::product: {
        const int64_t out = 2 + random_.below(3);
        const bool transposed = random_.below(2) == 0;
        const int32_t w = transposed ? weight(n, out) : weight(out, n);
        std::vector<int32_t> inputs = {x, w};
        if (op == Op::linear && random_.below(3) > 0) inputs.push_back(b_.parameter(out));
        batched_.push_back(b_.product(op, inputs, transposed));
        return;
      }
      case Kind::unary: {
        if (random_.below(4) == 0) {  // the operand is a parameter
          const int32_t p = pick(batchless_);
          const int32_t z = op == Op::log                       ? b_.op(Op::softplus, {p})
                            : op == Op::exp || op == Op::square ? small(p)
                                                                : p;
          scalar_term(b_.op(Op::mean, {b_.op(op, {z}, constant_of(op))}));
          return;
        }
        const int32_t z = op == Op::log                       ? b_.op(Op::softplus, {x})
                          : op == Op::exp || op == Op::square ? small(x)
                                                              : x;
        batched_.push_back(b_.op(op, {z}, constant_of(op)));
        return;
      }
      case Kind::binary: {
        const int64_t form = random_.below(3);
        int32_t other = form == 0 ? b_.parameter(n) : form == 1 ? b_.parameter(1) : x;
        if (form == 2) {
          for (int32_t candidate : batched_) {
            if (features(candidate) == n && candidate != x) other = candidate;
          }
          if (other == x && op == Op::subtract) other = b_.parameter(n);  // x - x has no gradient
        }
        const int32_t first = op == Op::multiply ? small(x) : x;
        batched_.push_back(random_.below(2) == 0 ? b_.op(op, {first, other}) : b_.op(op, {other, first}));
        return;
      }
      case Kind::reduction:
        if (random_.below(3) == 0) {
          scalar_term(b_.op(op, {pick(batchless_)}));
        } else {
          const int32_t s = b_.op(op, {small(x)});
          batched_.push_back(b_.op(Op::concat, {s, x}));
        }
        return;
      case Kind::rowwise:
        batched_.push_back(b_.op(op, {n > 1 ? x : b_.op(Op::concat, {x, small(x)})}, constant_of(op)));
        return;
      case Kind::structure:
        if (op == Op::concat) {
          batched_.push_back(b_.op(op, {x, value()}));
        } else if (op == Op::slice) {
          const int64_t begin = random_.below(n);
          batched_.push_back(b_.slice(x, begin, begin + 1 + random_.below(n - begin)));
        } else if (op == Op::polynomial_features) {
          const int32_t narrow = n > 3 ? b_.slice(x, 0, 3) : x;
          batched_.push_back(b_.op(op, {small(narrow)}));
        } else {
          batchless_.push_back(b_.op(op, {small(x)}));
          scalar_term(b_.op(Op::squared_norm, {batchless_.back()}));
        }
        return;
      case Kind::loss: {
        const bool labels = op == Op::softmax_cross_entropy || op == Op::negative_log_likelihood;
        const int32_t f = op == Op::negative_log_likelihood ? b_.op(Op::softmax, {x}) : x;
        const bool by_label = labels && n > 1 && random_.below(2) == 0;
        const int32_t y =
            by_label ? b_.label(n) : b_.target(n, message(labels ? "distribution" : "y", b_.graph.size()));
        scalar_term(b_.op(op, {f, y}, constant_of(op)));
        return;
      }
    }
  }

  Random random_;
  Builder b_;
  std::vector<int32_t> batched_, batchless_, weights_, scalars_;
};

// Returns the random graph of a seed. Consecutive seeds use consecutive operations of the registry, so that each
// operation occurs often; their order within a graph is shuffled.
inline GraphCase random_graph(uint64_t seed) {
  constexpr size_t count = 13;
  const std::vector<Op> all = operations();
  Random random(seed);
  std::vector<Op> wanted;
  for (size_t i = 0; i < count; ++i) wanted.push_back(all[(seed * count + i) % all.size()]);
  for (size_t i = count; i > 1; --i)
    std::swap(wanted[i - 1], wanted[at(random.below(static_cast<int64_t>(i)))]);
  GraphCase drawn = GraphGenerator(seed).draw(wanted);
  drawn.name = message("random graph ", seed);
  return drawn;
}

}  // namespace test
