// The optimizers: one step from given parameters, states and gradients, for step numbers from 1 to 10⁹ and settings
// across their range. The gradient is the constant that the parameter is multiplied with, so it is exact.
#include "accuracy/engine.h"
#include "accuracy/exact_updates.h"
#include "accuracy/points.h"
#include "accuracy/sweep.h"

namespace test {

namespace {

// The state of one element before the step.
struct Element {
  double w, state[max_states], g;
};

template <class T>
std::vector<Element> elements(int64_t count, uint64_t seed) {
  Random random(seed);
  const double range = sizeof(T) == 4 ? 20 : 150;  // in powers of e; squares stay in the range of T
  const auto number = [&](bool positive) {
    const double size = random.below(3) == 0 ? random.uniform(-range, range) : random.uniform(-6, 3);
    return static_cast<double>(static_cast<T>((positive || random.below(2) == 0 ? 1 : -1) * std::exp(size)));
  };
  std::vector<Element> all;
  for (int64_t i = 0; i < count; ++i) {
    Element e{number(false), {number(false), number(false), number(false)}, number(false)};
    if (i % 8 == 0) e.w = 0;
    if (i % 7 == 0) e.g = 0;
    if (i % 11 == 0) e.state[0] = e.state[1] = e.state[2] = 0;
    all.push_back(e);
  }
  return all;
}

// Sets that the optimizer's states that are means of squares are not negative.
void make_valid(OptimizerKind kind, Element& e) {
  if (kind == OptimizerKind::adam || kind == OptimizerKind::adamw) e.state[1] = std::abs(e.state[1]);
  if (kind == OptimizerKind::rmsprop) e.state[0] = std::abs(e.state[0]);
}

template <class T>
class Case {
 public:
  Case(const OptimizerSettings& rule, int64_t step, const std::vector<Element>& elements)
      : rule_(rule), step_(step), elements_(elements) {
    for (Element& e : elements_) {
      make_valid(rule.kind(), e);
      const Exact state[] = {e.state[0], e.state[1], e.state[2]};
      exact_.push_back(exact_update(rule, static_cast<double>(step), e.w, state, e.g));
    }
  }

  void measure(const Engine& engine, Measured& measured) const {
    const int64_t n = static_cast<int64_t>(elements_.size());
    Builder b;
    std::vector<double> gradients;
    Values values(1);
    for (const Element& e : elements_) {
      gradients.push_back(e.g);
      values[0].push_back(e.w);
    }
    const int32_t w = b.parameter(n);
    const int32_t g = b.graph.constant("", n, 1, gradients);
    const int32_t loss = b.op(Op::sum, {b.op(Op::multiply, {w, g})});
    values.resize(at(b.graph.size()));
    const PlanRequest request = training(loss, 1, rule_);
    PlanTesting testing = steps_apart();
    testing.update_in_product = false;
    PlanRun<T> run(b.graph, request, values, testing, *engine.backend);
    run.poison_all();
    run.update = update_scalars(rule_, step_);
    const uint32_t kept = states_of(rule_);
    const Context context = run.context();
    for (int32_t k = 0; k < max_states; ++k) {
      if ((kept >> k & 1) == 0) continue;
      std::vector<T> state;
      for (const Element& e : elements_) state.push_back(static_cast<T>(e.state[k]));
      engine.backend->copy_in(context.base[static_cast<int32_t>(state_space(k))], state.data(),
                              static_cast<int64_t>(state.size() * sizeof(T)));
    }
    engine.run(run.plan().program, context);
    add(run.parameter(w), -1, engine, measured.forward[type_index<T>]);
    for (int32_t k = 0; k < max_states; ++k) {
      if ((kept >> k & 1) != 0) add(run.state(k, w), k, engine, measured.backward[type_index<T>]);
    }
  }

 private:
  // Compares the parameter (state = -1) or a state with the exact one.
  void add(const std::vector<T>& got, int32_t state, const Engine& engine, Worst& worst) const {
    for (size_t i = 0; i < got.size(); ++i) {
      if (!representable(i)) continue;
      const Term& exact = state < 0 ? exact_[i].w : exact_[i].states[state];
      worst.add(error_in_ulps<T>(got[i], static_cast<Wide<T>>(exact.value), static_cast<Wide<T>>(exact.term)),
                [&] { return where(state, engine); });
    }
  }
  // Returns false if a mean of squares is below the smallest normal number, so that its stored value has few digits.
  bool representable(size_t i) const {
    if (rule_.kind() == OptimizerKind::sgd) return true;
    const Exact squares = exact_[i].states[rule_.kind() == OptimizerKind::rmsprop ? 0 : 1].value;
    return squares == 0 || squares >= static_cast<Exact>(std::numeric_limits<T>::min());
  }
  // The parameter or the state with the error, the step, and the settings that are not the defaults.
  std::string where(int32_t state, const Engine& engine) const {
    std::string text = message(state < 0 ? "w" : message("state ", state), ", t = ", step_);
    int32_t k = 0;
    for (const Setting& setting : settings_of(rule_.kind())) {
      if (rule_.values()[k] != setting.value) text += message(", ", setting.name, " ", rule_.values()[k]);
      ++k;
    }
    return text + ", " + engine.name;
  }

  const OptimizerSettings rule_;
  const int64_t step_;
  std::vector<Element> elements_;
  std::vector<ExactUpdate> exact_;
};

// The values of a setting across its range.
std::vector<double> values_of(const Setting& setting) {
  const std::string name = setting.name;
  if (setting.range == Range::flag) return {0, 1};
  if (name == "learning_rate") return {1e-3, 0.3, 1e-7, 0};
  if (name == "weight_decay") return {0, 0.01, 0.3};
  if (name == "epsilon") return {1e-8, 1e-3, 1e-15};
  if (name == "momentum") return {0, 0.9, 0.999};
  return {setting.value, 0.5, 0.99, 0.9999, 0.9, 0.999999};  // α, β₁, β₂
}

template <class T>
void sweep(Effort effort, Results& results) {
  const bool full = effort == Effort::full;
  const std::vector<int64_t> steps = {1, 2, 3, 10, 100, 1000, 100000, 10000000, 1000000000};
  Random random(12);
  for (int32_t kind = 0; kind < optimizer_count; ++kind) {
    Measured& measured = results[name_of(static_cast<OptimizerKind>(kind))];
    const SettingList settings = settings_of(static_cast<OptimizerKind>(kind));
    // The defaults with each value of each setting, then random combinations.
    std::vector<OptimizerSettings> rules;
    for (const Setting& setting : settings) {
      for (double value : values_of(setting)) {
        rules.emplace_back(static_cast<OptimizerKind>(kind));
        rules.back().set(setting.name, value);
      }
    }
    for (int i = 0; i < (full ? 2000 : 30); ++i) {
      rules.emplace_back(static_cast<OptimizerKind>(kind));
      for (const Setting& setting : settings) {
        const std::vector<double> values = values_of(setting);
        rules.back().set(setting.name, values[at(random.below(static_cast<int64_t>(values.size())))]);
      }
    }
    for (OptimizerSettings& rule : rules) {
      if (kind == static_cast<int32_t>(OptimizerKind::sgd) && rule.get("nesterov") != 0 &&
          rule.get("momentum") == 0) {
        rule.set("momentum", 0.9);
      }
      for (int64_t step : steps) {
        const Case<T> one(rule, step, elements<T>(full ? 300 : 24, static_cast<uint64_t>(step)));
        for (const Engine& engine : engines()) one.measure(engine, measured);
      }
    }
  }
}

}  // namespace

void sweep_updates(Effort effort, Results& results) {
  sweep<float>(effort, results);
  sweep<double>(effort, results);
}

}  // namespace test
