// Prints the table of docs/accuracy.md: the rows of limits.h with the measured errors.
#include <cstdio>

#include "accuracy/limits.h"
#include "accuracy/sweep.h"
#include "harness.h"

namespace test {

namespace {

// An error of at most half an ulp is that of a correctly rounded result. It needs no input as an example.
std::string cell(const Worst& worst) {
  char number[32];
  std::snprintf(number, sizeof number, worst.ulps < 1e5 ? "%.2f" : "%.2g", worst.ulps);
  return worst.ulps == 0 ? "0" : worst.ulps <= 0.5 ? number : number + std::string(": ") + worst.where;
}

}  // namespace

void print_table(const Results& results) {
  std::printf(
      "| entry | inputs | unit | limit | forward, float | forward, double | backward, float | "
      "backward, double | exception |\n");
  std::printf("| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const Limit& limit : limits()) {
    const auto found = results.find(limit.name);
    std::string cells = "not measured | | |";
    if (found != results.end()) {
      const Measured& m = found->second;
      cells = cell(m.forward[0]) + " | " + cell(m.forward[1]) + " | " + cell(m.backward[0]) + " | " +
              cell(m.backward[1]);
    }
    std::printf("%s%s%s\n", row_begin(limit).c_str(), cells.c_str(), row_end(limit).c_str());
  }
}

}  // namespace test

// Measures everything and prints the table.
COMMAND(accuracy) {
  test::Results results;
  for (const test::Sweep& sweep : test::sweeps()) {
    std::fprintf(stderr, "accuracy: %s\n", sweep.name);
    sweep.run(test::Effort::full, results);
  }
  std::fprintf(stderr, "accuracy: unary operations on all floats\n");
  test::sweep_all_floats(results);
  test::print_table(results);
  return 0;
}

// Prints the table as the tests measure it, with fewer inputs.
COMMAND(accuracy_sampled) {
  test::Results results;
  for (const test::Sweep& sweep : test::sweeps()) sweep.run(test::Effort::sampled, results);
  test::print_table(results);
  return 0;
}
