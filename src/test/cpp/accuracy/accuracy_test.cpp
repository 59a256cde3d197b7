// A sampled sweep of every operation and optimizer, compared with the table of limits; the table compared with the
// registries and with docs/accuracy.md; NaN, infinities and the sign of zero.
#include <fstream>
#include <set>
#include <sstream>

#include "accuracy/engine.h"
#include "accuracy/limits.h"
#include "accuracy/sweep.h"
#include "harness.h"
#include "ops/op.h"
#include "optim/optimizer.h"

using namespace test;

namespace {

// Fails for every measured entry whose error is above its limit.
void check(void (*sweep)(Effort, Results&)) {
  Results results;
  sweep(Effort::sampled, results);
  CHECK(!results.empty());
  for (const auto& [name, measured] : results) {
    const Limit* limit = limit_of(name);
    if (limit == nullptr) continue;  // another test reports it
    for (int type = 0; type < 2; ++type) {
      const auto compare = [&, entry = name](const char* pass, const Worst& worst, double allowed) {
        if (worst.ulps <= allowed) return;
        fail(entry.c_str(), 0,
             message(pass, " in ", type == 0 ? "float" : "double", ": expected at most ", allowed,
                     " ulps, but got ", worst.ulps, " at ", worst.where));
      };
      compare("forward", measured.forward[type], limit->forward);
      compare("backward", measured.backward[type], limit->backward);
    }
  }
}

struct Goal {
  double forward, backward;
};

Goal goal_of(const std::string& name) {
  for (int32_t i = 0; i < op_count; ++i) {
    if (name != name_of(static_cast<Op>(i))) continue;
    switch (kind_of(static_cast<Op>(i))) {
      case Kind::unary:
      case Kind::binary: return {2, 4};
      case Kind::loss: return name == "softmax_cross_entropy" ? Goal{8, 8} : Goal{4, 4};
      default: return {8, 8};
    }
  }
  return {4, 4};  // an optimizer
}

std::vector<std::string> registered() {
  std::vector<std::string> names;
  for (int32_t i = 0; i < op_count; ++i) names.push_back(name_of(static_cast<Op>(i)));
  for (int32_t i = 0; i < optimizer_count; ++i) names.push_back(name_of(static_cast<OptimizerKind>(i)));
  return names;
}

}  // namespace

TEST(accuracy_of_leaves) { check(sweep_leaves); }
TEST(accuracy_of_products) { check(sweep_products); }
TEST(accuracy_of_binary_operations) { check(sweep_binary); }
TEST(accuracy_of_unary_operations) { check(sweep_unary); }
TEST(accuracy_of_reductions) { check(sweep_reductions); }
TEST(accuracy_of_row_wise_operations) { check(sweep_rowwise); }
TEST(accuracy_of_structure_operations) { check(sweep_structure); }
TEST(accuracy_of_elementwise_losses) { check(sweep_losses); }
TEST(accuracy_of_softmax_cross_entropy) { check(sweep_cross_entropy); }
TEST(accuracy_of_updates) { check(sweep_updates); }

// The table of limits has one row per entry of the registries, and docs/accuracy.md has the same rows.
TEST(accuracy_limits_of_every_operation_and_optimizer_are_published) {
  const std::vector<std::string> names = registered();
  for (const std::string& name : names) {
    if (limit_of(name) == nullptr)
      fail(name.c_str(), 0, "src/test/cpp/accuracy/limits.cpp has no row for it");
  }
  CHECK(limits().size() == names.size());

  std::ifstream page("docs/accuracy.md");
  CHECK(page.good());
  std::set<std::string> published;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("| `", 0) != 0 || line.find("` |") == std::string::npos) continue;
    const std::string name = line.substr(3, line.find("` |") - 3);
    const Limit* limit = limit_of(name);
    if (limit == nullptr || published.count(name) != 0) continue;  // a row of another table
    published.insert(name);
    const std::string begin = row_begin(*limit), end = row_end(*limit);
    if (line.rfind(begin, 0) != 0 || line.size() < begin.size() + end.size() ||
        line.compare(line.size() - end.size(), end.size(), end) != 0) {
      fail("docs/accuracy.md", 0,
           message("the row of ", name, " must begin with '", begin, "' and end with '", end, "'"));
    }
  }
  for (const Limit& limit : limits()) {
    if (published.count(limit.name) == 0) fail("docs/accuracy.md", 0, message("no row for ", limit.name));
  }
}

// A limit above the goal needs a reason.
TEST(accuracy_limits_above_the_goals_have_reasons) {
  for (const Limit& limit : limits()) {
    const Goal goal = goal_of(limit.name);
    if (limit.forward <= goal.forward && limit.backward <= goal.backward) continue;
    if (limit.reason[0] == 0)
      fail(limit.name, 0, "its limit is above the goal, but limits.cpp gives no reason");
  }
}
