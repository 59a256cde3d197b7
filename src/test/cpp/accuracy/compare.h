// Compares the results of an operation on vectors with the exact ones.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "accuracy/exact_rows.h"
#include "util/check.h"

namespace test {

// The worst error of a vector of results, less the allowance of each.
template <class T, class R = Wide<T>>
inline void compare(const T* got, const std::vector<Expected<R>>& expected, R delta, Worst& worst,
                    const std::string& where) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const Expected<R>& e = expected[i];
    const R least = static_cast<R>(std::numeric_limits<T>::min());  // of a derivative; see exact_unary.h
    const R term = delta == 1 ? e.term : std::max(e.term, least) * std::abs(delta);
    worst.add(error_in_ulps<T>(got[i], e.value * delta, term) - e.allowance,
              [&] { return chainrule::message(where, ", element ", i); });
  }
}

// Runs a batch of `copies` equal samples, so that the kernels of one sample and those of several are both measured.
template <class T>
std::vector<T> repeated(const std::vector<T>& x, int64_t copies) {
  std::vector<T> all;
  for (int64_t i = 0; i < copies; ++i) all.insert(all.end(), x.begin(), x.end());
  return all;
}

}  // namespace test
