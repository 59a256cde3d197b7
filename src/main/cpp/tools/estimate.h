// Selects the most certain of several estimates of a derivative by differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace chainrule {

// A derivative by differences and the error that it may have.
struct Estimate {
  double value, uncertainty;
};

// Returns the estimate with the smallest uncertainty. `estimates` are in the order of the step h of the differences,
// the largest h first. On input, the uncertainty of each is its rounding error. The truncation error of the formula
// shrinks with h. It is estimated from the distances to the estimates with smaller h: the distance to the next
// estimate, and the distances to the estimates after that one, each reduced by the rounding error of that estimate. The
// largest of these is added to the uncertainty.
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
