// The table of what is promised: for every entry of the registries, the unit of its errors and the largest errors.
// docs/accuracy.md publishes its rows.
#pragma once

#include <string>
#include <vector>

namespace test {

// The number of which an error is expressed in ulps.
enum class Unit {
  result,   // the exact result: no terms cancel, or the rule avoids it
  term,     // the largest term of the formula, because terms of opposite sign cancel; otherwise the result
  sums,     // the larger of the sum of the positive terms and that of the negative ones; otherwise the result
  shifted,  // the exact result, and |z_i - max| / 2 ulps are allowed in addition to the limit
  none,     // no arithmetic
};

struct Limit {
  const char* name;  // of the operation or optimizer
  const char* inputs;
  // For an optimizer, forward is the parameter and backward the states.
  Unit unit_forward, unit_backward;
  double forward, backward;
  const char* reason;  // why a limit is above the goal; empty if none is
};

const std::vector<Limit>& limits();

// Returns null if there is no row of this name.
const Limit* limit_of(const std::string& name);

// Returns the beginning and the end of the entry's row in docs/accuracy.md. The measured errors are between them.
std::string row_begin(const Limit& limit);
std::string row_end(const Limit& limit);

}  // namespace test
