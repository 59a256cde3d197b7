// Checks the shapes of the inputs of an operation and computes the shape of its result. There is one function per kind
// of operation.
#include "graph/graph.h"
#include "ops/custom.h"
#include "ops/polynomial_features.h"
#include "ops/rules.h"
#include "ops/softmax_cross_entropy.h"
#include "util/range.h"

namespace chainrule {

namespace {

// A node that is being added. The member functions throw InvalidArgument with a message that names the node.
struct Check {
  const Graph& graph;
  const Node& node;

  template <class... Parts>
  void that(bool holds, const Parts&... parts) const {
    if (!holds) throw InvalidArgument(message(name_of(node.op), " '", node.name, "': ", parts...));
  }

  void count(size_t least, size_t most) const {
    that(node.inputs.size() >= least && node.inputs.size() <= most, "expected ", least,
         most == least      ? ""
         : most == SIZE_MAX ? " or more"
                            : message(" to ", most),
         " inputs, but got ", node.inputs.size());
  }

  const Shape& shape(size_t i) const { return graph.node(node.inputs[i]).shape; }
  std::string what(size_t i) const { return graph.describe(node.inputs[i]); }
  bool is(size_t i, Op op) const { return graph.node(node.inputs[i]).op == op; }

  // Class labels are indices, not values. Only a loss accepts them.
  void no_label(size_t i) const {
    that(!is(i, Op::label), "expected values, but got the class label ", what(i));
  }
};

void constant(const Check& check) {
  const Traits& traits = traits_of(check.node.op);
  if (traits.constant == nullptr) return;
  const double c = check.node.constant;
  check.that(contains(traits.range, c), traits.constant, " must be ", text_of(traits.range), ", but got ", c);
}

Shape product(const Check& check) {
  bool has_bias = check.node.op == Op::linear;
  check.count(2, has_bias ? 3 : 2);
  for (size_t i = 0; i < check.node.inputs.size(); ++i) check.no_label(i);
  // The order of the inputs: x, weight, bias.
  const Shape& x = check.shape(0);
  const Shape& weight = check.shape(1);
  check.that(!weight.batched, "the weight must be batchless (a parameter), but got ", check.what(1));
  bool transposed = check.node.transposed;
  int64_t in = transposed ? weight.rows : weight.columns;
  int64_t out = transposed ? weight.columns : weight.rows;
  check.that(x.rows == in, "expected an input of ", in, " features for the ", transposed ? "transposed " : "",
             "weight ", check.what(1), ", but got ", check.what(0));
  if (has_bias) {
    check.that(x.batched, "expected batched data, but got ", check.what(0));
    if (check.node.inputs.size() == 3) {
      const Shape& bias = check.shape(2);
      check.that(!bias.batched && bias.rows == out && bias.columns == 1, "expected a bias of shape [", out,
                 "], but got ", check.what(2));
    }
  }
  return x.batched ? Shape::data(out) : Shape::matrix(out, x.columns);
}

Shape unary(const Check& check) {
  check.count(1, 1);
  check.no_label(0);
  return check.shape(0);
}

Shape binary(const Check& check) {
  check.count(2, 2);
  check.no_label(0);
  check.no_label(1);
  const Shape& a = check.shape(0);
  const Shape& b = check.shape(1);
  if (a == b) return a;
  // A batchless operand with one value per feature, or a scalar, is broadcast over the batch. A batched operand with
  // one feature is broadcast over the features. If both operands are batchless, only a scalar can be broadcast.
  auto broadcasts = [](const Shape& small, const Shape& large) {
    if (small.batched) return large.batched && small.rows == 1;
    return small.is_scalar() || (large.batched && small.rows == large.rows && small.columns == 1);
  };
  if (broadcasts(b, a)) return a;
  if (broadcasts(a, b)) return b;
  check.that(
      false, "the shapes do not fit: ", check.what(0), " and ", check.what(1),
      "; they must be equal, or one operand must be a scalar or have one value per feature or per sample");
  return a;
}

Shape reduction(const Check& check) {
  check.count(1, 1);
  check.no_label(0);
  return check.shape(0).batched ? Shape::data(1) : Shape::scalar();
}

Shape rowwise(const Check& check) {
  check.count(1, 1 + static_cast<size_t>(traits_of(check.node.op).parameters));
  check.no_label(0);
  const Shape& x = check.shape(0);
  for (size_t i = 1; i < check.node.inputs.size(); ++i) {
    check.no_label(i);
    const Shape& parameter = check.shape(i);
    check.that(!parameter.batched && parameter.rows == x.elements() && parameter.columns == 1,
               "expected one value for each of the ", x.elements(), " features of ", check.what(0),
               ", but got ", check.what(i));
  }
  return x;
}

Shape concat(const Check& check) {
  check.count(1, SIZE_MAX);
  Shape result = check.shape(0);
  for (size_t i = 0; i < check.node.inputs.size(); ++i) {
    check.no_label(i);
    if (i == 0) continue;
    const Shape& part = check.shape(i);
    check.that(part.batched == result.batched && part.columns == result.columns,
               "all inputs must be batched, or all batchless with equal numbers of columns, but got ",
               check.what(0), " and ", check.what(i));
    check.that(part.rows <= max_elements / result.columns - result.rows, "the result has more than ",
               max_elements, " elements");
    result.rows += part.rows;
  }
  return result;
}

Shape slice(const Check& check) {
  check.count(1, 1);
  check.no_label(0);
  Shape result = check.shape(0);
  int64_t begin = check.node.begin, end = check.node.end;
  check.that(0 <= begin && begin < end && end <= result.rows, "expected 0 <= begin < end <= ", result.rows,
             " for ", check.what(0), ", but got begin = ", begin, " and end = ", end);
  result.rows = end - begin;
  return result;
}

Shape polynomial_features(const Check& check) {
  check.count(1, 1);
  check.no_label(0);
  const Shape& x = check.shape(0);
  check.that(x.columns == 1, "expected one vector of features, but got ", check.what(0));
  check.that(x.rows <= (int64_t{1} << 19), "expected at most ", int64_t{1} << 19, " features, but got ",
             check.what(0));
  int64_t count = PolynomialFeatures::count(x.rows);
  return x.batched ? Shape::data(count) : Shape::matrix(count, 1);
}

Shape batch_mean(const Check& check) {
  check.count(1, 1);
  check.no_label(0);
  check.that(check.shape(0).batched, "expected batched data, but got ", check.what(0));
  return Shape::matrix(check.shape(0).rows, 1);
}

Shape structure(const Check& check) {
  if (check.node.op == Op::concat) return concat(check);
  if (check.node.op == Op::slice) return slice(check);
  if (check.node.op == Op::polynomial_features) return polynomial_features(check);
  return batch_mean(check);
}

Shape loss(const Check& check) {
  check.count(2, 2);
  check.no_label(0);
  const Shape& prediction = check.shape(0);
  const Shape& target = check.shape(1);
  check.that(prediction.batched, "expected a batched prediction, but got ", check.what(0));
  const bool takes_labels = traits_of(check.node.op).labels;
  if (check.is(1, Op::label)) {
    check.that(takes_labels, "expected target values, but got the class label ", check.what(1));
    check.that(target.rows == prediction.rows, "expected labels of ", prediction.rows,
               " classes, one for each output of ", check.what(0), ", but got ", check.what(1));
  } else {
    check.that(target == prediction, "expected a target of shape ", prediction.to_string(),
               " like the prediction ", check.what(0), ", but got ", check.what(1),
               takes_labels ? "; to pass class indices, use a label instead of a target" : "");
  }
  return Shape::scalar();
}

Shape custom(const Check& check) {
  check.count(1, 1);
  check.no_label(0);
  check.that(is_registered_custom(check.node.custom), "no operation is registered under the name '",
             check.node.custom, "'; register it before building or loading a graph that uses it");
  return check.shape(0);
}

}  // namespace

Shape infer_shape(const Graph& graph, const Node& node) {
  Check check{graph, node};
  constant(check);
  switch (kind_of(node.op)) {
    case Kind::leaf: return node.shape;
    case Kind::product: return product(check);
    case Kind::unary: return unary(check);
    case Kind::binary: return binary(check);
    case Kind::reduction: return reduction(check);
    case Kind::rowwise: return rowwise(check);
    case Kind::structure: return structure(check);
    case Kind::loss: return loss(check);
    case Kind::custom: return custom(check);
  }
  throw InvalidArgument(message("there is no operation number ", static_cast<int32_t>(node.op)));
}

void require_right_loss(const Graph& graph, const Node& node) {
  if (kind_of(node.op) != Kind::loss || node.inputs.empty()) return;
  const Op applied =
      visit_loss(node.op, SoftmaxCrossEntropy::applies, [](auto rule) { return decltype(rule)::applies; });
  const Node& prediction = graph.node(node.inputs[0]);
  const std::string what = graph.describe(node.inputs[0]);
  REQUIRE(applied == Op::identity || prediction.op != applied, name_of(node.op), " applies ",
          name_of(applied), " itself, but got ", what, ", to which it is already applied; pass the input of ",
          what, node.op == Op::softmax_cross_entropy ? ", or use negativeLogLikelihood" : "");
  const bool logits = prediction.op == Op::linear && graph.node(prediction.inputs[1]).op == Op::parameter;
  REQUIRE(applied != Op::log || !logits, name_of(node.op), ": expected probabilities, but got logits: ", what,
          "; use softmaxCrossEntropy, which expects logits");
}

}  // namespace chainrule
