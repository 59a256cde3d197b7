// Checks the dependencies between the folders of the core: which folders each may include. Also checks that the rule of
// every operation and optimizer X is in X.h, which begins with its formula.
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "harness.h"
#include "ops/op.h"
#include "optim/optimizer.h"

namespace {

namespace fs = std::filesystem;

const fs::path root = "src/main/cpp";

// For each folder, the prefixes of the paths that it may include in addition to itself and the standard library.
const std::map<std::string, std::vector<std::string>> allowed = {
    {"util", {}},
    {"ops", {"util/"}},
    {"optim", {"util/", "ops/scalar.h"}},
    {"graph", {"util/", "ops/"}},
    {"program", {"util/", "ops/", "optim/"}},
    {"backend", {"util/", "ops/", "optim/", "program/"}},
    {"plan", {"util/", "ops/", "optim/", "graph/", "program/", "backend/backend.h"}},
    {"io", {"util/"}},
    {"devices", {"util/", "io/", "backend/"}},
    {"runtime", {"util/", "ops/", "optim/", "graph/", "program/", "backend/backend.h", "plan/"}},
    {"tools", {"util/", "ops/", "graph/", "plan/", "runtime/"}},
    {"files", {"util/", "ops/", "optim/", "graph/", "io/", "runtime/"}},
    {"api",
     {"util/", "ops/custom.h", "optim/", "backend/cpu/", "backend/cuda/library.h", "runtime/", "tools/",
      "files/", "devices/"}},
};

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

TEST(folders_include_only_what_they_may) {
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string folder = entry.path().lexically_relative(root).begin()->string();
    const auto rule = allowed.find(folder);
    if (rule == allowed.end()) {
      test::fail(entry.path().c_str(), 0,
                 "is in a folder that is missing from the table of allowed includes");
      continue;
    }
    ++files;
    std::ifstream in(entry.path());
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      if (line.rfind("#include \"", 0) != 0) continue;
      const std::string included = line.substr(10, line.find('"', 10) - 10);
      bool fine = included.rfind(folder + "/", 0) == 0;
      for (const std::string& prefix : rule->second) fine = fine || included.rfind(prefix, 0) == 0;
      if (!fine)
        test::fail(entry.path().c_str(), number,
                   "includes " + included + ", which its folder may not include");
    }
  }
  CHECK(files > 80);
}

TEST(every_optimizer_has_a_header_that_begins_with_its_formula) {
  for (int32_t i = 0; i < chainrule::optimizer_count; ++i) {
    const std::string name = name_of(static_cast<chainrule::OptimizerKind>(i));
    if (name == "adamw") continue;  // it is in adam.h
    const fs::path header = root / "optim" / (name + ".h");
    if (first_line(header).rfind("// " + name + ": ", 0) != 0) {
      test::fail(header.c_str(), 1, "does not begin with the formula of " + name);
    }
  }
}

TEST(every_operation_has_a_header_that_begins_with_its_formula) {
  for (int32_t i = 0; i < chainrule::op_count; ++i) {
    const auto op = static_cast<chainrule::Op>(i);
    if (kind_of(op) == chainrule::Kind::leaf) continue;
    const std::string name = name_of(op);
    const fs::path header = root / "ops" / (name + ".h");
    if (first_line(header).rfind("// " + name + ": ", 0) != 0) {
      test::fail(header.c_str(), 1, "does not begin with the formula of " + name);
    }
  }
}
