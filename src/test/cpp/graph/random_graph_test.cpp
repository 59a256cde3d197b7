// Compares the gradients of two hundred random graphs with differences.
#include "random_graph.h"

#include <map>

#include "gradient_check.h"
#include "graph/backward.h"
#include "harness.h"

using namespace test;

TEST(gradients_of_random_graphs) {
  constexpr int graph_count = 200, least_occurrences = 20;
  std::map<Op, int> occurrences;
  int rejected = 0, drawn = 0, checked = 0;
  for (uint64_t seed = 1; checked < graph_count && drawn < 2 * graph_count; ++seed) {
    ++drawn;
    const GraphCase c = random_graph(seed);
    CHECK(c.graph.size() >= 5 && c.graph.size() <= 40);
    const int64_t batch = 1 + static_cast<int64_t>(seed % 9);
    const Values values = random_values(c.graph, batch, seed);
    const CheckedGradients result = check_gradients(c.graph, c.loss, batch, values, {2, 3, 1e-6, seed});
    if (result.any(Verdict::kink)) {  // every step crosses the kink, so there is nothing to compare with
      ++rejected;
      continue;
    }
    ++checked;
    if (!result.passed() || !(result.strongest() > 1)) {
      fail(c.name.c_str(), static_cast<int>(batch), result.text());
    }
    const std::vector<bool> used = needed_for(c.graph, {c.loss});
    for (int32_t id = 0; id < c.graph.size(); ++id) {
      if (used[at(id)]) ++occurrences[c.graph.node(id).op];
    }
  }
  CHECK(checked == graph_count);
  if (rejected * 50 > drawn)
    fail("random graphs", rejected, message("rejected of ", drawn, ": more than 2 %"));
  for (Op op : operations()) {
    if (occurrences[op] < least_occurrences) fail(name_of(op), occurrences[op], "has too few occurrences");
  }
}
