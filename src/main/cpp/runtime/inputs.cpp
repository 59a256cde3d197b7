#include "runtime/inputs.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "util/check.h"

namespace chainrule {

Inputs::Inputs(std::shared_ptr<const Model> model)
    : model_(std::move(model)),
      addresses_(model_->graph().data_nodes().size(), 0),
      needed_(addresses_.size(), false),
      shifted_(addresses_.size(), nullptr) {
  for (size_t i = 0; i < addresses_.size(); ++i) staging_.emplace_back(model_->backend().host_memory());
}

int64_t Inputs::checked(int32_t slot) const {
  REQUIRE(slot >= 0 && slot < slots(), "inputs: the graph has ", slots(),
          " data slots, numbered from 0, but got slot ", slot);
  return slot;
}

int64_t Inputs::sample_bytes(int32_t slot) const {
  const Node& node = model_->graph().node(model_->graph().data_nodes()[static_cast<size_t>(checked(slot))]);
  return node.op == Op::label ? static_cast<int64_t>(sizeof(int32_t))
                              : node.shape.rows * size_of(model_->dtype());
}

char* Inputs::reserve(int32_t slot, int64_t batch) {
  int64_t bytes = sample_bytes(slot);
  REQUIRE(batch > 0, "inputs: expected a batch of at least one sample, but got ", batch);
  REQUIRE(batch <= INT64_MAX / 2 / bytes, "inputs: a batch of ", batch, " samples of ", bytes,
          " bytes does not fit into memory");
  MemoryBlock& block = staging_[static_cast<size_t>(slot)];
  block.reserve(batch * bytes);
  addresses_[static_cast<size_t>(slot)] = reinterpret_cast<int64_t>(block.data());
  return block.data();
}

const int32_t* Inputs::labels(int32_t node) const {
  const std::vector<int32_t>& data = model_->graph().data_nodes();
  const auto slot = std::find(data.begin(), data.end(), node) - data.begin();
  return reinterpret_cast<const int32_t*>(addresses_[static_cast<size_t>(slot)]);
}

int64_t Inputs::bytes() const {
  int64_t sum = 0;
  for (const MemoryBlock& block : staging_) sum += block.bytes();
  return sum;
}

void* const* Inputs::at(int64_t first) {
  for (int32_t slot = 0; slot < slots(); ++slot) {
    char* base = reinterpret_cast<char*>(addresses_[static_cast<size_t>(slot)]);
    shifted_[static_cast<size_t>(slot)] = base == nullptr ? nullptr : base + first * sample_bytes(slot);
  }
  return shifted_.data();
}

void Inputs::check(const char* operation, const Plan& plan, int64_t batch) const {
  const Graph& graph = model_->graph();
  for (int32_t slot = 0; slot < slots(); ++slot) {
    if (!plan.reads_slot[static_cast<size_t>(slot)]) continue;
    const int32_t node = graph.data_nodes()[static_cast<size_t>(slot)];
    const int64_t address = addresses_[static_cast<size_t>(slot)];
    REQUIRE(address != 0, operation, ": expected data for ", graph.describe(node), ", but got none");
    const MemoryBlock& block = staging_[static_cast<size_t>(slot)];
    REQUIRE(address != reinterpret_cast<int64_t>(block.data()) || batch * sample_bytes(slot) <= block.bytes(),
            operation, ": expected ", batch, " samples for ", graph.describe(node), ", but got memory for ",
            block.bytes() / sample_bytes(slot));
    REQUIRE(address % (graph.node(node).op == Op::label ? 4 : size_of(model_->dtype())) == 0, operation,
            ": the data for ", graph.describe(node), " are not aligned to their type");
  }
  for (const DataCheck& check : plan.checks) {
    check_data(operation, model_->graph(), check, model_->dtype(), data(check.slot), batch);
  }
}

namespace {

// Returns the index of the first of `count` values that is less than 0, more than `most` or NaN; `count` if there is no
// such value, which is the usual case. Therefore whole blocks are tested without a branch, in a form that the compiler
// can vectorise.
template <class T>
int64_t first_outside(const T* values, int64_t count, T most) {
  constexpr int64_t block = 64;
  int64_t i = 0;
  for (; i + block <= count; i += block) {
    int32_t inside = 0;
    for (int64_t j = 0; j < block; ++j) inside += (values[i + j] >= 0) & (values[i + j] <= most);
    if (inside != block) break;
  }
  return std::find_if(values + i, values + count, [&](T v) { return !(v >= 0 && v <= most); }) - values;
}

}  // namespace

void check_data(const char* operation, const Graph& graph, const DataCheck& check, DType dtype,
                const char* data, int64_t count) {
  if (check.classes > 0) {
    const int32_t* labels = reinterpret_cast<const int32_t*>(data);
    for (int64_t i = 0; i < count; ++i) {
      REQUIRE(labels[i] >= 0 && labels[i] < check.classes, operation, ": expected labels from 0 to ",
              check.classes - 1, " for ", graph.describe(check.node), ", but sample ", i, " has ", labels[i]);
    }
    return;
  }
  const bool probabilities = check.targets == Targets::probabilities;
  const int64_t features = graph.node(check.node).shape.rows;
  with_type(dtype, data, [&](const auto* values) {
    using T = std::remove_cv_t<std::remove_pointer_t<decltype(values)>>;
    const T most = probabilities ? T(1) : std::numeric_limits<T>::max();
    const int64_t at = first_outside(values, count * features, most);
    REQUIRE(at == count * features, operation, ": expected targets ",
            probabilities ? "from 0 to 1" : "of 0 or more", " for ", graph.describe(check.node),
            ", but sample ", at / features, ", feature ", at % features, " has ", values[at]);
  });
}

}  // namespace chainrule
