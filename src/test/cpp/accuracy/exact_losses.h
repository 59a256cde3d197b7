// The exact values and derivatives of the elementwise losses for one output, with the largest term of each formula if
// terms of opposite sign cancel.
#pragma once

#include "accuracy/exact_rows.h"
#include "accuracy/exact_unary.h"

namespace test {

template <class R>
struct ExactLoss {
  Expected<R> value, d_prediction, d_target;
};

// For the losses of e = f - y, R holds e with enough digits, because T has fewer.
template <class R>
ExactLoss<R> exact_loss(Op op, R f, R y, R c) {
  const R e = f - y;
  switch (op) {
    case Op::negative_log_likelihood: {
      const R log = exact_value(Op::log, f, R(0));
      return {{y == 0 ? R(0) : -y * log}, {y == 0 ? R(0) : -y / f}, {-log}};
    }
    // L = y softplus(-z) + (1 - y) softplus(z), whose terms are not negative. σ(z) - y = (1 - y) σ(z) - y σ(-z).
    case Op::binary_cross_entropy: {
      const R up = (1 - y) * exact_sigmoid(f), down = y * exact_sigmoid(-f);
      const R of_one = y == 0 ? R(0) : y * exact_softplus(-f),
              of_zero = y == 1 ? R(0) : (1 - y) * exact_softplus(f);
      return {{of_one + of_zero}, {up - down, up > 0 && down > 0 ? std::max(up, down) : R(0)}, {-f}};
    }
    case Op::squared_error:
    case Op::mean_squared_error: return {{e * e}, {2 * e}, {-2 * e}};
    case Op::huber: {
      const R size = std::abs(e), slope = std::min(std::max(e, -c), c);
      return {{size <= c ? e * e / 2 : c * (size - c / 2)}, {slope}, {-slope}};
    }
    default: return {{std::numeric_limits<R>::quiet_NaN()}, {}, {}};
  }
}

// L = -Σ_i y_i ln p_i with p = softmax(z), as (Σ y) ln Σ e^(z_i - max) + Σ y_i (max - z_i), whose terms are not negative.
// d_logits_i = p_i Σ y - y_i, d_target_i = ln Σ e^(z_j - max) + (max - z_i).
template <class R>
struct ExactCrossEntropy {
  Expected<R> value;
  std::vector<Expected<R>> d_logits, d_target;
};

// The allowance of ln Σ e^(z_i - max), which depends on the largest logit after the maximum.
template <class T, class R = Wide<T>>
double log_allowance(const std::vector<T>& z, R max) {
  int64_t of_max = 0;
  R second = -INFINITY;
  for (size_t i = 0; i < z.size(); ++i) {
    if (static_cast<R>(z[i]) == max && ++of_max == 1) continue;
    second = std::max(second, static_cast<R>(z[i]));
  }
  return z.size() < 2 ? 0 : shift_allowance<R>(second, max);
}

template <class T, class R = Wide<T>>
ExactCrossEntropy<R> exact_cross_entropy(const std::vector<T>& z, const std::vector<T>& y) {
  const int64_t n = static_cast<int64_t>(z.size());
  const Exponentials<R> e = exact_exponentials(z.data(), n);
  const std::vector<Expected<R>> p = exact_softmax(z.data(), n);
  const R log = std::log1p(e.others);
  const double allowance = log_allowance<T>(z, e.max);
  ExactCrossEntropy<R> exact;
  Sum<R> targets, shifts;
  for (size_t i = 0; i < z.size(); ++i) {
    targets.add(y[i]);
    if (y[i] != 0) shifts.add(static_cast<R>(y[i]) * (e.max - static_cast<R>(z[i])));
    exact.d_target.push_back({log + (e.max - static_cast<R>(z[i])), 0, allowance});
  }
  exact.value = {targets.value() * log + shifts.value(), 0, allowance};
  for (size_t i = 0; i < z.size(); ++i) {
    const R up = p[i].value * targets.value(), down = y[i];
    exact.d_logits.push_back({up - down, down > 0 ? std::max(up, down) : R(0), p[i].allowance});
  }
  return exact;
}

}  // namespace test
