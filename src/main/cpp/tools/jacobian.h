// Computes the Jacobian matrices of a node z with respect to a node x: (dz/dx)_ij = dz_j / dx_i, an n x m matrix for
// the n values of x and the m values of z. Textbooks differ in the order of the indices. With this order a backward
// pass gives d_x = (dz/dx) δ, so δ = e_j gives column j. The backward pass is therefore run once per j. Backpropagation
// itself never computes a Jacobian matrix.
//
// If x or z is batched, there is one matrix per sample. For a batched node it uses the values of that sample; a node
// that is not batched is used as a whole. If both are batched, no node on the path from x to z may mix samples, unless
// the batch is one sample. A model on a device is copied to host memory for the computation.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/plan_runner.h"

namespace chainrule {

class Jacobian {
 public:
  // z and x can be any nodes except labels. They can be the same node.
  Jacobian(std::shared_ptr<const Model> model, int32_t z, int32_t x);

  Inputs& inputs() { return inputs_; }
  int64_t rows() const { return n_; }     // n
  int64_t columns() const { return m_; }  // m
  int64_t matrices(int64_t batch) const { return per_sample_ ? batch : 1; }

  // Computes the matrices for the batch in inputs(): `count` = matrices * n * m values, matrix by matrix, row by row.
  // With by_differences, the elements of x are shifted one by one: (z(x + h e_i) - z(x)) / h, where h = √ε max(1,
  // |x_i|) and ε is the distance from 1 to the next larger number of the type.
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
  bool mixes_ = false;  // a node on the path from x to z mixes samples
  bool reaches_;        // z depends on x
  Inputs inputs_;
};

}  // namespace chainrule
