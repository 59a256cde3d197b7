#include "accuracy/sweep.h"
#include "harness.h"

using namespace test;

#define SWEEP(name)                         \
  TEST(accuracy_##name) {                   \
    Results results;                        \
    sweep_##name(Effort::sampled, results); \
    print_table(results);                   \
  }
SWEEP(unary) SWEEP(reductions) SWEEP(rowwise) SWEEP(losses) SWEEP(cross_entropy) SWEEP(updates)
