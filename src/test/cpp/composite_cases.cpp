#include <functional>
#include <utility>

#include "cases.h"

namespace test {

std::vector<GraphCase> composite_cases() {
  std::vector<GraphCase> cases;
  const auto add = [&](const std::string& name, const std::function<int32_t(Builder&)>& build) {
    Builder b;
    const int32_t loss = build(b);
    cases.push_back({name, std::move(b.graph), loss});
  };
  const auto error = [](Builder& b, int32_t f) {
    return b.op(Op::squared_error, {f, b.target(b.graph.node(f).shape.rows)});
  };

  add("two losses, one scaled", [&](Builder& b) {
    const int32_t x = b.input(3), hidden = b.op(Op::tanh, {b.layer(x, 4)});
    const int32_t first = error(b, b.layer(hidden, 2));
    const int32_t second = b.op(Op::softmax_cross_entropy, {b.layer(hidden, 3), b.label(3)});
    return b.op(Op::add, {first, b.op(Op::scale, {second}, -0.3)});
  });
  add("two losses of one prediction", [&](Builder& b) {
    const int32_t f = b.layer(b.input(3), 2), y = b.target(2);
    return b.op(Op::subtract, {b.op(Op::squared_error, {f, y}), b.op(Op::huber, {f, y}, 0.5)});
  });
  add("a prediction used by a loss and by a layer", [&](Builder& b) {
    const int32_t f = b.op(Op::tanh, {b.layer(b.input(3), 2)});
    return b.op(Op::add, {error(b, f), error(b, b.layer(f, 2))});
  });
  add("weight decay as a term", [&](Builder& b) {
    const int32_t w = b.parameter(2, 3);
    const int32_t loss = error(b, b.product(Op::linear, {b.input(3), w, b.parameter(2)}));
    return b.op(Op::add, {loss, b.op(Op::scale, {b.op(Op::squared_norm, {w})}, 0.1)});
  });
  add("weight decay scaled by a parameter", [&](Builder& b) {
    const int32_t w = b.parameter(2, 3);
    const int32_t loss = error(b, b.product(Op::linear, {b.input(3), w}));
    return b.op(Op::add, {b.op(Op::multiply, {b.op(Op::squared_norm, {w}), b.parameter(1)}), loss});
  });
  add("a loss times a loss", [&](Builder& b) {
    const int32_t f = b.layer(b.input(3), 2), y = b.target(2);
    return b.op(Op::multiply, {b.op(Op::squared_error, {f, y}), b.op(Op::mean_squared_error, {f, y})});
  });
  add("a loss whose δ is the sum of a constant and a value known at run time", [&](Builder& b) {
    const int32_t loss = error(b, b.layer(b.input(3), 2));
    return b.op(Op::add, {b.op(Op::scale, {loss}, 3), b.op(Op::square, {loss})});
  });
  add("logarithm of a loss, negated",
      [&](Builder& b) { return b.op(Op::negate, {b.op(Op::log, {error(b, b.layer(b.input(3), 2))})}); });
  add("a loss added to itself", [&](Builder& b) {
    const int32_t loss = error(b, b.layer(b.input(3), 2));
    return b.op(Op::add, {loss, loss});
  });
  add("parameters alone", [&](Builder& b) {
    const int32_t w = b.parameter(3, 2);
    return b.op(Op::add, {b.op(Op::squared_norm, {w}), b.op(Op::mean, {b.op(Op::exp, {w})})});
  });
  add("a scalar parameter as the loss", [&](Builder& b) { return b.op(Op::scale, {b.parameter(1)}, 2); });
  add("a skip connection", [&](Builder& b) {
    const int32_t x = b.input(3), hidden = b.op(Op::silu, {b.layer(x, 3)});
    const int32_t sum = b.op(Op::add, {hidden, x});
    return error(b, b.layer(b.op(Op::concat, {sum, hidden, x}), 2));
  });
  add("fan-out to five", [&](Builder& b) {
    const int32_t h = b.op(Op::tanh, {b.layer(b.input(3), 2)});
    const int32_t parts =
        b.op(Op::concat, {h, b.op(Op::exp, {h}), b.op(Op::negate, {h}), b.op(Op::square, {h}), h});
    return error(b, parts);
  });
  add("unused branches", [&](Builder& b) {
    const int32_t x = b.input(3), hidden = b.op(Op::sigmoid, {b.layer(x, 3)});
    b.op(Op::softmax, {b.layer(hidden, 5)});
    b.layer(b.input(2), 2);
    const int32_t loss = error(b, b.layer(hidden, 2));
    b.op(Op::square, {loss});
    return loss;
  });
  add("normalised over the batch", [&](Builder& b) {
    const int32_t h = b.layer(b.input(3), 2);
    const int32_t centred = b.op(Op::subtract, {h, b.op(Op::batch_mean, {h})});
    const int32_t variance = b.op(Op::batch_mean, {b.op(Op::square, {centred})});
    const int32_t half = b.op(
        Op::scale, {b.op(Op::log, {b.op(Op::add, {variance, b.graph.constant("", 1, 1, {0.5})})})}, -0.5);
    return error(b, b.op(Op::concat, {b.op(Op::multiply, {centred, b.op(Op::exp, {half})}), h}));
  });
  add("tied autoencoder", [&](Builder& b) {
    const int32_t x = b.input(5), w = b.parameter(2, 5);
    const int32_t code = b.op(Op::sigmoid, {b.product(Op::linear, {x, w, b.parameter(2)})});
    return b.op(Op::mean_squared_error, {b.product(Op::linear, {code, w, b.parameter(5)}, true), x});
  });
  add("a deep chain in place", [&](Builder& b) {
    int32_t h = b.layer(b.input(3), 4);
    for (Op op :
         {Op::scale, Op::negate, Op::identity, Op::sigmoid, Op::negate, Op::tanh, Op::scale, Op::softplus}) {
      h = b.op(op, {h}, op == Op::scale ? 1.5 : 0);
    }
    return error(b, h);
  });
  return cases;
}

}  // namespace test
