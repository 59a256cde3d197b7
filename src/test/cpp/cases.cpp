#include "cases.h"

#include <functional>
#include <utility>

namespace test {

namespace {

class Table {
 public:
  Table(Op op, bool wide) : op_(op), wide_(wide) {}

  // `build` returns a node. Its value becomes the operand of a loss.
  void add(const std::string& name, const std::function<int32_t(Builder&)>& build) {
    Builder b;
    const int32_t loss = b.loss_of(build(b));
    cases.push_back({message(name_of(op_), ": ", name), std::move(b.graph), loss});
  }

  // Returns a number of features: `few`, or many times as many for wide cases.
  int64_t n(int64_t few) const { return wide_ ? few * 13 : few; }

  std::vector<GraphCase> cases;

 private:
  const Op op_;
  const bool wide_;
};

void products(Table& t, Op op) {
  const bool bias = op == Op::linear;
  const auto with_bias = [bias](Builder& b, int32_t x, int32_t w, int64_t out) {
    return bias ? std::vector<int32_t>{x, w, b.parameter(out)} : std::vector<int32_t>{x, w};
  };
  for (bool transposed : {false, true}) {
    const std::string form = transposed ? ", transposed" : "";
    const auto weight = [transposed](Builder& b, int64_t out, int64_t in) {
      return transposed ? b.parameter(in, out) : b.parameter(out, in);
    };
    t.add("data" + form, [&](Builder& b) {
      const int64_t in = t.n(3), out = t.n(4);
      return b.product(op, with_bias(b, b.input(in), weight(b, out, in), out), transposed);
    });
    t.add("hidden value" + form, [&](Builder& b) {
      const int64_t in = t.n(3), out = t.n(2);
      return b.product(op, with_bias(b, b.op(Op::tanh, {b.layer(b.input(2), in)}), weight(b, out, in), out),
                       transposed);
    });
    t.add("computed weight" + form, [&](Builder& b) {
      return b.product(op, with_bias(b, b.input(3), b.op(Op::sigmoid, {weight(b, 2, 3)}), 2), transposed);
    });
    t.add("constant weight" + form, [&](Builder& b) {
      const int32_t w = transposed ? b.constant(3, 2) : b.constant(2, 3);
      return b.product(op, {b.input(3), w}, transposed);
    });
    t.add("targets as data" + form, [&](Builder& b) {
      return b.product(op, with_bias(b, b.target(3), weight(b, 2, 3), 2), transposed);
    });
  }
  t.add("weight shared, once transposed", [&](Builder& b) {
    const int32_t w = b.parameter(3, 5);
    const int32_t code = b.op(Op::sigmoid, {b.product(op, {b.input(5), w})});
    return b.product(op, {code, w}, true);
  });
  t.add("weight applied twice", [&](Builder& b) {
    const int32_t w = b.parameter(4, 4);
    return b.product(op, {b.op(Op::tanh, {b.product(op, {b.input(4), w})}), w});
  });
  t.add("output used twice", [&](Builder& b) {
    const int32_t z = b.product(op, with_bias(b, b.input(3), b.parameter(2, 3), 2));
    return b.op(Op::multiply, {z, b.op(Op::sigmoid, {z})});
  });
  if (bias) {
    t.add("no bias", [&](Builder& b) { return b.product(op, {b.input(3), b.parameter(2, 3)}); });
    t.add("computed bias", [&](Builder& b) {
      return b.product(op, {b.input(3), b.parameter(2, 3), b.op(Op::square, {b.parameter(2)})});
    });
    t.add("bias shared by two layers", [&](Builder& b) {
      const int32_t bias_of_both = b.parameter(3), x = b.input(2);
      const int32_t hidden = b.op(Op::sigmoid, {b.product(op, {x, b.parameter(3, 2), bias_of_both})});
      return b.op(Op::gelu, {b.product(op, {hidden, b.parameter(3, 3), bias_of_both})});
    });
    return;
  }
  for (bool transposed : {false, true}) {
    const std::string form = transposed ? ", transposed" : "";
    t.add("batchless matrix" + form, [&](Builder& b) {
      const int32_t w = transposed ? b.parameter(3, 2) : b.parameter(2, 3);
      return b.product(op, {b.parameter(3, 4), w}, transposed);
    });
    t.add("batchless vector" + form, [&](Builder& b) {
      const int32_t w = transposed ? b.parameter(t.n(3), t.n(2)) : b.parameter(t.n(2), t.n(3));
      return b.product(op, {b.parameter(t.n(3)), w}, transposed);
    });
    t.add("a parameter by itself" + form, [&](Builder& b) {
      const int32_t w = b.parameter(3, 3);
      return b.product(op, {w, w}, transposed);
    });
  }
}

void binaries(Table& t, Op op) {
  using Make = std::function<int32_t(Builder&)>;
  const int64_t n = t.n(3);
  const std::vector<std::pair<std::string, Make>> batched = {
      {"data", [n](Builder& b) { return b.input(n); }},
      {"hidden value", [n](Builder& b) { return b.op(Op::tanh, {b.layer(b.input(2), n)}); }}};
  const std::vector<std::pair<std::string, Make>> batchless = {
      {"vector", [n](Builder& b) { return b.parameter(n); }},
      {"scalar", [](Builder& b) { return b.parameter(1); }},
      {"computed vector", [n](Builder& b) { return b.op(Op::square, {b.parameter(n)}); }},
      {"constant vector", [n](Builder& b) { return b.constant(n); }}};
  const auto both = [&](const std::string& name, const Make& first, const Make& second) {
    t.add(name, [&](Builder& b) {
      const int32_t x = first(b);
      return b.op(op, {x, second(b)});
    });
  };
  for (const auto& x : batched) {
    for (const auto& y : batched) both(x.first + " and " + y.first, x.second, y.second);
    for (const auto& y : batchless) {
      both(x.first + " and " + y.first, x.second, y.second);
      both(y.first + " and " + x.first, y.second, x.second);
    }
    if (op != Op::subtract) {  // x - x is always 0
      both("the same node twice: " + x.first, x.second, [](Builder& b) { return b.graph.size() - 1; });
    }
  }
  const Make matrix = [](Builder&b) { return b.parameter(2, 3); },
             scalar = [](Builder&b) { return b.parameter(1); };
  both("matrices", matrix, matrix);
  both("matrix and scalar", matrix, scalar);
  both("scalar and matrix", scalar, matrix);
  both("scalars", scalar, scalar);
  if (op != Op::subtract)
    both("the same parameter twice", matrix, [](Builder& b) { return b.graph.size() - 1; });
  both(
      "one feature and scalar", [](Builder& b) { return b.input(1); }, scalar);
  // One value per sample, broadcast over the features.
  const std::vector<std::pair<std::string, Make>> of_sample = {
      {"one value per sample", [](Builder& b) { return b.input(1); }},
      {"hidden value per sample", [](Builder& b) { return b.op(Op::tanh, {b.layer(b.input(2), 1)}); }},
      {"norm of the sample", [](Builder& b) { return b.op(Op::squared_norm, {b.input(2)}); }}};
  for (const auto& x : batched) {
    for (const auto& y : of_sample) {
      both(x.first + " and " + y.first, x.second, y.second);
      both(y.first + " and " + x.first, y.second, x.second);
    }
  }
  t.add("value per sample used twice", [&](Builder& b) {
    const int32_t s = b.op(Op::tanh, {b.layer(b.input(2), 1)});
    return b.op(op, {b.op(op, {b.layer(b.input(2), n), s}), s});
  });
  both("value per sample and scalar", of_sample[1].second, scalar);
  both(
      "targets and data", [n](Builder& b) { return b.target(n); }, batched[0].second);
}

// Operations of one operand, elementwise or row by row.
void with_operand(Table& t, Op op) {
  const double c = constant_of(op);
  const bool positive = op == Op::log;
  const auto apply = [&](Builder& b, int32_t x) {
    return b.op(op, {positive ? b.op(Op::softplus, {x}) : x}, c);
  };
  const int64_t n = t.n(3);
  t.add("data", [&](Builder& b) { return b.op(op, {b.input(n, "positive")}, c); });
  t.add("a layer", [&](Builder& b) { return apply(b, b.layer(b.input(2), n)); });
  t.add("a layer without bias", [&](Builder& b) {
    return apply(b, b.product(Op::linear, {b.input(2), b.parameter(n, 2)}));
  });
  t.add("hidden value", [&](Builder& b) { return apply(b, b.op(Op::tanh, {b.layer(b.input(2), n)})); });
  t.add("data of both signs", [&](Builder& b) { return apply(b, b.op(Op::identity, {b.input(n)})); });
  if (kind_of(op) != Kind::rowwise) {  // of one feature, softmax is always 1 and layer_norm always 0
    t.add("one feature", [&](Builder& b) { return apply(b, b.layer(b.input(2), 1)); });
    t.add("scalar", [&](Builder& b) { return apply(b, b.parameter(1, 1, "positive")); });
  }
  t.add("vector", [&](Builder& b) { return apply(b, b.parameter(n)); });
  t.add("matrix", [&](Builder& b) { return apply(b, b.parameter(n, 4)); });
  t.add("computed matrix", [&](Builder& b) { return apply(b, b.op(Op::scale, {b.parameter(2, 3)}, 1.5)); });
  t.add("operand used twice", [&](Builder& b) {
    const int32_t x = b.op(Op::tanh, {b.input(n)});
    const int32_t y = b.op(Op::squared_norm, {apply(b, x)});
    return b.op(Op::concat, {x, y});
  });
  t.add("applied twice",
        [&](Builder& b) { return apply(b, apply(b, b.op(Op::sigmoid, {b.layer(b.input(2), n)}))); });
  t.add("result used twice", [&](Builder& b) {
    const int32_t y = apply(b, b.layer(b.input(2), n));
    return b.op(Op::multiply, {y, b.op(Op::sigmoid, {y})});
  });
}

// Row-wise operations with parameters, which have one value per feature.
void with_parameters(Table& t, Op op) {
  const double c = constant_of(op);
  const int64_t n = t.n(3);
  const auto hidden = [n](Builder& b) { return b.op(Op::tanh, {b.layer(b.input(2), n)}); };
  for (int32_t count = 1; count <= traits_of(op).parameters; ++count) {
    const std::string with = message(count, count == 1 ? " parameter" : " parameters");
    const auto parameters = [n, count](Builder& b, int32_t x) {
      std::vector<int32_t> inputs = {x};
      for (int32_t i = 0; i < count; ++i) inputs.push_back(b.parameter(n));
      return inputs;
    };
    t.add(with + ", data", [&](Builder& b) { return b.op(op, parameters(b, b.input(n)), c); });
    t.add(with + ", hidden value", [&](Builder& b) { return b.op(op, parameters(b, hidden(b)), c); });
    t.add(with + ", vector", [&](Builder& b) { return b.op(op, parameters(b, b.parameter(n)), c); });
    t.add(with + ", used twice", [&](Builder& b) {
      const int32_t x = hidden(b);
      std::vector<int32_t> inputs = parameters(b, x);
      const int32_t y = b.op(op, inputs, c);
      inputs[0] = b.op(Op::sigmoid, {b.op(Op::multiply, {x, y})});
      return b.op(op, inputs, c);
    });
    t.add(with + ", computed", [&](Builder& b) {
      std::vector<int32_t> inputs = {hidden(b)};
      for (int32_t i = 0; i < count; ++i) inputs.push_back(b.op(Op::exp, {b.parameter(n)}));
      return b.op(op, inputs, c);
    });
  }
  if (traits_of(op).parameters > 0) {
    t.add("parameters of a matrix", [&](Builder& b) {
      return b.op(op, {b.parameter(2, 3), b.parameter(6), b.parameter(6)}, c);
    });
  }
}

void structures(Table& t, Op op) {
  const int64_t n = t.n(3);
  const auto hidden = [](Builder& b, int64_t features) {
    return b.op(Op::tanh, {b.layer(b.input(2), features)});
  };
  if (op == Op::concat) {
    t.add("one", [&](Builder& b) { return b.op(op, {b.input(n)}); });
    t.add("data and hidden value", [&](Builder& b) {
      const int32_t x = b.input(n);
      return b.op(op, {x, hidden(b, 1), x, hidden(b, n)});
    });
    t.add("the same node twice", [&](Builder& b) {
      const int32_t x = hidden(b, n);
      return b.op(op, {x, x});
    });
    t.add("matrices", [&](Builder& b) {
      const int32_t w = b.parameter(2, 3);
      return b.op(op, {w, b.parameter(1, 3), b.op(Op::square, {w}), w});
    });
    t.add("vectors", [&](Builder& b) { return b.op(op, {b.parameter(n), b.parameter(1)}); });
  } else if (op == Op::slice) {
    t.add("middle of data", [&](Builder& b) { return b.slice(b.input(n + 2), 1, n + 1); });
    t.add("all", [&](Builder& b) { return b.slice(hidden(b, n), 0, n); });
    t.add("overlapping", [&](Builder& b) {
      const int32_t x = hidden(b, n + 1);
      return b.op(Op::multiply, {b.slice(x, 0, n), b.slice(x, 1, n + 1)});
    });
    t.add("of a value used elsewhere", [&](Builder& b) {
      const int32_t x = hidden(b, n);
      return b.op(Op::concat, {b.op(Op::exp, {x}), b.slice(x, 1, 2), b.op(Op::square, {x})});
    });
    t.add("across the parts of a concat", [&](Builder& b) {  // reads rows that other tiles have written
      const int32_t x = b.input(n);
      const int32_t both = b.op(Op::concat, {b.op(Op::tanh, {x}), b.op(Op::exp, {x})});
      return b.op(Op::sigmoid, {b.slice(both, n / 2, n / 2 + n)});
    });
    t.add("rows of a matrix", [&](Builder& b) {
      const int32_t w = b.parameter(4, 3);
      return b.op(Op::add, {b.slice(w, 0, 2), b.slice(b.op(Op::square, {w}), 1, 3)});
    });
    t.add("of a vector", [&](Builder& b) { return b.slice(b.parameter(n + 1), 1, n); });
  } else if (op == Op::polynomial_features) {
    for (int64_t features : {int64_t{1}, int64_t{2}, t.n(1) + 4}) {
      t.add(message(features, " features"), [&](Builder& b) { return b.op(op, {b.input(features)}); });
    }
    t.add("hidden value", [&](Builder& b) { return b.op(op, {hidden(b, 3)}); });
    t.add("vector", [&](Builder& b) { return b.op(op, {b.parameter(3)}); });
    t.add("of a value used elsewhere", [&](Builder& b) {
      const int32_t x = hidden(b, 3);
      return b.op(Op::concat, {b.op(op, {x}), x});
    });
  } else {
    t.add("data", [&](Builder& b) { return b.op(op, {b.input(n)}); });
    t.add("hidden value", [&](Builder& b) { return b.op(op, {hidden(b, n)}); });
    t.add("one feature", [&](Builder& b) { return b.op(op, {b.layer(b.input(2), 1)}); });
    t.add("of a value used elsewhere", [&](Builder& b) {
      const int32_t x = hidden(b, n);
      return b.op(Op::add, {x, b.op(op, {x})});
    });
  }
}

void losses(Table& t, Op op) {
  const double c = constant_of(op);
  const int64_t n = t.n(3);
  const bool probabilities = op == Op::negative_log_likelihood;
  const bool distributions = probabilities || op == Op::softmax_cross_entropy;
  const std::string wanted = distributions ? "distribution" : "";
  const auto prediction = [&](Builder& b, int64_t features) {
    const int32_t z = b.layer(b.input(2), features);
    return probabilities ? b.op(Op::softmax, {z}) : z;
  };
  const auto direct = [&](Builder& b) { return b.input(n, probabilities ? "positive" : ""); };
  t.add("target values", [&](Builder& b) {
    const int32_t f = prediction(b, n);
    return b.op(op, {f, b.target(n, wanted)}, c);
  });
  t.add("data as prediction", [&](Builder& b) {
    const int32_t f = direct(b);
    return b.op(op, {f, b.target(n, wanted)}, c);
  });
  t.add("data as target", [&](Builder& b) {
    const int32_t f = prediction(b, n);
    return b.op(op, {f, b.input(n, wanted)}, c);
  });
  t.add("computed target", [&](Builder& b) {
    const int32_t f = prediction(b, n);
    return b.op(op, {f, b.op(Op::softmax, {b.layer(b.input(2), n)})}, c);
  });
  t.add("prediction and target of one value", [&](Builder& b) {
    const int32_t f = prediction(b, n);
    return b.op(op, {f, b.op(Op::sigmoid, {f})}, c);
  });
  if (distributions) {
    t.add("labels", [&](Builder& b) {
      const int32_t f = prediction(b, n);
      return b.op(op, {f, b.label(n)}, c);
    });
    t.add("labels, data as prediction", [&](Builder& b) {
      const int32_t f = direct(b);
      return b.op(op, {f, b.label(n)}, c);
    });
  }
  if (distributions || op == Op::binary_cross_entropy) {  // the other losses are always 0 here
    t.add("the same node twice", [&](Builder& b) {
      const int32_t f = b.op(Op::sigmoid, {b.layer(b.input(2), n)});
      return b.op(op, {f, f}, c);
    });
  }
  t.add("a target of two losses", [&](Builder& b) {
    const int32_t x = b.input(2), f = prediction(b, n), g = prediction(b, n);
    const int32_t y = b.op(Op::softmax, {b.layer(x, n)});
    return b.op(Op::add, {b.op(op, {f, y}, c), b.op(op, {g, y}, c)});
  });
  if (op != Op::softmax_cross_entropy) {  // its only probability is always 1
    t.add("one output", [&](Builder& b) {
      const int32_t f = b.op(Op::sigmoid, {b.layer(b.input(2), 1)});
      return b.op(op, {f, b.target(1, wanted.empty() ? "" : "positive")}, c);
    });
  }
  t.add("squared, δ known late", [&](Builder& b) {
    const int32_t f = prediction(b, n);
    return b.op(Op::square, {b.op(op, {f, b.target(n, wanted)}, c)});
  });
  t.add("squared, labels or data as target", [&](Builder& b) {
    const int32_t f = prediction(b, n);
    return b.op(Op::square, {b.op(op, {f, distributions ? b.label(n) : b.input(n)}, c)});
  });
}

}  // namespace

std::vector<GraphCase> cases_of(Op op, bool wide) {
  Table table(op, wide);
  switch (kind_of(op)) {
    case Kind::leaf:
    case Kind::custom: break;
    case Kind::product: products(table, op); break;
    case Kind::binary: binaries(table, op); break;
    case Kind::unary:
    case Kind::reduction: with_operand(table, op); break;
    case Kind::rowwise:
      with_operand(table, op);
      with_parameters(table, op);
      break;
    case Kind::structure: structures(table, op); break;
    case Kind::loss: losses(table, op); break;
  }
  return std::move(table.cases);
}

}  // namespace test
