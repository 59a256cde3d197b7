#include "tools/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "graph/backward.h"
#include "tools/estimate.h"
#include "tools/kinks.h"
#include "util/check.h"
#include "util/random.h"

namespace chainrule {

namespace {

// The values of h. The largest is used first; smaller values are needed if f is strongly curved or a kink is near.
constexpr double steps[] = {4e-3, 5e-4, 6e-5, 8e-6, 1e-6};

std::shared_ptr<Model> double_copy(const Model& model, Backend& engine) {
  auto copy = std::make_shared<Model>(model.graph(), DType::float64, model.seed(), engine);
  std::vector<double> values;
  for (int32_t id : model.graph().parameters()) {
    values.resize(static_cast<size_t>(model.graph().node(id).shape.elements()));
    model.read_parameter(id, values.data(), static_cast<int64_t>(values.size()));
    for (double value : values) {
      REQUIRE(std::isfinite(value), "gradient check: expected finite parameters, but ",
              model.graph().describe(id), " has the value ", value);
    }
    copy->write_parameter(id, values.data(), static_cast<int64_t>(values.size()));
  }
  return copy;
}

// A leaf whose values are shifted: a parameter, or a copy of an input. `base` has its original values, `gradient` the
// gradient from the backward pass, and `direction` the current direction.
struct Leaf {
  int32_t node;
  double* values;
  int64_t count;
  int64_t width;  // elements per row
  std::vector<double> base, gradient, direction;
};

}  // namespace

GradientCheck::GradientCheck(const Model& model, int32_t loss, Backend& engine, const PlanTesting& testing)
    : model_(double_copy(model, cpu_backend())),
      loss_(loss),
      engine_(engine),
      testing_(testing),
      inputs_(model_) {
  REQUIRE(model_->graph().node(loss).shape.is_scalar(), "gradient check: the loss must be a scalar, but got ",
          model_->graph().describe(loss));
  PlanRequest value;
  value.dtype = model_->dtype();
  value.loss = loss;
  inputs_.set_needed(make_plan(model_->graph(), value, model_->backend()).reads_slot);
}

void GradientCheck::choose(const Coordinate& c) {
  const Graph& graph = model_->graph();
  const Node& node = graph.node(c.node);
  REQUIRE(node.op == Op::parameter || node.op == Op::input,
          "gradient check: expected a parameter or an input, but got ", graph.describe(c.node));
  const bool batched = node.shape.batched;
  const int64_t rows = batched ? INT64_MAX : node.shape.rows,
                columns = batched ? node.shape.rows : node.shape.columns;
  REQUIRE(c.row >= 0 && c.row < rows && c.column >= 0 && c.column < columns,
          "gradient check: ", graph.describe(c.node), " has no element at row ", c.row, ", column ",
          c.column);
  chosen_.push_back(c);
}

// One run on one batch: the memory, the leaves, and the loss at points near the original values.
class GradientCheckRun {
 public:
  GradientCheckRun(GradientCheck& check, int64_t batch, const GradientCheckSettings& settings)
      : settings_(settings),
        model_(*check.model_),
        kinks_(model_.graph(), check.loss_),
        forward_(check.model_, forward_request(check.loss_, batch)) {
    const Graph& graph = model_.graph();
    const std::vector<bool> reached = needed_for(graph, {check.loss_});
    PlanRequest request;
    request.dtype = DType::float64;
    request.batch = batch;
    request.loss = check.loss_;
    request.outputs = {check.loss_};
    request.training = true;
    request.backward = true;
    for (int32_t id : graph.data_nodes()) {
      if (graph.node(id).op == Op::input && reached[static_cast<size_t>(id)]) request.deltas.push_back(id);
    }
    const bool here = &check.engine_ == &model_.backend();
    PlanRunner backward(here ? check.model_ : double_copy(model_, check.engine_), request,
                        make_plan(graph, request, check.engine_, check.testing_));
    check.inputs_.check("gradient check", backward.plan(), batch);
    void* const* given = check.inputs_.at(0);
    addresses_.assign(given, given + check.inputs_.slots());
    copies_.resize(addresses_.size());

    backward.poison();
    backward.run(addresses_.data());
    base_ = *reinterpret_cast<const double*>(backward.value(0));
    for (int32_t id : graph.parameters()) {
      if (!reached[static_cast<size_t>(id)]) continue;
      const int64_t offset = model_.layout().offsets[static_cast<size_t>(id)];
      read_on_host(check.engine_, backward.gradients() + offset, backward.count(id) * size_of(DType::float64),
                   [&](const char* gradient) {
                     add_leaf(id, model_.parameters() + offset, gradient, backward.count(id));
                   });
    }
    for (size_t i = 0; i < request.deltas.size(); ++i) {
      const int32_t id = request.deltas[i];
      const auto slot = static_cast<size_t>(
          std::find(graph.data_nodes().begin(), graph.data_nodes().end(), id) - graph.data_nodes().begin());
      const double* data = static_cast<const double*>(addresses_[slot]);
      copies_[slot].assign(data, data + backward.count(id));
      addresses_[slot] = copies_[slot].data();
      add_leaf(id, addresses_[slot], backward.delta(i), backward.count(id));
    }
    std::sort(leaves_.begin(), leaves_.end(), [](const Leaf& a, const Leaf& b) { return a.node < b.node; });
    base_sides_ = evaluate(0, nullptr).sides;
  }

  // Restores the values of the leaves. The parameters belong to the copy of the model, which the next run uses.
  ~GradientCheckRun() {
    for (Leaf& leaf : leaves_) std::copy(leaf.base.begin(), leaf.base.end(), leaf.values);
  }

  std::vector<GradientFinding> run(const std::vector<Coordinate>& chosen) {
    for (const Coordinate& c : chosen) require_element(c);
    if (find_non_finite()) return std::move(findings_);
    for (int32_t i = 0; i < settings_.directions; ++i) {
      clear_directions();
      for (Leaf& leaf : leaves_) draw_direction(&leaf, 0, leaf.count);
      normalize();
      findings_.push_back(compare());
    }
    for (Leaf& leaf : leaves_) check_leaf(&leaf, chosen);
    return std::move(findings_);
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
    request.training = true;
    request.outputs = kinks_.watched();
    request.outputs.push_back(loss);
    return request;
  }

  void add_leaf(int32_t node, void* values, const char* gradient, int64_t count) {
    const Shape& shape = model_.graph().node(node).shape;
    Leaf leaf{
        node, static_cast<double*>(values), count, shape.batched ? shape.elements() : shape.columns, {}, {},
        {}};
    leaf.base.assign(leaf.values, leaf.values + count);
    const double* g = reinterpret_cast<const double*>(gradient);
    leaf.gradient.assign(g, g + count);
    leaf.direction.assign(static_cast<size_t>(count), 0.0);
    for (double value : leaf.gradient) largest_ = std::max(largest_, std::abs(value));
    leaves_.push_back(std::move(leaf));
  }

  // Shifts the leaves by t times their directions, computes the loss there, and shifts the leaves back. `only` is the
  // only leaf whose direction is not 0; null: the direction of any leaf may be nonzero.
  Point evaluate(double t, const Leaf* only) {
    shift(t, only);
    forward_.poison();
    forward_.run(addresses_.data());
    shift(0, only);
    const double* loss = reinterpret_cast<const double*>(forward_.value(kinks_.watched().size()));
    return {*loss, kinks_.sides(forward_)};
  }

  void shift(double t, const Leaf* only) {
    for (Leaf& leaf : leaves_) {
      if (only != nullptr && only != &leaf) continue;
      for (size_t i = 0; i < leaf.base.size(); ++i) leaf.values[i] = leaf.base[i] + t * leaf.direction[i];
    }
  }

  void require_element(const Coordinate& c) const {
    const auto of_node = [&](const Leaf& leaf) { return leaf.node == c.node; };
    const auto leaf = std::find_if(leaves_.begin(), leaves_.end(), of_node);
    REQUIRE(leaf != leaves_.end(), "gradient check: the loss does not depend on ",
            model_.graph().describe(c.node), ": there is no derivative to check");
    REQUIRE(c.row < leaf->count / leaf->width && c.column < leaf->width,
            "gradient check: ", model_.graph().describe(c.node), " has no row ", c.row, ", column ", c.column,
            " in this batch");
  }

  // Returns true if the loss or a gradient is not finite, and adds findings about that. Nothing can be compared then.
  bool find_non_finite() {
    if (!std::isfinite(base_)) {
      GradientFinding finding;
      finding.verdict = Verdict::not_a_number;
      finding.expected = finding.found = finding.error = base_;
      findings_.push_back(finding);
      return true;
    }
    for (const Leaf& leaf : leaves_) {
      for (size_t i = 0; i < leaf.gradient.size(); ++i) {
        if (std::isfinite(leaf.gradient[i])) continue;
        GradientFinding finding = at(leaf, static_cast<int64_t>(i));
        finding.verdict = Verdict::not_a_number;
        finding.found = leaf.gradient[i];
        finding.expected = finding.error = NAN;
        findings_.push_back(finding);
        break;
      }
    }
    return !findings_.empty();
  }

  void clear_directions() {
    for (Leaf& leaf : leaves_) std::fill(leaf.direction.begin(), leaf.direction.end(), 0.0);
  }

  void draw_direction(Leaf* leaf, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      leaf->direction[static_cast<size_t>(i)] = 2 * random_uniform(settings_.seed, 0, drawn_++) - 1;
    }
  }

  void normalize() {
    double squares = 0;
    for (const Leaf& leaf : leaves_) {
      for (double d : leaf.direction) squares += d * d;
    }
    for (Leaf& leaf : leaves_) {
      for (double& d : leaf.direction) d /= std::sqrt(squares);
    }
  }

  static GradientFinding at(const Leaf& leaf, int64_t element) {
    GradientFinding finding;
    finding.node = leaf.node;
    finding.row = element / leaf.width;
    finding.column = element % leaf.width;
    return finding;
  }

  void check_leaf(Leaf* leaf, const std::vector<Coordinate>& chosen) {
    GradientFinding whole = compare_part(leaf, 0, leaf->count);
    std::vector<int64_t> elements;
    for (const Coordinate& c : chosen) {
      if (c.node == leaf->node) elements.push_back(c.row * leaf->width + c.column);
    }
    for (int32_t i = 0; i < settings_.coordinates; ++i) {
      elements.push_back(i == 0 ? steepest(*leaf)
                                : static_cast<int64_t>(random_below(settings_.seed, 1, drawn_++,
                                                                    static_cast<uint64_t>(leaf->count))));
    }
    if (whole.verdict == Verdict::differs && leaf->count > 1) elements.push_back(narrow(leaf));
    findings_.push_back(whole);
    std::sort(elements.begin(), elements.end());
    elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
    for (int64_t element : elements) findings_.push_back(compare_element(leaf, element));
  }

  static int64_t steepest(const Leaf& leaf) {
    auto smaller = [](double a, double b) { return std::abs(a) < std::abs(b); };
    return std::max_element(leaf.gradient.begin(), leaf.gradient.end(), smaller) - leaf.gradient.begin();
  }

  GradientFinding compare_part(Leaf* leaf, int64_t begin, int64_t end) {
    clear_directions();
    draw_direction(leaf, begin, end);
    normalize();
    GradientFinding finding = compare(leaf);
    finding.node = leaf->node;
    return finding;
  }

  GradientFinding compare_element(Leaf* leaf, int64_t element) {
    clear_directions();
    leaf->direction[static_cast<size_t>(element)] = 1;
    GradientFinding where = at(*leaf, element), finding = compare(leaf);
    finding.node = where.node;
    finding.row = where.row;
    finding.column = where.column;
    return finding;
  }

  // Searches by bisection for the element that differs most: continues with the half of the leaf that differs more,
  // down to one element.
  int64_t narrow(Leaf* leaf) {
    int64_t begin = 0, end = leaf->count;
    while (end - begin > 1) {
      const int64_t middle = begin + (end - begin) / 2;
      const GradientFinding low = compare_part(leaf, begin, middle), high = compare_part(leaf, middle, end);
      auto gap = [](const GradientFinding& f) {
        return f.verdict == Verdict::kink ? 0 : std::abs(f.expected - f.found);
      };
      (gap(high) > gap(low) ? begin : end) = middle;
    }
    return begin;
  }

  // Compares gradient and differences in the current directions of the leaves. `only` is as in evaluate().
  GradientFinding compare(const Leaf* only = nullptr) {
    GradientFinding finding;
    finding.found = 0;
    for (const Leaf& leaf : leaves_) {
      if (only != nullptr && only != &leaf) continue;
      for (size_t i = 0; i < leaf.direction.size(); ++i)
        finding.found += leaf.direction[i] * leaf.gradient[i];
    }
    finding.error = INFINITY;
    finding.expected = NAN;
    double jump = 0;  // distance of the one-sided derivatives, at the smallest h so far
    // The part of the jump that rounding cannot explain, if the jump did not shrink with h; otherwise 0.
    double kept_jump = 0;
    bool compared = false;
    std::vector<Estimate> estimates;
    for (double h : steps) {
      double f[4], largest = std::abs(base_);
      const double t[4] = {-2 * h, -h, h, 2 * h};
      bool one_side = true;
      for (int i = 0; i < 4 && one_side; ++i) {
        Point point = evaluate(t[i], only);
        f[i] = point.loss;
        largest = std::max(largest, std::abs(f[i]));
        one_side = point.sides == base_sides_;
        if (!one_side && finding.kink < 0)
          finding.kink = kinks_.first_difference(forward_, point.sides, base_sides_);
      }
      if (!one_side) continue;
      const Estimate now{(8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h), 5e-15 * largest / h};
      const double before =
          std::exchange(jump, std::abs(-6 * base_ + 4 * (f[1] + f[2]) - (f[0] + f[3])) / (2 * h));
      kept_jump = compared && jump > before / 2 ? std::max(jump - now.uncertainty, 0.0) : 0;
      compared = true;
      if (!std::isfinite(now.value)) continue;
      estimates.push_back(now);
      judge(now, &finding);
      // The estimate agrees and is precise enough not to agree by chance.
      if (finding.error <= settings_.tolerance / 100 && finding.strength >= 1) break;
      judge(most_certain(estimates), &finding);
    }
    if (!compared) {
      finding.verdict = Verdict::kink;
      finding.error = NAN;
      return finding;
    }
    finding.kink = -1;
    if (estimates.empty()) finding.verdict = Verdict::not_a_number;
    if (finding.verdict == Verdict::differs && kept_jump >= std::abs(finding.expected - finding.found))
      finding.verdict = Verdict::kink;
    return finding;
  }

  void judge(const Estimate& estimate, GradientFinding* finding) const {
    const double tolerance = settings_.tolerance, found = finding->found, expected = estimate.value;
    const double size = std::max(std::abs(found), std::abs(expected));
    // An error below `hidden` times the tolerance is not detected.
    const double hidden = std::max({estimate.uncertainty / tolerance, 1e-3 * largest_, 1e-30});
    finding->expected = expected;
    finding->error = std::abs(found - expected) / std::max(size, hidden);
    finding->strength = size / std::max(estimate.uncertainty / tolerance, 1e-30);
    finding->verdict = !(finding->error <= tolerance)             ? Verdict::differs
                       : std::abs(expected) <= tolerance * hidden ? Verdict::too_weak
                                                                  : Verdict::agrees;
  }

  const GradientCheckSettings settings_;
  Model& model_;
  const Kinks kinks_;
  PlanRunner forward_;
  std::vector<void*> addresses_;
  std::vector<std::vector<double>> copies_;  // copies of the inputs, by slot
  std::vector<Leaf> leaves_;
  std::vector<int8_t> base_sides_;
  std::vector<GradientFinding> findings_;
  double base_ = 0, largest_ = 0;
  uint64_t drawn_ = 0;
};

std::vector<GradientFinding> GradientCheck::run(int64_t batch, const GradientCheckSettings& settings) {
  REQUIRE(batch > 0, "gradient check: expected a batch of at least one sample, but got ", batch);
  REQUIRE(settings.directions >= 0 && settings.coordinates >= 0,
          "gradient check: expected 0 or more directions and coordinates, but got ", settings.directions,
          " and ", settings.coordinates);
  REQUIRE(settings.tolerance > 0 && std::isfinite(settings.tolerance),
          "gradient check: expected a tolerance that is positive and finite, but got ", settings.tolerance);
  return GradientCheckRun(*this, batch, settings).run(chosen_);
}

const GradientFinding& worst(const std::vector<GradientFinding>& findings) {
  auto rank = [](const GradientFinding& f) {
    return f.verdict == Verdict::not_a_number ? 3
           : f.verdict == Verdict::differs    ? 2
                                              : f.verdict == Verdict::agrees;
  };
  // Among findings that differ, a single element is more specific than a direction.
  auto less = [&](const GradientFinding& a, const GradientFinding& b) {
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    if (rank(a) == 2 && (a.row >= 0) != (b.row >= 0)) return b.row >= 0;
    return a.error < b.error;
  };
  return *std::max_element(findings.begin(), findings.end(), less);
}

}  // namespace chainrule
