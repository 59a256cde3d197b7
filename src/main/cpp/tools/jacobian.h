// The Jacobian matrices of one node by another: (dz/dx)_ij = dz_j / dx_i, n x m for the n values of x and the m of z.
// Textbooks differ; with this convention a backward pass gives d_x = (dz/dx) δ, so that the δ = e_j gives column j. That is
// how they are computed: the backward pass is run once for each j. Backpropagation itself never builds one.
//
// A batched node has values for each sample, and there is one matrix for each: of the sample's z by the sample's x, by all
// of x where x is no batched node, of all of z where z is none. Nodes that mix samples cannot stand between two batched
// ones, unless the batch is one sample. A model on a device is copied to the processor for it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/plan_runner.h"

namespace chainrule {

class Jacobian {
 public:
  // z and x are any nodes but labels; they may be the same.
  Jacobian(std::shared_ptr<const Model> model, int32_t z, int32_t x);

  Inputs& inputs() { return inputs_; }
  int64_t rows() const { return n_; }     // n
  int64_t columns() const { return m_; }  // m
  int64_t matrices(int64_t batch) const { return per_sample_ ? batch : 1; }

  // Of the batch in inputs(): `count` = matrices * n * m values, matrix by matrix, row by row. By differences, x is moved
  // element by element: (z(x + h e_i) - z(x)) / h, with h = √ε max(1, |x_i|), ε the distance of 1 to the next number.
  void compute(int64_t batch, bool by_differences, double* values, int64_t count);

 private:
  void backward(const std::shared_ptr<const Model>& model, int64_t batch, double* values);
  void differences(const std::shared_ptr<const Model>& model, int64_t batch, double* values);
  std::vector<double> values_of(const std::shared_ptr<const Model>& model, int32_t node, int64_t batch,
                                void* const* inputs) const;

  const std::shared_ptr<const Model> model_;
  const int32_t z_, x_;
  const int64_t n_, m_;
  bool x_batched_, z_batched_, per_sample_;
  bool mixes_ = false;  // does a node between x and z mix samples?
  bool reaches_;        // does z depend on x?
  Inputs inputs_;
};

}  // namespace chainrule
