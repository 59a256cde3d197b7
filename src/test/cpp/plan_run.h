// Runs a plan with its own memory, for tests below the level of the runtime. Before each run, everything that the run
// must write is filled with NaN.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "ops/rules.h"
#include "ops/softmax_cross_entropy.h"
#include "optimizers.h"
#include "plan/plan.h"
#include "plan/testing.h"
#include "runtime/memory_block.h"

namespace test {

using namespace chainrule;

// The values of the leaves, by node: parameters as [rows][columns], data as [batch][feature], labels as whole numbers.
using Values = std::vector<std::vector<double>>;

// Random numbers that are the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_() >> 11) * 0x1p-53);
  }
  int64_t below(int64_t bound) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(bound)); }

 private:
  std::mt19937_64 engine_;
};

inline size_t at(int64_t id) { return static_cast<size_t>(id); }

inline int64_t count_of(const Shape& shape, int64_t batch) {
  return shape.elements() * (shape.batched ? batch : 1);
}

// Returns random values for all leaves. A leaf whose name begins with "positive" gets values in [0.5, 2]. A leaf whose
// name begins with "distribution" gets positive values whose sum is 1 for each sample. Targets of a loss that restricts
// them are in [0.05, 0.95]. All others are in [-1.5, 1.5] and at least 0.05 away from the kinks at zero.
inline Values random_values(const Graph& graph, int64_t batch, uint64_t seed) {
  Random random(seed);
  Values values(at(graph.size()));
  std::vector<bool> limited(values.size(), false);  // targets of a loss that does not accept all values
  for (const Node& node : graph.nodes()) {
    if (kind_of(node.op) != Kind::loss) continue;
    const Targets targets =
        visit_loss(node.op, SoftmaxCrossEntropy::targets, [](auto rule) { return decltype(rule)::targets; });
    if (targets != Targets::any) limited[at(node.inputs[1])] = true;
  }
  for (int32_t id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (kind_of(node.op) != Kind::leaf || node.op == Op::constant) continue;
    std::vector<double>& v = values[at(id)];
    v.resize(at(node.op == Op::label ? batch : count_of(node.shape, batch)));
    const bool distribution = node.name.rfind("distribution", 0) == 0;
    const bool positive = distribution || node.name.rfind("positive", 0) == 0;
    for (double& x : v) {
      if (node.op == Op::label) {
        x = static_cast<double>(random.below(node.shape.rows));
      } else if (positive) {
        x = random.uniform(0.5, 2);
      } else if (limited[at(id)]) {
        x = random.uniform(0.05, 0.95);
      } else {
        x = random.uniform(-1.5, 1.5);
        if (std::abs(x) < 0.05) x += x < 0 ? -0.05 : 0.05;
      }
    }
    if (!distribution) continue;
    for (int64_t b = 0; b < batch; ++b) {
      double sum = 0;
      for (int64_t i = 0; i < node.shape.rows; ++i) sum += v[at(b * node.shape.rows + i)];
      for (int64_t i = 0; i < node.shape.rows; ++i) v[at(b * node.shape.rows + i)] /= sum;
    }
  }
  return values;
}

// Returns a request for a training step: forward, backward and update.
inline PlanRequest training(int32_t loss, int64_t batch, const OptimizerSettings& rule = {}) {
  PlanRequest request;
  request.batch = batch;
  request.loss = loss;
  request.training = request.backward = request.update = true;
  request.optimizer = rule;
  return request;
}

// Puts every step into its own phase.
inline PlanTesting steps_apart() {
  PlanTesting testing;
  testing.merge_steps = false;
  return testing;
}

// Sets whether products update parameters directly where they can (true), or all updates read gradient buffers (false).
inline PlanTesting updates_in_products(bool on) {
  PlanTesting testing;
  testing.update_in_product = on;
  return testing;
}

// Injects a fault: the operation's backward rule gets `factor` times its δ.
inline PlanTesting fault(Op op, double factor) {
  PlanTesting testing;
  testing.has_fault = true;
  testing.fault_op = op;
  testing.fault_factor = factor;
  return testing;
}

template <class T>
class PlanRun {
 public:
  PlanRun(const Graph& graph, PlanRequest request, const Values& values, Backend& backend = cpu_backend())
      : PlanRun(graph, std::move(request), values, PlanTesting{}, backend) {}
  PlanRun(const Graph& graph, PlanRequest request, const Values& values, const PlanTesting& testing,
          Backend& backend = cpu_backend())
      : graph_(graph),
        request_(complete(graph, request)),
        backend_(backend),
        plan_(make_plan(graph, request_, backend, testing)),
        layout_(lay_out_leaves(graph, request_.dtype)),
        arena_(backend),
        parameters_(backend),
        constants_(backend),
        gradients_(backend),
        stream_(backend.make_stream()) {
    arena_.reserve(plan_.program.arena_bytes);
    parameters_.reserve(layout_.parameter_bytes);
    constants_.reserve(layout_.constant_bytes);
    gradients_.reserve(layout_.parameter_bytes);
    for (int32_t i = 0; i < max_states; ++i) {
      state_.emplace_back(backend);
      state_.back().reserve(layout_.parameter_bytes);
    }
    const std::vector<int32_t>& data = graph.data_nodes();
    inputs_.resize(data.size());
    labels_.resize(data.size());
    for (int32_t id : request_.outputs)
      outputs_.emplace_back(at(count_of(graph.node(id).shape, request_.batch)));
    for (int32_t id : request_.deltas)
      outputs_.emplace_back(at(count_of(graph.node(id).shape, request_.batch)));
    set(values);
    for (int32_t id = 0; id < graph.size(); ++id) {
      if (graph.node(id).op == Op::constant) write(constants_, id, graph.node(id).values);
    }
  }

  void set(const Values& values) {
    for (int32_t id : graph_.parameters()) write(parameters_, id, values[at(id)]);
    for (size_t slot = 0; slot < inputs_.size(); ++slot) {
      const std::vector<double>& from = values[at(graph_.data_nodes()[slot])];
      inputs_[slot].assign(from.begin(), from.end());
      labels_[slot].assign(from.begin(), from.end());
    }
  }

  void poison_all() {
    poison(arena_);
    poison(gradients_);
    for (std::vector<T>& output : outputs_) std::memset(output.data(), 0xff, output.size() * sizeof(T));
  }

  // Poisons all memory, then runs the plan as a training step does: the backward pass runs only if the loss is finite.
  // Returns the loss.
  double step() {
    poison_all();
    return backend_.run_to_loss(plan_.program, context());
  }

  // Poisons all memory, then runs the phases before the check of the loss.
  void forward() {
    poison_all();
    run(0, plan_.program.backward_begin);
  }
  void backward() { run(plan_.program.backward_begin, static_cast<int32_t>(plan_.program.phases.size())); }
  void run(int32_t first, int32_t last) {
    Context context = this->context();
    backend_.run(plan_.program, context, first, last);
  }

  // The addresses are valid until the next call, and no longer than this object.
  Context context() {
    input_addresses_.clear();
    output_addresses_.clear();
    for (size_t slot = 0; slot < inputs_.size(); ++slot) {
      const bool label = graph_.node(graph_.data_nodes()[slot]).op == Op::label;
      input_addresses_.push_back(label ? static_cast<void*>(labels_[slot].data()) : inputs_[slot].data());
    }
    for (std::vector<T>& output : outputs_) output_addresses_.push_back(output.data());
    Context context;
    const auto base = [&](Space space, MemoryBlock& block) {
      context.base[static_cast<int32_t>(space)] = block.data();
    };
    base(Space::arena, arena_);
    base(Space::parameters, parameters_);
    base(Space::constants, constants_);
    base(Space::gradients, gradients_);
    for (int32_t i = 0; i < max_states; ++i) base(state_space(i), state_[at(i)]);
    context.inputs = input_addresses_.data();
    context.outputs = output_addresses_.data();
    context.update = update;
    context.seed = seed;
    context.step = steps_before;
    context.first_sample = first_sample;
    context.stream = stream_.get();
    return context;
  }

  double loss() {
    const Operand& at = plan_.program.loss;
    T value;
    backend_.copy_out(&value, context().base[static_cast<int32_t>(at.space)] + at.offset, sizeof value);
    return static_cast<double>(value);
  }
  // [batch][feature], or [rows][columns]
  const std::vector<T>& output(size_t index) const { return outputs_[index]; }
  std::vector<T> parameter(int32_t id) { return read(parameters_, id); }
  std::vector<T> state(int32_t number, int32_t id) { return read(state_[at(number)], id); }
  // Returns the gradient of a parameter or an input. Requires request.backward without request.update.
  std::vector<T> gradient(int32_t id) {
    if (graph_.node(id).op == Op::parameter) return read(gradients_, id);
    return delta(id);
  }
  std::vector<T> delta(int32_t id) const {
    for (size_t i = 0; i < request_.deltas.size(); ++i) {
      if (request_.deltas[i] == id) return outputs_[request_.outputs.size() + i];
    }
    return {};
  }
  Plan& plan() { return plan_; }
  const OptimizerSettings& optimizer() const { return request_.optimizer; }

  // Returns all blocks that steps write to, with their sizes. Only for the CPU engine, whose memory is host memory.
  struct Block {
    char* data;
    size_t bytes;
  };
  std::vector<Block> memory() {
    std::vector<Block> blocks;
    const auto add = [&](MemoryBlock& block) {
      blocks.push_back({block.data(), static_cast<size_t>(block.bytes())});
    };
    for (MemoryBlock* block : {&arena_, &parameters_, &gradients_}) add(*block);
    for (MemoryBlock& block : state_) add(block);
    for (std::vector<T>& output : outputs_) {
      blocks.push_back({reinterpret_cast<char*>(output.data()), output.size() * sizeof(T)});
    }
    return blocks;
  }
  int64_t arena_bytes() const { return plan_.program.arena_bytes; }

  UpdateScalars update;
  uint64_t seed = 0;  // for this and the next members see Context
  int64_t steps_before = 0, first_sample = 0;

 private:
  // Completes a request: sets the type, requests the gradients of inputs in addition to those of parameters, and sets
  // `training` for a backward pass that begins at the loss.
  static PlanRequest complete(const Graph& graph, PlanRequest request) {
    request.dtype = sizeof(T) == 4 ? DType::float32 : DType::float64;
    request.training = request.training || (request.backward && !request.seeded);
    if (request.backward && !request.update && request.deltas.empty()) {
      for (int32_t id : graph.data_nodes()) {
        if (graph.node(id).op == Op::input) request.deltas.push_back(id);
      }
    }
    return request;
  }
  void poison(MemoryBlock& block) {
    if (block.data() == nullptr) return;
    write_on_host(backend_, block.data(), block.bytes(),
                  [&](char* to) { std::memset(to, 0xff, static_cast<size_t>(block.bytes())); });
  }
  char* leaf(MemoryBlock& block, int32_t id) { return block.data() + layout_.offsets[at(id)]; }
  void write(MemoryBlock& block, int32_t id, const std::vector<double>& values) {
    const std::vector<T> typed(values.begin(), values.end());
    backend_.copy_in(leaf(block, id), typed.data(), static_cast<int64_t>(typed.size() * sizeof(T)));
  }
  std::vector<T> read(MemoryBlock& block, int32_t id) {
    std::vector<T> values(at(graph_.node(id).shape.elements()));
    backend_.copy_out(values.data(), leaf(block, id), static_cast<int64_t>(values.size() * sizeof(T)));
    return values;
  }

  const Graph& graph_;
  const PlanRequest request_;
  Backend& backend_;
  Plan plan_;
  const LeafLayout layout_;
  MemoryBlock arena_, parameters_, constants_, gradients_;
  std::vector<MemoryBlock> state_;  // max_states
  std::unique_ptr<Stream> stream_;
  std::vector<std::vector<T>> inputs_, outputs_;
  std::vector<std::vector<int32_t>> labels_;
  std::vector<void*> input_addresses_, output_addresses_;
};

// Returns true if both have the same bits, also where they are NaN.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace test
