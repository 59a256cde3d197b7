// Compares the updates of single elements with the formulas in long double, and checks settings whose difference from 1
// or from 0 rounding could lose.
#include <algorithm>
#include <cmath>
#include <limits>

#include "harness.h"
#include "optim/rules.h"
#include "optimizers.h"
#include "plan_run.h"

using namespace test;

namespace {

// One parameter with one element, and its states.
template <class T>
struct Element {
  T w = 0, state[max_states] = {};

  void step(const OptimizerSettings& settings, int64_t t, double g) {
    visit_optimizer(settings.kind(), 0, [&](auto rule) {
      using Rule = decltype(rule);
      return visit_states<Rule>(states_of(settings), 0, [&](auto states) {
        T kept[Rule::state_count];
        std::copy_n(state, Rule::state_count, kept);
        const typename Rule::template Scalars<T> by(update_scalars(settings, t));
        Rule::template update<decltype(states)::value>(w, kept, static_cast<T>(g), by);
        std::copy_n(kept, Rule::state_count, state);
        return 0;
      });
    });
  }
};

long double bias(double beta, int64_t t) {
  return -std::expm1(static_cast<long double>(t) * std::log1p(-(1 - static_cast<long double>(beta))));
}

// The same in long double, from settings that are not rounded.
struct Exact {
  long double w = 0, state[max_states] = {};

  void step(const OptimizerSettings& settings, int64_t t, long double g) {
    const auto get = [&](const char* name) { return static_cast<long double>(settings.get(name)); };
    const long double rate = get("learning_rate"), decay = get("weight_decay");
    if (settings.kind() != OptimizerKind::adamw) g += decay * w;
    if (settings.kind() == OptimizerKind::sgd) {
      const long double momentum = get("momentum");
      state[0] = momentum * state[0] + g;
      w -= rate * (get("nesterov") != 0 ? g + momentum * state[0] : state[0]);
    } else if (settings.kind() == OptimizerKind::rmsprop) {
      const long double alpha = get("alpha"), deviation = g - (get("centered") != 0 ? state[1] : 0);
      state[0] = alpha * state[0] + (get("centered") != 0 ? alpha : 1) * (1 - alpha) * deviation * deviation;
      state[1] = alpha * state[1] + (1 - alpha) * g;
      state[2] = get("momentum") * state[2] + g / (std::sqrt(state[0]) + get("epsilon"));
      w -= rate * state[2];
    } else {
      const long double beta1 = get("beta1"), beta2 = get("beta2");
      if (settings.kind() == OptimizerKind::adamw) w -= rate * decay * w;
      state[0] = beta1 * state[0] + (1 - beta1) * g;
      state[1] = beta2 * state[1] + (1 - beta2) * g * g;
      w -= rate * (state[0] / bias(settings.get("beta1"), t)) /
           (std::sqrt(state[1] / bias(settings.get("beta2"), t)) + get("epsilon"));
    }
  }
};

// Returns the error in units of the last place of `scale`.
template <class T>
double ulps(T value, long double exact, long double scale) {
  return static_cast<double>(std::abs(value - exact) / std::ldexp(1.0L, std::ilogb(std::abs(scale)) + 1 -
                                                                            std::numeric_limits<T>::digits));
}

// The formulas in long double must have more digits than the model.
template <class T>
constexpr bool comparable = std::numeric_limits<long double>::digits > std::numeric_limits<T>::digits + 10;

double near_1(Random& random) { return 1 - std::pow(10.0, random.uniform(-6.5, -0.05)); }

// Compares steps from random states, with random settings. Steps with a term of more than half the weight are left out,
// as are states if g + λ w may cancel.
template <class T>
void compare_random_steps(OptimizerSettings settings, uint64_t seed) {
  if (!comparable<T>) return;
  Random random(seed);
  double worst = 0, worst_state = 0;
  for (int i = 0; i < 20000; ++i) {
    const int64_t t = static_cast<int64_t>(std::pow(10.0, random.uniform(0, 9)));
    settings.set("learning_rate", std::pow(10.0, random.uniform(-6, -1)));
    for (const char* name : {"momentum", "alpha", "beta1", "beta2"}) {
      for (const Setting& setting : settings_of(settings.kind())) {
        if (setting.name == std::string(name) && setting.value + settings.get(name) != 0)
          settings.set(name, near_1(random));
      }
    }
    const bool squares_first = settings.kind() == OptimizerKind::rmsprop;
    Element<T> element;
    Exact exact;
    const double g = static_cast<T>(random.uniform(-1, 1)), w = static_cast<T>(random.uniform(-1, 1));
    exact.w = element.w = static_cast<T>(w);
    for (int32_t k = 0; k < max_states; ++k) {
      const bool squares = settings.kind() != OptimizerKind::sgd && k == (squares_first ? 0 : 1);
      if ((states_of(settings) >> k & 1) == 0) continue;
      const double value = std::pow(10.0, random.uniform(-3, 0)) * (squares || i % 2 == 0 ? 1 : -1);
      exact.state[k] = element.state[k] = static_cast<T>(squares ? value * value : value);
    }
    const Exact before = exact;
    element.step(settings, t, g);
    exact.step(settings, t, g);
    const long double change = std::abs(exact.w - before.w);
    const long double velocity = before.state[settings.kind() == OptimizerKind::sgd ? 0 : 2];
    if (std::max(change, settings.get("learning_rate") * std::abs(velocity)) > std::abs(before.w) / 2)
      continue;
    worst = std::max(worst, ulps(element.w, exact.w, before.w));
    for (int32_t k = 0; k < max_states; ++k) {
      if ((states_of(settings) >> k & 1) == 0 || settings.get("weight_decay") != 0) continue;
      const long double terms = std::abs(before.state[k]) + std::abs(exact.state[k] - before.state[k]);
      worst_state = std::max(worst_state, ulps(element.state[k], exact.state[k], terms));
    }
  }
  CHECK_NEAR(worst, 0, 4);
  CHECK_NEAR(worst_state, 0, 4);
}

}  // namespace

TEST(updates_of_every_optimizer_have_an_error_of_a_few_ulp) {
  uint64_t seed = 1;
  for (const OptimizerSettings& settings :
       {sgd(), sgd(0, false, 0.01), sgd(0.9), sgd(0.9, false, 0.01), sgd(0.9, true), sgd(0.9, true, 0.01),
        adam(), adam(0.01), adamw(0.01), rmsprop(), rmsprop(0, false, 0.01), rmsprop(0, true), rmsprop(0.9),
        rmsprop(0.9, true), rmsprop(0.9, true, 0.01)}) {
    compare_random_steps<float>(settings, seed);
    compare_random_steps<double>(settings, seed++);
  }
}

// After the first step m / (1 - β₁) and v / (1 - β₂) are g and g², whatever β₁ and β₂ are. The step is therefore the
// learning rate. In float, 1 - β must not be computed from a rounded β.
TEST(adam_first_step_is_the_learning_rate) {
  for (double near : {1e-1, 1e-3, 1e-6, 1e-8, 1e-12, 1e-15}) {
    for (double beta1 : {0.9, 1 - near}) {
      for (OptimizerSettings settings : {adam(), adamw(0)}) {
        settings.set("beta1", beta1).set("beta2", 1 - near).set("epsilon", 1e-12);
        Element<float> in_float;
        in_float.step(settings, 1, 0.5);
        CHECK_NEAR(in_float.w, -1e-3, 1e-3 * 4e-7);
        Element<double> in_double;
        in_double.step(settings, 1, 0.5);
        CHECK_NEAR(in_double.w, -1e-3 / (1 + 2e-12), 1e-3 * 1e-15);
      }
    }
  }
}

// Gradients of 1 make every average 1 - βᵗ.
TEST(moving_averages_have_the_right_length_in_float) {
  const double beta = 0.999999;
  const OptimizerSettings with_adam = adam().set("beta1", beta).set("beta2", beta);
  const OptimizerSettings with_rmsprop = rmsprop(0, true).set("alpha", beta);
  Element<float> a, r;
  for (int t = 1; t <= 3000; ++t) {
    a.step(with_adam, t, 1);
    r.step(with_rmsprop, t, 1);
  }
  const double expected = static_cast<double>(bias(beta, 3000));
  CHECK_NEAR(a.state[0], expected, 1e-4 * expected);
  CHECK_NEAR(a.state[1], expected, 1e-4 * expected);
  CHECK_NEAR(r.state[1], expected, 1e-4 * expected);
  CHECK_NEAR(r.state[0], expected * (1 - expected), 1e-4 * expected);
}

TEST(bias_corrections_are_exact_for_every_step) {
  for (double near : {0.9, 0.1, 1e-3, 1e-6, 1e-8, 1e-12, 1e-15}) {
    for (int64_t t : {1LL, 2LL, 7LL, 1000LL, 123456LL, 99999999LL, 1000000000LL}) {
      const double expected = static_cast<double>(bias(1 - near, t));
      const double computed = static_cast<double>(one_minus_power(1 - near, static_cast<double>(t)));
      CHECK_NEAR(computed, expected, expected * 3e-16);
    }
  }
  CHECK(one_minus_power(0, 1) == 1);
}

// α = 0 keeps nothing of the old mean. m + (g - m) would have the rounding error of the old one.
TEST(rmsprop_mean_does_not_keep_errors_of_the_old_mean) {
  Element<float> element;
  element.state[1] = 1000;
  element.step(rmsprop(0, true).set("alpha", 0), 2, 1e-6);
  CHECK(element.state[1] == 1e-6f);
}

// ε √(1 - β₂ᵗ) is 0 as a float. A gradient of 0 must still change nothing.
TEST(adam_with_a_tiny_epsilon_ignores_a_gradient_of_0) {
  Element<float> element;
  element.w = 1;
  element.step(adam().set("epsilon", 2e-45), 1, 0);
  CHECK(element.w == 1);
}

// As in PyTorch, g² beyond the range of a float makes v infinite for good, and the weight no longer changes.
TEST(an_average_of_squares_that_overflows_stays_infinite) {
  for (double beta : {0.999, 0.99, 0.9, 0.95}) {
    for (const OptimizerSettings& settings : {adam().set("beta2", beta), rmsprop().set("alpha", beta)}) {
      Element<float> element;
      element.w = 1;
      element.step(settings, 1, 1e30);
      for (int t = 2; t < 5; ++t) element.step(settings, t, 1);
      CHECK(std::isinf(element.state[settings.kind() == OptimizerKind::adam ? 1 : 0]));
      CHECK(element.w == 1);
    }
  }
}

TEST(a_learning_rate_of_0_changes_no_weight) {
  for (const OptimizerSettings& settings : {sgd(), adam(), adamw(0.1), rmsprop()}) {
    Element<float> element;
    element.w = 1;
    for (double g : {0.0, 1.0}) element.step(at_rate(0, settings), 1, g);
    CHECK(element.w == 1);
  }
}
