// The vectors of the sweeps of reductions and row-wise operations.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "accuracy/points.h"

namespace test {

template <class T>
struct Vector {
  std::string name;
  std::vector<T> values;
};

// Returns vectors of n features: equal, nearly equal, sorted, dominated by one, of one and of both signs, of all
// magnitudes, and cancelling.
template <class T>
std::vector<Vector<T>> vectors(int64_t n, uint64_t seed) {
  Random random(seed);
  std::vector<Vector<T>> all;
  const auto add = [&](const std::string& name, auto value_at) {
    Vector<T> v{message(name, ", n = ", n), {}};
    for (int64_t i = 0; i < n; ++i) v.values.push_back(static_cast<T>(value_at(i)));
    all.push_back(std::move(v));
  };
  const double count = static_cast<double>(n);
  const double large = sizeof(T) == 4 ? 1e30 : 1e300;
  for (double x : {0.0, 1.0, -3.3, 1e6, -1e6, 12345.678, 1 / large}) {
    add(message("all ", x), [x](int64_t) { return x; });
  }
  for (double x : {1.0, 1e4, -77.7}) {
    add(message("all nearly ", x), [&](int64_t) {
      return static_cast<double>(static_cast<T>(x)) *
             (1 + static_cast<double>(random.below(5) - 2) *
                      static_cast<double>(std::numeric_limits<T>::epsilon()));
    });
  }
  add("rising", [&](int64_t i) { return 20 * static_cast<double>(i) / count - 10; });
  add("falling", [&](int64_t i) { return 80 - 100 * static_cast<double>(i) / count; });
  for (double x : {20.0, 100.0, 1e4}) {
    add(message("random, the first is ", x), [&](int64_t i) { return i == 0 ? x : random.uniform(-1, 1); });
    add(message("random, the last is ", x),
        [&](int64_t i) { return i == n - 1 ? x : random.uniform(-1, 1); });
  }
  add("random in [0, 1]", [&](int64_t) { return random.uniform(0, 1); });
  add("random in [-1, 1]", [&](int64_t) { return random.uniform(-1, 1); });
  add("random in [-30, 30]", [&](int64_t) { return random.uniform(-30, 30); });
  add("random in [5000, 5010]", [&](int64_t) { return random.uniform(5000, 5010); });
  add("all magnitudes",
      [&](int64_t) { return (random.below(2) == 0 ? -1 : 1) * std::exp(random.uniform(-40, 40)); });
  add("positive of all magnitudes", [&](int64_t) { return std::exp(random.uniform(-40, 40)); });
  add("cancelling",
      [&](int64_t i) { return (i % 2 == 0 ? 1 : -1) * (1 + 0.25 * static_cast<double>(i / 2 % 8)); });
  add("positive, then negative", [&](int64_t i) { return i < n / 2 ? 1.1 : -1.1; });
  add("a large one first, then small ones", [&](int64_t i) { return i == 0 ? 1e7 : 0.1; });
  return all;
}

// Returns values of δ of both signs.
template <class T>
std::vector<T> random_deltas(int64_t n, uint64_t seed) {
  Random random(seed);
  std::vector<T> all;
  for (int64_t i = 0; i < n; ++i) all.push_back(static_cast<T>(random.uniform(-2, 2)));
  return all;
}

// The sizes of the vectors in a sweep.
inline std::vector<int64_t> sizes(bool full) {
  return full ? std::vector<int64_t>{1, 2, 3, 7, 10, 31, 32, 33, 100, 1000, 1025, 10000, 100000, 1000000}
              : std::vector<int64_t>{1, 2, 3, 33, 1025, 30000};
}

// Returns the vectors of a sweep. A sampled sweep has few large ones.
template <class T>
std::vector<Vector<T>> vectors_of_all_sizes(bool full, uint64_t seed) {
  std::vector<Vector<T>> all;
  for (int64_t n : sizes(full)) {
    for (Vector<T>& v : vectors<T>(n, seed)) {
      const bool chosen = v.name.rfind("all 1,", 0) == 0 || v.name.rfind("positive, then", 0) == 0 ||
                          v.name.rfind("a large one", 0) == 0;
      if (full || n < 10000 || chosen) all.push_back(std::move(v));
    }
  }
  return all;
}

}  // namespace test
