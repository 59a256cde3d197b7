// The exact values of operations on a vector, with the error's unit: sums of many terms are compensated, so that the
// wider type is accurate enough for a million features.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "accuracy/ulps.h"

namespace test {

// A sum with a running compensation (Neumaier), and separately the sums of its positive and of its negative terms.
template <class R>
class Sum {
 public:
  void add(R x) {
    add_to(total_, x);
    (x > 0 ? positive_ : negative_) += x;
  }
  R value() const { return std::isfinite(total_.sum) ? total_.sum + total_.rest : total_.sum; }
  // The larger of the sum of the positive terms and that of the negative ones if both occur, otherwise 0.
  R term() const { return positive_ > 0 && negative_ < 0 ? std::max(positive_, -negative_) : R(0); }

 private:
  struct Compensated {
    R sum = 0, rest = 0;
  };
  static void add_to(Compensated& to, R x) {
    const R sum = to.sum + x;
    to.rest += std::abs(to.sum) >= std::abs(x) ? (to.sum - sum) + x : (x - sum) + to.sum;
    to.sum = sum;
  }
  Compensated total_;
  R positive_ = 0, negative_ = 0;
};

// Max, Σ e^(z - max) and the part of that sum without one term of the maximum.
template <class R>
struct Exponentials {
  R max = -INFINITY, sum = 0, others = 0;
};

template <class T, class R = Wide<T>>
Exponentials<R> exact_exponentials(const T* z, int64_t n) {
  Exponentials<R> e;
  int64_t of_max = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (static_cast<R>(z[i]) > e.max) e.max = static_cast<R>(z[i]), of_max = i;
  }
  Sum<R> others;
  for (int64_t i = 0; i < n; ++i) {
    if (i != of_max) others.add(std::exp(static_cast<R>(z[i]) - e.max));
  }
  e.others = others.value();
  e.sum = 1 + e.others;
  return e;
}

// A value, its unit, and the part of the error that the goal allows in addition.
template <class R>
struct Expected {
  R value, term = 0;
  double allowance = 0;
};

// The allowance of e^(z - max): the rounding error of z - max, half an ulp, changes the result by |z - max| times as
// much.
template <class R>
double shift_allowance(R z, R max) {
  return static_cast<double>(std::min(max - z, R(1e4))) / 2;
}

template <class T, class R = Wide<T>>
std::vector<Expected<R>> exact_softmax(const T* z, int64_t n) {
  const Exponentials<R> e = exact_exponentials(z, n);
  std::vector<Expected<R>> all;
  for (int64_t i = 0; i < n; ++i) {
    all.push_back({std::exp(static_cast<R>(z[i]) - e.max) / e.sum, 0, shift_allowance<R>(z[i], e.max)});
  }
  return all;
}

// d_z_i = a_i (δ_i - Σ_j a_j δ_j)
template <class T, class R = Wide<T>>
std::vector<Expected<R>> exact_softmax_derivative(const std::vector<Expected<R>>& a, const T* delta) {
  Sum<R> dot;
  for (size_t i = 0; i < a.size(); ++i) dot.add(a[i].value * delta[i]);
  std::vector<Expected<R>> all;
  for (size_t i = 0; i < a.size(); ++i) {
    const R d = delta[i], term = std::max(std::abs(d), std::max(std::abs(dot.value()), dot.term()));
    all.push_back({a[i].value * (d - dot.value()),
                   std::max(a[i].value * term, static_cast<R>(std::numeric_limits<T>::min()) * term),
                   a[i].allowance});
  }
  return all;
}

// The numbers of a layer normalisation: m, r and n_i = (x_i - m) r.
template <class R>
struct Normalised {
  R mean, r;
  std::vector<R> n, term;  // term_i is the unit of n_i: max(|x_i|, Σ|x| / k) r
};

template <class T, class R = Wide<T>>
Normalised<R> exact_normalised(const T* x, int64_t count, R c) {
  Normalised<R> result;
  const R k = static_cast<R>(count);
  Sum<R> sum, squares, sizes;
  for (int64_t i = 0; i < count; ++i) {
    sum.add(x[i]);
    sizes.add(std::abs(static_cast<R>(x[i])));
  }
  result.mean = sum.value() / k;
  for (int64_t i = 0; i < count; ++i) squares.add((x[i] - result.mean) * (x[i] - result.mean));
  result.r = 1 / std::sqrt(squares.value() / k + c);
  for (int64_t i = 0; i < count; ++i) {
    const R value = x[i];
    result.n.push_back((value - result.mean) * result.r);
    result.term.push_back(std::max(std::abs(value), sizes.value() / k) * result.r);
  }
  return result;
}

}  // namespace test
