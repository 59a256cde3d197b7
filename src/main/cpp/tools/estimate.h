// Which of several derivatives by differences is to be believed.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace chainrule {

// A derivative by differences, and by how much it may be off.
struct Estimate {
  double value, uncertainty;
};

// `estimates` are those of h from the largest to the smallest, with what rounding may do to each. What the formula leaves
// out shrinks with h, so a larger h is as wrong as its distance to the next one says, and as those to the smaller
// ones that rounding cannot explain.
inline Estimate most_certain(const std::vector<Estimate>& estimates) {
  Estimate best{NAN, INFINITY};
  for (size_t i = 0; i < estimates.size(); ++i) {
    double apart = 0;
    for (size_t j = i + 1; j < estimates.size(); ++j) {
      const double rounding = j == i + 1 ? 0 : estimates[j].uncertainty;
      apart = std::max(apart, std::abs(estimates[i].value - estimates[j].value) - rounding);
    }
    const double uncertainty = estimates[i].uncertainty + apart;
    if (uncertainty < best.uncertainty) best = {estimates[i].value, uncertainty};
  }
  return best;
}

}  // namespace chainrule
