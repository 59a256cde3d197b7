// A small test harness: TEST(name) {…}, CHECK(condition), CHECK_NEAR(a, b, tolerance), CHECK_THROWS(expression,
// substring). COMMAND(name) {…} defines what the test program does if its only argument is --name.
#pragma once

#include <cmath>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

namespace test {

struct Case {
  const char* name;
  void (*run)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Register {
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

// A command returns the exit status.
struct Command {
  const char* name;
  int (*run)();
};

inline std::vector<Command>& commands() {
  static std::vector<Command> all;
  return all;
}

struct RegisterCommand {
  RegisterCommand(const char* name, int (*run)()) { commands().push_back({name, run}); }
};

// Reports a failed check. The test continues, and the whole run counts as failed.
void fail(const char* file, int line, const std::string& what);

// Marks the running test as skipped because it cannot run on this machine. The test must then return at once.
void skip(const std::string& why);

}  // namespace test

#define TEST(name)                                                 \
  static void test_##name();                                       \
  static const test::Register register_##name(#name, test_##name); \
  static void test_##name()

#define COMMAND(name)                                                                \
  static int command_##name();                                                       \
  static const test::RegisterCommand register_command_##name(#name, command_##name); \
  static int command_##name()

#define CHECK(condition)                                          \
  do {                                                            \
    if (!(condition)) test::fail(__FILE__, __LINE__, #condition); \
  } while (false)

// The comparison is negated so that the check fails for NaN.
#define CHECK_NEAR(a, b, tolerance)                                                                \
  do {                                                                                             \
    const double check_a = static_cast<double>(a), check_b = static_cast<double>(b);               \
    if (!(std::abs(check_a - check_b) <= (tolerance))) {                                           \
      std::ostringstream check_text;                                                               \
      check_text.precision(17);                                                                    \
      check_text << #a " is " << check_a << ", expected " << check_b << " within " << (tolerance); \
      test::fail(__FILE__, __LINE__, check_text.str());                                            \
    }                                                                                              \
  } while (false)

#define CHECK_THROWS(expression, substring)                                                       \
  do {                                                                                            \
    bool check_threw = false;                                                                     \
    try {                                                                                         \
      (void)(expression);                                                                         \
    } catch (const std::exception& check_error) {                                                 \
      check_threw = true;                                                                         \
      if (std::string(check_error.what()).find(substring) == std::string::npos) {                 \
        test::fail(__FILE__, __LINE__, std::string(#expression " threw: ") + check_error.what()); \
      }                                                                                           \
    }                                                                                             \
    if (!check_threw) test::fail(__FILE__, __LINE__, #expression " threw nothing");               \
  } while (false)
