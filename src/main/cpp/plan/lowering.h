// Lowering translates the nodes of a graph to steps. lowering.cpp has the walk over the nodes, the functions that emit
// (append) steps, and the views of values as operands. deltas.cpp handles the δs. lower/<kind>.cpp has each kind of
// operation, forward beside backward.
#pragma once

#include <string>
#include <vector>

#include "graph/backward.h"
#include "ops/matmul.h"
#include "plan/draft.h"
#include "plan/plan.h"
#include "plan/testing.h"

namespace chainrule {

inline size_t at(int32_t id) { return static_cast<size_t>(id); }

class Lowering final : public BackwardRules {
 public:
  Lowering(const Graph& graph, const PlanRequest& request, const Backend& backend,
           const PlanTesting& testing);

  void run();

  int32_t loss_node_value() { return value_of(request_.loss); }

  Draft draft;
  std::vector<std::string> notes;
  std::vector<bool> needed;      // by node: its value is computed
  std::vector<bool> delta;       // by node: it needs a δ
  std::vector<bool> reads_slot;  // by data slot: the steps read it

 private:
  // A δ. It is stored in a value, or is_static is true and `number` is the δ: for some scalars δ is a constant, known
  // when the plan is compiled (find_static_deltas).
  struct Delta {
    int32_t value = -1;
    bool is_static = false;
    double number = 0;
  };

  // lowering.cpp
  const Node& node(int32_t id) const { return graph_.node(id); }
  const Node& input(int32_t id, int32_t index) const { return node(input_id(id, index)); }
  int32_t input_id(int32_t id, int32_t index) const { return node(id).inputs[static_cast<size_t>(index)]; }
  int64_t element() const { return size_of(request_.dtype); }
  int64_t leading_dimension() const { return backend_.leading_dimension(request_.dtype, request_.batch); }
  int64_t features(const Shape& shape) const { return shape.elements(); }
  int64_t samples(const Shape& shape) const { return shape.batched ? request_.batch : 1; }
  int32_t new_value(const Shape& shape);
  int32_t slot_of(int32_t id) const;
  int32_t user_value(int32_t id);  // the data of a data node in the user's layout
  int32_t leaf_value(int32_t id, Space space);
  int32_t value_of(int32_t id);  // the value of a node; the first use of data emits their transposition
  // A value that a node's forward saves for its backward, in addition to input and output. The operation chooses
  // `number`.
  int32_t saved_value(int32_t id, size_t number, const Shape& shape);
  // Stores the node's saved value number 0 in an existing value.
  void reuse_as_saved(int32_t id, int32_t value) { saved_values_[at(id)] = {value}; }
  // A value as an operand of an elementwise step on `domain`, of a row-wise step, of a product, and as a row with one
  // value per sample.
  Ref elementwise(int32_t value, const Shape& shape, const Shape& domain) const;
  Ref rowwise(int32_t value, const Shape& shape) const;
  Ref matrix(int32_t value, const Shape& shape, Access access) const;
  Ref reduced(int32_t value) const;
  Ref one_a_sample(int32_t value, bool batched) const;  // one value per sample, broadcast over the features
  Ref one_a_feature(int32_t value) const { return {value, 0, 1, 0, Access::whole}; }
  Ref rows_from(int32_t value, const Shape& shape, int64_t first_row) const;
  DraftStep& emit(StepKind kind, Op op, int64_t rows, int64_t columns, const std::string& text);
  DraftStep& emit_elementwise(StepKind kind, Op op, const Shape& domain, const std::string& text);
  DraftStep& emit_rowwise(StepKind kind, Op op, const Shape& domain, const std::string& text);
  void emit_row_sum(Op op, int64_t rows, int64_t columns, const Ref& to, const Ref& from, bool over_samples,
                    const Coefficient& alpha, const Coefficient& beta, const std::string& text);
  // Returns the length of the parts into which a sum over k is split; k: it is not split.
  int64_t part_depth(int64_t rows, int64_t columns, int64_t k, bool over_samples) const {
    return backend_.part_depth(request_.dtype, rows, columns, k, over_samples);
  }
  // If the sum over k is long, splits the last emitted step, whose result is rows x columns, into parts and emits a
  // step that adds them.
  void split_sum(int64_t rows, int64_t columns, int64_t k);
  void emit_copy(const Ref& to, const Ref& from, const Shape& shape, bool accumulate,
                 const std::string& text);
  void emit_output(int32_t value, const Shape& shape, int32_t slot, const std::string& text);

  void forward(int32_t id);
  void complete(int32_t id) override;
  void backward(int32_t id, int32_t index) override;

  // deltas.cpp
  void find_static_deltas();
  // Returns the value to which the contributions to a node's δ are added. Sets `accumulate` to true if the value
  // already holds a contribution.
  int32_t target(int32_t id, bool* accumulate);
  int32_t delta_value(int32_t id);  // the value of a complete δ; emits a fill step if δ is a known number
  // Adds factor * (the sum of `part` over the dimensions over which node `id` was broadcast) to the node's δ. `part` is
  // a contribution with the shape `domain` of the operation's result.
  void sum_over_broadcast(const Ref& part, const Shape& domain, int32_t id, double factor,
                          const std::string& text);
  void sum_over_features(const Ref& part, const Shape& domain, int32_t id, double factor,
                         const std::string& text);
  void apply_fault(int32_t id);
  void take_seed();
  void emit_delta_output(int32_t id);

  // lower/<kind>.cpp. The backward functions add a contribution to the δ of the node's input number `index`.
  void forward_product(int32_t id);
  void backward_product(int32_t id, int32_t index);
  // `delta_of` is the value of δ, or -1 for the forward product.
  void emit_product(int32_t id, const Product& which, const Ref& c, int32_t delta_of,
                    const Coefficient& alpha, const Coefficient& beta, const std::string& text);
  // Returns true if the only use of linear node `id` is an elementwise operation that can add the bias.
  bool adds_bias_itself(int32_t id) const;
  Op unary_rule(int32_t id) const;  // the operation to apply: outside training, random ones are the identity
  void forward_unary(int32_t id);
  void backward_unary(int32_t id, int32_t index);
  void forward_binary(int32_t id);
  void backward_binary(int32_t id, int32_t index);
  void forward_rowwise(int32_t id);
  void backward_rowwise(int32_t id, int32_t index);
  void backward_rowwise_parameter(int32_t id, int32_t index);
  Ref saved_by_sample(int32_t id);
  void forward_structure(int32_t id);
  void backward_structure(int32_t id, int32_t index);
  // Emits the step of a loss. With `values`: the step computes the value, and also the derivatives if the δ of the loss
  // is a constant. Otherwise: the step computes the derivatives; none is emitted if they were computed with the value.
  void loss_step(int32_t id, bool values);
  void forward_custom(int32_t id);
  void backward_custom(int32_t id, int32_t index);
  int32_t own_value_of(int32_t id);
  bool updates_late() const;  // true: no parameter may be updated before the backward pass has ended
  bool updates_directly(
      int32_t id) const;  // true: the product of the gradient writes the parameter or its state
  int32_t direct_update(int32_t id, Coefficient* alpha, Coefficient* beta);
  void update(int32_t id);

  const Graph& graph_;
  const PlanRequest& request_;
  const Backend& backend_;
  const PlanTesting& testing_;
  const LeafLayout layout_;
  std::vector<int32_t> values_;                     // by node; -1: not created yet
  std::vector<int32_t> user_values_;                // by node
  std::vector<std::vector<int32_t>> saved_values_;  // by node
  std::vector<int32_t> uses_;           // by node: the number of uses as an input, an output or the loss
  std::vector<int32_t> consumer_;       // by node: the last node that has it as an input
  std::vector<int32_t> deferred_bias_;  // by node: a bias that the following activation adds
  std::vector<Delta> deltas_;
  std::vector<int32_t> leaf_values_[space_count];
  std::vector<int32_t> late_updates_;
  bool in_backward_ = false;
};

}  // namespace chainrule
