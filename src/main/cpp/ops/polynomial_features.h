// polynomial_features: φ(x) of degree 2. For n features the result is x_1 ... x_n, then x_1² ... x_n², then x_i x_j for
// i < j in lexicographic order. For two features it is x₁, x₂, x₁², x₂², x₁x₂.
// d_x_i = δ_i + 2 x_i δ_{n+i} + Σ_{j≠i} x_j δ_{pair(i,j)}.   Saves its input.
// Largest measured error of d_x in ulp of the sum of the terms' magnitudes, for up to 300 features, on the CPU and on
// CUDA: 3.0 in float, 1.9 in double.
#pragma once

#include <cstdint>

#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct PolynomialFeatures {
  HOST_DEVICE static constexpr int64_t count(int64_t n) { return 2 * n + n * (n - 1) / 2; }

  // Returns the index of x_i x_j in the result, for 0 <= i < j < n.
  HOST_DEVICE static constexpr int64_t pair(int64_t i, int64_t j, int64_t n) {
    return 2 * n + i * (2 * n - i - 1) / 2 + (j - i - 1);
  }

  // The square of a feature is the product with itself.
  template <class T>
  HOST_DEVICE static T product(T x_i, T x_j) {
    return x_i * x_j;
  }

  // Returns what δ of x_i x_j adds to d_x_i. The δ of a square adds it twice.
  template <class T>
  HOST_DEVICE static T d_factor(T delta, T x_j) {
    return x_j * delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
