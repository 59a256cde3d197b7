#include "runtime/model.h"

#include <cmath>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "util/check.h"
#include "util/held.h"
#include "util/random.h"

namespace chainrule {

namespace {

// Returns the initial value of element i, as defined by the initializer (graph.h).
double initial_value(const Node& node, uint64_t seed, uint64_t stream, uint64_t i) {
  const double fan_in = static_cast<double>(node.shape.columns),
               fan_out = static_cast<double>(node.shape.rows);
  switch (node.initializer) {
    case Initializer::constant: return node.constant;
    case Initializer::glorot_uniform:
      return std::sqrt(6 / (fan_in + fan_out)) * (2 * random_uniform(seed, stream, i) - 1);
    case Initializer::glorot_normal:
      return std::sqrt(2 / (fan_in + fan_out)) * random_normal(seed, stream, i);
    case Initializer::he_uniform: return std::sqrt(6 / fan_in) * (2 * random_uniform(seed, stream, i) - 1);
    case Initializer::he_normal: return std::sqrt(2 / fan_in) * random_normal(seed, stream, i);
  }
  return 0;
}

}  // namespace

Model::Model(Graph graph, DType dtype, int64_t seed, Backend& backend)
    : graph_(std::move(graph)),
      dtype_(dtype),
      seed_(seed),
      backend_(backend),
      layout_(lay_out_leaves(graph_, dtype)),
      parameters_(backend_),
      constants_(backend_) {
  parameters_.reserve(layout_.parameter_bytes);
  constants_.reserve(layout_.constant_bytes);
  initialize();
}

void Model::initialize() {
  auto leaf = [&](char* block, int32_t id, auto&& fill) {
    write_on_host(backend_, block + layout_.offsets[static_cast<size_t>(id)],
                  graph_.node(id).shape.elements() * size_of(dtype_),
                  [&](char* values) { with_type(dtype_, values, fill); });
  };
  for (int32_t id = 0; id < graph_.size(); ++id) {
    const Node& node = graph_.node(id);
    if (node.op != Op::constant) continue;
    leaf(constants(), id, [&](auto* to) { convert(to, node.values.data(), node.shape.elements()); });
  }
  for (size_t stream = 0; stream < graph_.parameters().size(); ++stream) {
    int32_t id = graph_.parameters()[stream];
    const Node& node = graph_.node(id);
    leaf(parameters(), id, [&](auto* to) {
      using T = std::remove_pointer_t<decltype(to)>;
      for (int64_t i = 0; i < node.shape.elements(); ++i) {
        to[i] = static_cast<T>(
            initial_value(node, static_cast<uint64_t>(seed_), stream, static_cast<uint64_t>(i)));
      }
    });
  }
}

std::shared_ptr<Model> Model::snapshot() const {
  auto copy = std::make_shared<Model>(graph_, dtype_, seed_, backend_);
  std::shared_lock<FairSharedMutex> reading(mutex_);
  backend_.copy(copy->parameters(), parameters(), layout_.parameter_bytes);
  return copy;
}

int64_t Model::check_parameter(const char* operation, int32_t id, const void* values, int64_t count) const {
  const Node& node = graph_.node(id);
  REQUIRE(node.op == Op::parameter, operation, ": expected a parameter, but got ", graph_.describe(id));
  REQUIRE(values != nullptr, operation, ": expected values for ", graph_.describe(id), ", but got null");
  REQUIRE(count == node.shape.elements(), operation, ": expected ", node.shape.elements(), " values for ",
          graph_.describe(id), ", but got ", count);
  return layout_.offsets[static_cast<size_t>(id)];
}

template <class V>
void Model::read_parameter(int32_t id, V* values, int64_t count) const {
  int64_t offset = check_parameter("reading a parameter", id, values, count);
  std::shared_lock<FairSharedMutex> reading(mutex_);
  read_on_host(backend_, parameters() + offset, count * size_of(dtype_), [&](const char* host) {
    with_type(dtype_, host, [&](const auto* from) { convert(values, from, count); });
  });
}

template <class V>
void Model::write_parameter(int32_t id, const V* values, int64_t count) {
  int64_t offset = check_parameter("setting a parameter", id, values, count);
  for (int64_t i = 0; i < count; ++i) {
    const double value = static_cast<double>(values[i]);
    REQUIRE(std::isfinite(held(value, dtype_)), "setting a parameter: values must be finite",
            std::isfinite(values[i]) ? " as floats" : "", ", but number ", i, " for ", graph_.describe(id),
            " is ", values[i]);
  }
  std::unique_lock<FairSharedMutex> writing(mutex_);
  write_on_host(backend_, parameters() + offset, count * size_of(dtype_),
                [&](char* host) { with_type(dtype_, host, [&](auto* to) { convert(to, values, count); }); });
}

void require_numbers(const Graph& graph, DType dtype) {
  if (dtype == DType::float64) return;
  for (int32_t id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    const auto fits = [&](double value) {
      REQUIRE(std::isfinite(held(value, dtype)), "model: a float cannot hold ", value, " of ",
              graph.describe(id), "; build a model of doubles, or use a smaller number");
    };
    const auto stays = [&](double value) {
      REQUIRE(value == 0 || held(value, dtype) != 0, "model: ", value, " of ", graph.describe(id),
              " is 0 as a float; build a model of doubles, or use a larger number");
    };
    fits(node.constant);
    if (node.op != Op::parameter) stays(node.constant);
    const Traits& traits = traits_of(node.op);
    const double rounded = held(node.constant, dtype);
    REQUIRE(contains(traits.range, rounded), "model: the ", traits.constant, " of ", graph.describe(id),
            " is ", rounded, " as a float, but must be ", text_of(traits.range),
            "; build a model of doubles, or use another number");
    for (double value : node.values) fits(value);
    if (node.values.size() == 1) stays(node.values[0]);
  }
}

template void Model::read_parameter<float>(int32_t, float*, int64_t) const;
template void Model::read_parameter<double>(int32_t, double*, int64_t) const;
template void Model::write_parameter<float>(int32_t, const float*, int64_t);
template void Model::write_parameter<double>(int32_t, const double*, int64_t);

}  // namespace chainrule
