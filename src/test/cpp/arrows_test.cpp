// Which way the arrows point: what each folder of the core may include. And that ops/ answers "where is the rule of X".
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

// Folder by folder: the beginnings of what it may include, besides itself and the standard library.
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

TEST(includes_follow_the_arrows) {
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string folder = entry.path().lexically_relative(root).begin()->string();
    const auto rule = allowed.find(folder);
    if (rule == allowed.end()) {
      test::fail(entry.path().c_str(), 0, "lies in a folder that no arrow is known for");
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
      if (!fine) test::fail(entry.path().c_str(), number, "includes " + included + " against the arrows");
    }
  }
  CHECK(files > 80);
}

TEST(every_optimizer_has_its_page) {
  for (int32_t i = 0; i < chainrule::optimizer_count; ++i) {
    const std::string name = name_of(static_cast<chainrule::OptimizerKind>(i));
    if (name == "adamw") continue;  // on Adam's page
    const fs::path page = root / "optim" / (name + ".h");
    if (first_line(page).rfind("// " + name + ": ", 0) != 0) {
      test::fail(page.c_str(), 1, "does not begin with the formula of " + name);
    }
  }
}

TEST(every_operation_has_its_page) {
  for (int32_t i = 0; i < chainrule::op_count; ++i) {
    const auto op = static_cast<chainrule::Op>(i);
    if (kind_of(op) == chainrule::Kind::leaf) continue;
    const std::string name = name_of(op);
    const fs::path page = root / "ops" / (name + ".h");
    if (first_line(page).rfind("// " + name + ": ", 0) != 0) {
      test::fail(page.c_str(), 1, "does not begin with the formula of " + name);
    }
  }
}
