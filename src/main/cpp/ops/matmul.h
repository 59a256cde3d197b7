// matmul: Z = W X,   d_weight = δ Xᵀ,   d_input = Wᵀ δ.
// Transposed: Z = Wᵀ X,   d_weight = X δᵀ,   d_input = W δ.
// W is batchless [m][k], or [k][m] if transposed. X is a batch of k features or a batchless matrix of k rows. This file
// defines which products are computed; the backends compute them.
#pragma once

namespace chainrule {

enum class Factor { weight, input, delta };

struct Product {
  Factor a;
  bool a_transposed;
  Factor b;
  bool b_transposed;
};

struct Matmul {
  static constexpr Product forward(bool transposed) {
    return {Factor::weight, transposed, Factor::input, false};
  }

  static constexpr Product d_input(bool transposed) {
    return {Factor::weight, !transposed, Factor::delta, false};
  }

  static constexpr Product d_weight(bool transposed) {
    return transposed ? Product{Factor::input, false, Factor::delta, true}
                      : Product{Factor::delta, false, Factor::input, true};
  }
};

}  // namespace chainrule
