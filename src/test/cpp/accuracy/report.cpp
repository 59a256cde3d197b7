// Prints the rows of docs/accuracy.md.
#include <cstdio>

#include "accuracy/sweep.h"

namespace test {

void print_table(const Results& results) {
  for (const auto& [name, measured] : results) {
    for (int type = 0; type < 2; ++type) {
      std::printf("%-24s %s forward %.3g at %s; backward %.3g at %s\n", name.c_str(),
                  type == 0 ? "float" : "double", measured.forward[type].ulps,
                  measured.forward[type].where.c_str(), measured.backward[type].ulps,
                  measured.backward[type].where.c_str());
    }
  }
}

}  // namespace test
