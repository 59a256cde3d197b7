// Runs the tests whose names contain the value of CHAINRULE_TEST_FILTER, or all tests if it is unset. --only NAME runs
// the test with exactly that name. --list prints the names of the selected tests, one per line, and runs none. --NAME
// runs the command of that name (COMMAND in harness.h) instead of tests and returns its exit status. Otherwise the exit
// status is 0 if at least one test was selected and none failed, 1 if not, and 2 if the arguments are wrong.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "harness.h"

namespace {
int failures = 0;         // Failed checks of the current test.
std::string skip_reason;  // Why the current test was skipped; empty if it was not.
}  // namespace

void test::fail(const char* file, int line, const std::string& what) {
  ++failures;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

void test::skip(const std::string& why) { skip_reason = why; }

int main(int count, char** arguments) {
  const char* filter = std::getenv("CHAINRULE_TEST_FILTER");
  for (const test::Command& command : test::commands()) {
    if (count == 2 && std::string("--") + command.name == arguments[1]) return command.run();
  }
  const bool list = count == 2 && std::strcmp(arguments[1], "--list") == 0;
  const char* only = count == 3 && std::strcmp(arguments[1], "--only") == 0 ? arguments[2] : nullptr;
  if (count > 1 && !list && only == nullptr) {
    std::fprintf(stderr, "expected no argument, --list, or --only NAME, got '%s'\n", arguments[1]);
    return 2;
  }
  int passed = 0, failed = 0, skipped = 0;
  for (const test::Case& test_case : test::cases()) {
    if (filter != nullptr && std::strstr(test_case.name, filter) == nullptr) continue;
    if (only != nullptr && std::strcmp(test_case.name, only) != 0) continue;
    if (list) {
      std::printf("%s\n", test_case.name);
      continue;
    }
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
  if (list) return 0;
  std::printf("%d passed, %d failed", passed, failed);
  if (skipped > 0) std::printf(", %d SKIPPED", skipped);
  std::printf("\n");
  return failed == 0 && passed + skipped > 0 ? 0 : 1;  // a filter or name that matches no test is an error
}
