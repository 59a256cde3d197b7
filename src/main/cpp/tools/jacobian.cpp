#include "tools/jacobian.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <shared_mutex>
#include <utility>

#include "graph/backward.h"
#include "util/check.h"

namespace chainrule {

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

int64_t elements(const Model& model, int32_t node) { return model.graph().node(node).shape.elements(); }

// Returns a model in host memory with this graph, which must contain all parameters of `model`. Copies the parameters'
// values.
std::shared_ptr<Model> copy_in_host_memory(const Model& model, Graph graph) {
  auto copy = std::make_shared<Model>(std::move(graph), model.dtype(), model.seed());
  for (int32_t id : model.graph().parameters()) {
    std::vector<double> values(at(elements(model, id)));
    model.read_parameter(id, values.data(), elements(model, id));
    copy->write_parameter(id, values.data(), elements(model, id));
  }
  return copy;
}

}  // namespace

Jacobian::Jacobian(std::shared_ptr<const Model> model, int32_t z, int32_t x)
    : model_(std::move(model)),
      z_(z),
      x_(x),
      n_(elements(*model_, x)),
      m_(elements(*model_, z)),
      x_batched_(model_->graph().node(x).shape.batched),
      z_batched_(model_->graph().node(z).shape.batched),
      per_sample_(x_batched_ || z_batched_),
      inputs_(model_) {
  const Graph& graph = model_->graph();
  for (int32_t node : {z, x}) {
    REQUIRE(graph.node(node).op != Op::label,
            "Jacobian: a class label has no derivative: ", graph.describe(node));
  }
  PlanRequest values;
  values.dtype = model_->dtype();
  values.outputs = {z, x};
  inputs_.set_needed(make_plan(graph, values, model_->backend()).reads_slot);
  const std::vector<bool> between = needs_delta(graph, z, {x});
  reaches_ = between[at(x)];
  for (int32_t id = x + 1; id < graph.size() && x_batched_ && z_batched_; ++id) {
    if (between[at(id)] && mixes_samples(graph.node(id).op)) mixes_ = true;
  }
}

void Jacobian::compute(int64_t batch, bool by_differences, double* values, int64_t count) {
  REQUIRE(batch > 0, "Jacobian: expected a batch of at least one sample, but got ", batch);
  const int64_t expected = matrices(batch) * n_ * m_;
  REQUIRE(values != nullptr && count == expected, "Jacobian: expected an array of ", expected,
          " values, but got ", count);
  REQUIRE(!mixes_ || batch == 1, "Jacobian: expected a batch of one sample, because a node on the path from ",
          model_->graph().describe(x_), " to ", model_->graph().describe(z_),
          " mixes the samples of a batch, but got ", batch);
  std::fill(values, values + count, 0.0);
  if (!reaches_) return;
  const bool here = model_->backend().on_host();
  const std::shared_ptr<const Model> model = here ? model_ : copy_in_host_memory(*model_, model_->graph());
  if (by_differences) {
    differences(model, batch, values);
  } else {
    backward(model, batch, values);
  }
}

// The seed is the δ of z that a backward pass begins with (PlanRequest::seeded). If samples do not depend on each
// other, one pass computes a column for all of them. If all samples share x, the δ of x is the sum over the samples, so
// each sample needs its own pass.
void Jacobian::backward(const std::shared_ptr<const Model>& model, int64_t batch, double* values) {
  PlanRequest request;
  request.batch = batch;
  request.loss = z_;
  request.backward = true;
  request.seeded = true;
  request.deltas = {x_};
  PlanRunner run(model, request);
  inputs_.check("Jacobian", run.plan(), batch);
  const int64_t seeds = z_batched_ ? batch * m_ : m_;
  MemoryBlock seed(model->backend().host_memory());
  seed.reserve(seeds * size_of(model->dtype()));
  void* const* given = inputs_.at(0);
  std::vector<void*> addresses(given, given + inputs_.slots());
  addresses.push_back(seed.data());

  std::shared_lock<FairSharedMutex> reading(model->mutex());
  run.forward(addresses.data());
  auto pass = [&](int64_t first, int64_t step, double* to, int64_t results) {
    with_type(model->dtype(), seed.data(), [&](auto* e) {
      std::fill(e, e + seeds, 0);
      for (int64_t i = first; i < seeds; i += step) e[i] = 1;
    });
    run.backward(addresses.data());
    // Writes one column of the matrices: `results` rows, from the element that `to` points to.
    with_type(model->dtype(), run.delta(0), [&](auto* d) {
      for (int64_t i = 0; i < results; ++i) to[i * m_] = static_cast<double>(d[i]);
    });
  };
  if (z_batched_ && !x_batched_) {
    for (int64_t i = 0; i < seeds; ++i) pass(i, seeds, values + i / m_ * n_ * m_ + i % m_, n_);
  } else {
    for (int64_t j = 0; j < m_; ++j) pass(j, m_, values + j, matrices(batch) * n_);
  }
}

std::vector<double> Jacobian::values_of(const std::shared_ptr<const Model>& model, int32_t node,
                                        int64_t batch, void* const* inputs) const {
  PlanRequest request;
  request.batch = batch;
  request.outputs = {node};
  PlanRunner run(model, request);
  std::shared_lock<FairSharedMutex> reading(model->mutex());
  run.run(inputs);
  std::vector<double> values(at(run.count(node)));
  with_type(model->dtype(), run.value(0),
            [&](auto* from) { convert(values.data(), from, static_cast<int64_t>(values.size())); });
  return values;
}

void Jacobian::differences(const std::shared_ptr<const Model>& model, int64_t batch, double* values) {
  PlanRequest request;
  request.batch = batch;
  request.outputs = {z_, x_};
  inputs_.check("Jacobian", make_plan(model->graph(), request, model->backend()), batch);
  const std::vector<double> base = values_of(model, x_, batch, inputs_.at(0));

  const std::shared_ptr<Model> shifted = copy_in_host_memory(*model, model->graph().with_leaf(x_));
  const std::vector<int32_t>&from = model->graph().data_nodes(), &to = shifted->graph().data_nodes();
  MemoryBlock x(model->backend().host_memory());
  x.reserve(static_cast<int64_t>(base.size()) * size_of(model->dtype()));
  std::vector<void*> addresses(to.size(), nullptr);
  for (size_t slot = 0; slot < to.size(); ++slot) {
    const auto known = std::find(from.begin(), from.end(), to[slot]);
    addresses[slot] = to[slot] == x_ ? x.data() : inputs_.at(0)[known - from.begin()];
  }
  char* const x_data = x.data();
  auto set = [&](int64_t i, double value) {
    with_type(model->dtype(), x_data,
              [&](auto* typed) { typed[i] = static_cast<std::remove_reference_t<decltype(*typed)>>(value); });
  };
  auto get = [&](int64_t i) {
    return with_type(model->dtype(), x_data, [&](auto* typed) { return static_cast<double>(typed[i]); });
  };
  for (size_t i = 0; i < base.size(); ++i) set(static_cast<int64_t>(i), base[i]);

  request.outputs = {z_};
  PlanRunner run(shifted, request);
  auto z = [&] {
    if (!x_batched_) {
      shifted->backend().copy_in(shifted->parameters() + shifted->layout().offsets[at(x_)], x.data(),
                                 static_cast<int64_t>(base.size()) * size_of(model->dtype()));
    }
    run.run(addresses.data());
    std::vector<double> result(at(run.count(z_)));
    with_type(model->dtype(), run.value(0),
              [&](auto* typed) { convert(result.data(), typed, static_cast<int64_t>(result.size())); });
    return result;
  };
  const std::vector<double> z_base = z();
  const double epsilon = model->dtype() == DType::float32 ? std::numeric_limits<float>::epsilon()
                                                          : std::numeric_limits<double>::epsilon();
  // If each z depends only on its own sample of x, feature i of all samples is shifted at once. Otherwise the elements
  // of x are shifted one after the other.
  const bool together = x_batched_ && z_batched_;
  const int64_t shifts = together ? n_ : static_cast<int64_t>(base.size());
  for (int64_t i = 0; i < shifts; ++i) {
    std::vector<double> h(base.size(), 0.0);
    for (int64_t e = i; e < static_cast<int64_t>(base.size()); e += together ? n_ : shifts) {
      set(e, base[at(e)] + std::sqrt(epsilon) * std::max(1.0, std::abs(base[at(e)])));
      h[at(e)] = get(e) - base[at(e)];  // the actual shift, after rounding
    }
    const std::vector<double> z_shifted = z();
    for (int64_t e = i; e < static_cast<int64_t>(base.size()); e += together ? n_ : shifts)
      set(e, base[at(e)]);
    for (int64_t k = 0; k < static_cast<int64_t>(z_base.size()); ++k) {
      const int64_t sample = z_batched_ ? k / m_ : x_batched_ ? i / n_ : 0;
      const int64_t row = i % n_, column = k % m_;
      const double step = together ? h[at(sample * n_ + row)] : h[at(i)];
      values[(sample * n_ + row) * m_ + column] = (z_shifted[at(k)] - z_base[at(k)]) / step;
    }
  }
}

}  // namespace chainrule
