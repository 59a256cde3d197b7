#include "backend/cuda/products.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>
#include <vector>

#include "backend/cuda/product_text.h"
#include "backend/cuda/tuning.h"
#include "util/check.h"

namespace chainrule {
namespace cuda {

namespace {

// The number of algorithms that are timed, in the heuristic's order of expected speed.
constexpr int32_t most_candidates = 16;

auto members(const ProductShape& s) {
  return std::tie(s.factors, s.transposed_a, s.transposed_b, s.m, s.n, s.k, s.lda, s.ldb, s.ldc,
                  s.alignment_a, s.alignment_b, s.alignment_c, s.scalars_on_device);
}

int64_t nanoseconds(double seconds) { return std::max<int64_t>(1, std::llround(seconds * 1e9)); }

}  // namespace

bool Products::Less::operator()(const ProductShape& a, const ProductShape& b) const {
  return members(a) < members(b);
}

std::shared_ptr<const Product> Products::choose(const ProductShape& shape) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto known = chosen_.find(shape);
  if (known != chosen_.end()) return known->second;
  std::shared_ptr<const Product> made =
      tuned_ ? timed(shape) : blas_.make(shape, blas_.algorithms(shape, 1).front());
  chosen_[shape] = made;
  if (tuned_) ++timed_;
  return made;
}

std::vector<Algorithm> Products::candidates(const ProductShape& shape) const {
  return blas_.algorithms(shape, most_candidates);
}

std::shared_ptr<const Product> Products::timed(const ProductShape& shape) const {
  std::vector<std::shared_ptr<Product>> made;
  for (const Algorithm& algorithm : candidates(shape)) made.push_back(blas_.make(shape, algorithm));
  const std::vector<double> seconds = median_seconds(memory_, blas_, made);
  const size_t fastest =
      static_cast<size_t>(std::min_element(seconds.begin(), seconds.end()) - seconds.begin());
  made[fastest]->nanoseconds = nanoseconds(seconds[fastest]);
  made[fastest]->first_nanoseconds = nanoseconds(seconds.front());
  return made[fastest];
}

void Products::tune(const std::string& known, int32_t first_line) {
  decltype(chosen_) read;
  std::set<ProductShape, Less> seen;
  std::istringstream lines(known);
  int32_t number = first_line;
  for (std::string line; std::getline(lines, line); ++number) {
    try {
      const ProductLine parsed = parse_line(line);
      if (!seen.insert(parsed.shape).second) throw Error(describe(parsed.shape) + " occurs twice");
      const std::vector<Algorithm> proposed = candidates(parsed.shape);
      if (std::find(proposed.begin(), proposed.end(), parsed.algorithm) == proposed.end()) continue;
      const std::shared_ptr<Product> product = blas_.make(parsed.shape, parsed.algorithm);
      product->nanoseconds = parsed.nanoseconds;
      product->first_nanoseconds = parsed.first_nanoseconds;
      read[parsed.shape] = product;
    } catch (const Error& error) {
      throw Error(message("line ", number, ": ", error.what()));
    }
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  chosen_ = std::move(read);
  tuned_ = true;
}

Products::Tuned Products::tuned() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  Tuned tuned;
  if (!tuned_) return tuned;
  tuned.timed = timed_;
  for (const auto& [shape, product] : chosen_) {
    tuned.lines += line_of(*product) + "\n";
    tuned.for_people += describe(shape) + describe_times(*product) + "\n";
  }
  return tuned;
}

}  // namespace cuda
}  // namespace chainrule
