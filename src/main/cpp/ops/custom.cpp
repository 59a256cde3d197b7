#include "ops/custom.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include "util/check.h"

namespace chainrule {

namespace {

struct Entry {
  std::string name;
  bool registered;
};

struct Table {
  std::mutex mutex;
  std::vector<Entry> entries;  // by number
  std::atomic<CustomHost> host{nullptr};
};

Table& table() {
  static Table* all = new Table;
  return *all;
}

std::vector<Entry>::iterator find(const std::string& name) {
  std::vector<Entry>& entries = table().entries;
  return std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.name == name; });
}

}  // namespace

void set_custom_host(CustomHost host) { table().host = host; }

int32_t register_custom(const std::string& name) {
  REQUIRE(!name.empty(), "registering an operation: the name is empty");
  std::lock_guard<std::mutex> lock(table().mutex);
  std::vector<Entry>& entries = table().entries;
  auto found = find(name);
  if (found == entries.end()) found = entries.insert(found, {name, true});
  found->registered = true;
  return static_cast<int32_t>(found - entries.begin());
}

void unregister_custom(const std::string& name) {
  std::lock_guard<std::mutex> lock(table().mutex);
  auto found = find(name);
  if (found != table().entries.end()) found->registered = false;
}

bool is_registered_custom(const std::string& name) {
  std::lock_guard<std::mutex> lock(table().mutex);
  auto found = find(name);
  return found != table().entries.end() && found->registered;
}

int32_t custom_number(const std::string& name) {
  std::lock_guard<std::mutex> lock(table().mutex);
  auto found = find(name);
  REQUIRE(found != table().entries.end(), "no operation was ever registered under the name '", name, "'");
  return static_cast<int32_t>(found - table().entries.begin());
}

void call_custom(int32_t number, bool backward, int64_t count, const double* delta, const double* z,
                 const double* a, double* result) {
  CustomHost host = table().host;
  if (host != nullptr && host(number, backward, count, delta, z, a, result)) return;
  std::string name;
  {
    std::lock_guard<std::mutex> lock(table().mutex);
    name = table().entries[static_cast<size_t>(number)].name;
  }
  throw Error(message("the ", backward ? "backward" : "forward", " of the operation '", name, "' failed"));
}

}  // namespace chainrule
