// Runs every test whose name contains CHAINRULE_TEST_FILTER (all when unset). The exit status tells the outcome.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "harness.h"

namespace {
int failures = 0;         // of the current test
std::string skip_reason;  // likewise
}  // namespace

void test::fail(const char* file, int line, const std::string& what) {
  ++failures;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

void test::skip(const std::string& why) { skip_reason = why; }

int main() {
  const char* filter = std::getenv("CHAINRULE_TEST_FILTER");
  int passed = 0, failed = 0, skipped = 0;
  for (const test::Case& test_case : test::cases()) {
    if (filter != nullptr && std::string(test_case.name).find(filter) == std::string::npos) continue;
    failures = 0;
    skip_reason.clear();
    try {
      test_case.run();
    } catch (const std::exception& error) {
      test::fail(test_case.name, 0, std::string("threw: ") + error.what());
    }
    if (failures == 0 && !skip_reason.empty()) {
      ++skipped;
      std::printf("SKIPPED %s: %s\n", test_case.name, skip_reason.c_str());
      continue;
    }
    ++(failures == 0 ? passed : failed);
    if (failures != 0) std::fprintf(stderr, "FAILED %s\n", test_case.name);
  }
  std::printf("%d passed, %d failed", passed, failed);
  if (skipped > 0) std::printf(", %d SKIPPED", skipped);
  std::printf("\n");
  return failed == 0 && passed + skipped > 0 ? 0 : 1;  // a filter that matches nothing tests nothing
}
