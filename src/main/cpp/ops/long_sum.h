// Sums of many terms. n additions in sequence can have an error of n / 2 ulp, for example if the first term is 1 and all
// others are smaller than half an ulp of it. So at most 8 terms are added in sequence. Each such part is then added to a
// total. In float, the total is a double. In double, it is a double and the sum of its rounding errors, which TwoSum
// computes exactly (D. Knuth, The Art of Computer Programming 2, 4.2.2). The error is at most 4 ulp of the sum of the
// terms' magnitudes. A sum of up to 8 terms has the same bits as a sum in sequence.
#pragma once

#include <cstdint>

#include "ops/math.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

constexpr int64_t terms_in_sequence = 8;

// Adds x to sum + error.
HOST_DEVICE CHAINRULE_INLINE void add_with_error(double& sum, double& error, double x) {
  const double added = sum + x, part = added - sum;
  error += (sum - (added - part)) + (x - part);
  sum = added;
}

// Returns sum + error. The error of an infinite sum is a NaN and is ignored.
HOST_DEVICE CHAINRULE_INLINE double with_error(double sum, double error) {
  return math::select(math::abs(error) < math::format<double>::infinity, sum + error, sum);
}

// One sum of terms of type T, for the threads of a GPU. The CPU's kernels add many sums at a time.
template <class T>
class LongSum {
 public:
  HOST_DEVICE void add(T x) {
    part_ += x;
    if (++terms_ == terms_in_sequence) fold();
  }
  // Returns the sum, rounded to T.
  HOST_DEVICE T value() const {
    if (!folded_) return part_;
    LongSum all = *this;
    all.fold();
    if constexpr (sizeof(T) == sizeof(double)) return with_error(all.total_, all.error_);
    return static_cast<T>(all.total_);
  }

 private:
  HOST_DEVICE void fold() {
    if constexpr (sizeof(T) == sizeof(double)) {
      add_with_error(total_, error_, part_);
    } else {
      total_ += static_cast<double>(part_);
    }
    part_ = 0;
    terms_ = 0;
    folded_ = true;
  }

  T part_ = 0;
  int32_t terms_ = 0;
  bool folded_ = false;
  double total_ = 0, error_ = 0;
};

// One sum in double of terms that are computed from values of type T. If T is float, a double has enough bits to add
// the terms in sequence.
template <class T>
class SumInDouble {
 public:
  HOST_DEVICE void add(double x) { sum_ += x; }
  HOST_DEVICE double value() const { return sum_; }

 private:
  double sum_ = 0;
};
template <>
class SumInDouble<double> : public LongSum<double> {};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
