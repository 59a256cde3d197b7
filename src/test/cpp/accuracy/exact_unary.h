// The exact values and derivatives of the unary operations, written from their formulas in a wider type. Each form is
// chosen so that no digits cancel. Nothing here uses src/main/cpp/ops, except the names of the operations.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/op.h"

namespace test {

using chainrule::Op;

template <class R>
R exact_sigmoid(R z) {
  if (z < 0) {
    const R e = std::exp(z);
    return e / (1 + e);
  }
  return 1 / (1 + std::exp(-z));
}

template <class R>
R exact_softplus(R z) {
  return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z));
}

// The standard normal distribution function, erfc(-z / √2) / 2. Rounding -z / √2 changes the result by z² times as
// much, so the rounding error is computed and corrected with the derivative of erfc.
template <class R>
R exact_normal_cdf(R z) {
  const R root = std::sqrt(R(0.5)), root_error = std::fma(-root, root, R(0.5)) / (2 * root);
  if (!(std::abs(z) < 1000)) return z > 0 ? R(1) : z < 0 ? R(0) : z;
  const R x = -z * root, x_error = std::fma(-z, root, -x) - z * root_error;
  const R two_by_root_pi = 1.128379167095512573896158903121545172L;
  return (std::erfc(x) - two_by_root_pi * std::exp(-x * x) * x_error) / 2;
}

// The density of the standard normal distribution, e^(-z²/2) / √(2π), corrected for the rounding error of z².
template <class R>
R exact_normal_pdf(R z) {
  if (!(std::abs(z) < 1000)) return std::isnan(z) ? z : R(0);
  const R square = z * z, square_error = std::fma(z, z, -square);
  const R inverse_root = 0.398942280401432677939946059934381868L;
  return std::exp(-square / 2) * (1 - square_error / 2) * inverse_root;
}

template <class R>
R exact_value(Op op, R z, R c) {
  if (std::isnan(z)) return z;
  switch (op) {
    case Op::scale: return c * z;
    case Op::negate: return -z;
    case Op::square: return z * z;
    case Op::exp: return std::exp(z);
    case Op::log: return z < 0 ? std::numeric_limits<R>::quiet_NaN() : std::log(std::abs(z));
    case Op::identity: return z;
    case Op::sigmoid: return exact_sigmoid(z);
    case Op::tanh: return std::tanh(z);
    case Op::relu: return z > 0 ? z : R(0);
    case Op::leaky_relu: return z >= 0 ? z : c * z;
    case Op::elu: return z >= 0 ? z : c * std::expm1(z);
    case Op::softplus: return exact_softplus(z);
    case Op::gelu: return std::isinf(z) && z < 0 ? R(0) : z * exact_normal_cdf(z);
    case Op::silu: return std::isinf(z) && z < 0 ? R(0) : z * exact_sigmoid(z);
    case Op::dropout: return z / (1 - c);  // of a value that is kept
    default: return std::numeric_limits<R>::quiet_NaN();
  }
}

// A derivative, and the largest term of its formula if terms of opposite sign cancel, otherwise 0.
template <class R>
struct Derivative {
  R value, term = 0;
};

// The accuracy of a derivative is promised for each δ, but its own range is that of T: a derivative below the smallest
// normal number is rounded to a multiple of the smallest subnormal, and one above the largest number is infinite, before
// δ is applied.
template <class T, class R>
R largest_term(const Derivative<R>& d) {
  return std::max(d.term, static_cast<R>(std::numeric_limits<T>::min()));
}
template <class T, class R>
bool out_of_range(R derivative) {
  return std::abs(derivative) > static_cast<R>(std::numeric_limits<T>::max());
}

template <class R>
Derivative<R> exact_derivative(Op op, R z, R c) {
  switch (op) {
    case Op::scale: return {c};
    case Op::negate: return {-1};
    case Op::square: return {2 * z};
    case Op::exp: return {std::exp(z)};
    case Op::log: return {1 / z};
    case Op::identity: return {1};
    case Op::sigmoid: return {exact_sigmoid(z) * exact_sigmoid(-z)};
    case Op::tanh: return {4 * exact_sigmoid(2 * z) * exact_sigmoid(-2 * z)};
    case Op::relu: return {z >= 0 ? R(1) : R(0)};
    case Op::leaky_relu: return {z >= 0 ? R(1) : c};
    case Op::elu: return {z >= 0 ? R(1) : c * std::exp(z)};
    case Op::softplus: return {exact_sigmoid(z)};
    case Op::gelu: {
      if (std::isinf(z)) return {z > 0 ? R(1) : R(0)};
      const R p = exact_normal_cdf(z), q = z * exact_normal_pdf(z);
      return {p + q, z < 0 ? std::max(p, -q) : R(0)};
    }
    case Op::silu: {
      if (std::isinf(z)) return {z > 0 ? R(1) : R(0)};
      const R s = exact_sigmoid(z), q = z * s * exact_sigmoid(-z);
      return {s + q, z < 0 ? std::max(s, -q) : R(0)};
    }
    case Op::dropout: return {1 / (1 - c)};
    default: return {std::numeric_limits<R>::quiet_NaN()};
  }
}

// Returns true if the derivative at a NaN is NaN. The others do not depend on z, or only on its sign.
inline bool derivative_keeps_nan(Op op) {
  const chainrule::Traits& traits = chainrule::traits_of(op);
  return !traits.linear && !traits.kink && !traits.random;
}

}  // namespace test
