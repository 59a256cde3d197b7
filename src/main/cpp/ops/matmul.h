// matmul: Z = W X, or Wᵀ X when transposed.   d_weight = δ Xᵀ (X δᵀ when transposed),   d_input = Wᵀ δ (W δ).
// W is batchless [m][k]; X is a batch of k features (or a batchless matrix of k rows). The products themselves belong
// to the BLAS; which ones they are is said here and nowhere else.
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
