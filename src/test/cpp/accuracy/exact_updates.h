// The exact step of every optimizer, from the formulas in its paper, with the largest term of each result.
#pragma once

#include <cmath>
#include <string>

#include "accuracy/exact_rows.h"
#include "optim/optimizer.h"

namespace test {

using Exact = long double;

// A number and its unit: the largest term of the sums from which it has been computed. An error in the unit of an operand
// is carried through a product, a quotient or a root.
struct Term {
  Exact value = 0, term = 0;

  static Term of(Exact x) { return {x, std::abs(x)}; }
  friend Term operator+(Term a, Term b) { return {a.value + b.value, std::max(a.term, b.term)}; }
  friend Term operator-(Term a, Term b) { return {a.value - b.value, std::max(a.term, b.term)}; }
  friend Term operator*(Exact c, Term a) { return {c * a.value, std::abs(c) * a.term}; }
  friend Term operator/(Term a, Exact c) { return {a.value / c, a.term / std::abs(c)}; }
  friend Term operator/(Term a, Term b) {
    const Exact value = a.value / b.value;
    return {value, std::max(a.term, std::abs(value) * b.term) / std::abs(b.value)};
  }
};

inline Term square(Term a) { return {a.value * a.value, std::abs(a.value) * a.term}; }

inline Term root(Term a) {
  const Exact value = std::sqrt(a.value);
  return {value, value == 0 ? Exact(0) : std::max(value, a.term / (2 * value))};
}

struct ExactUpdate {
  Term w, states[chainrule::max_states];
};

// 1 - βᵗ
inline Exact one_minus_power(double beta, double t) {
  return beta == 0 ? Exact(1) : -std::expm1(t * std::log1p(static_cast<Exact>(beta) - 1));
}

inline ExactUpdate exact_update(const chainrule::OptimizerSettings& rule, double t, Exact w,
                                const Exact* state, Exact gradient) {
  using chainrule::OptimizerKind;
  const auto setting = [&](const char* name) { return static_cast<Exact>(rule.get(name)); };
  const Exact rate = setting("learning_rate"), decay = setting("weight_decay");
  ExactUpdate to;
  const Term decayed = Term::of(gradient) + Term::of(decay * w);
  const auto mean_of_squares = [](Exact alpha, Exact v, Term g) {
    return alpha * Term::of(v) + (1 - alpha) * square(g);
  };
  switch (rule.kind()) {
    case OptimizerKind::sgd: {
      if (rule.get("momentum") == 0) {
        to.w = Term::of(w) - rate * decayed;
        return to;
      }
      const Term v = setting("momentum") * Term::of(state[0]) + decayed;
      to.states[0] = v;
      to.w = Term::of(w) - rate * (rule.get("nesterov") != 0 ? decayed + setting("momentum") * v : v);
      return to;
    }
    case OptimizerKind::adam:
    case OptimizerKind::adamw: {
      const bool decoupled = rule.kind() == OptimizerKind::adamw;
      const Exact beta1 = setting("beta1"), beta2 = setting("beta2");
      const Term g = decoupled ? Term::of(gradient) : decayed;
      const Term m = beta1 * Term::of(state[0]) + (1 - beta1) * g;
      const Term v = mean_of_squares(beta2, state[1], g);
      to.states[0] = m;
      to.states[1] = v;
      const Term divisor = root(v / one_minus_power(rule.get("beta2"), t)) + Term::of(setting("epsilon"));
      const Term corrected = m / one_minus_power(rule.get("beta1"), t);
      to.w = Term::of(w) - Term::of(decoupled ? rate * decay * w : Exact(0)) - rate * (corrected / divisor);
      return to;
    }
    case OptimizerKind::rmsprop: {
      const Exact alpha = setting("alpha");
      Term v = mean_of_squares(alpha, state[0], decayed);
      if (rule.get("centered") != 0) {
        const Term deviation = decayed - Term::of(state[1]);
        v = alpha * (Term::of(state[0]) + (1 - alpha) * square(deviation));
        to.states[1] = Term::of(state[1]) + (1 - alpha) * deviation;
      }
      to.states[0] = v;
      Term direction = decayed / (root(v) + Term::of(setting("epsilon")));
      if (rule.get("momentum") != 0) {
        direction = setting("momentum") * Term::of(state[2]) + direction;
        to.states[2] = direction;
      }
      to.w = Term::of(w) - rate * direction;
      return to;
    }
  }
  return to;
}

}  // namespace test
