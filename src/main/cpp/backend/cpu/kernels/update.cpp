// Optimizer updates: one pass over parameter, states and gradient.
#include "backend/cpu/kernels/kernels.h"
#include "optim/rules.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

namespace {

// Bit k of `kept` is set if the rule keeps state k.
template <class T, class Rule, uint32_t kept>
struct Update {
  static_assert(max_states == 3, "the kernel needs one pointer per state");

  // Without a gradient, a product has already written a state, and the kernel changes only the parameter.
  template <bool with_gradient>
  static void run(const Step& step, const Context& context, const Rect& rect) {
    const typename Rule::template Scalars<T> by(context.update);
    const View<T> weights = view<T>(context, step.operands[0]);
    const View<T> states[] = {view<T>(context, step.operands[1]), view<T>(context, step.operands[2]),
                              view<T>(context, step.operands[3])};
    const View<T> gradients = view<T>(context, step.operands[update_gradient]);
    for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
      T* const w = weights.row(r);
      T *const s0 = states[0].row(r), *const s1 = states[1].row(r), *const s2 = states[2].row(r);
      const T* const g = gradients.row(r);
      CHAINRULE_VECTORIZE
      for (int64_t i = rect.column_begin; i < rect.column_end; ++i) {
        T weight = w[i];
        T state[Rule::state_count] = {};
        if constexpr ((kept & 1) != 0) state[0] = s0[i];
        if constexpr ((kept & 2) != 0) state[1] = s1[i];
        if constexpr ((kept & 4) != 0) state[2] = s2[i];
        if constexpr (with_gradient) {
          Rule::template update<kept>(weight, state, g[i], by);
          if constexpr ((kept & 1) != 0) s0[i] = state[0];
          if constexpr ((kept & 2) != 0) s1[i] = state[1];
          if constexpr ((kept & 4) != 0) s2[i] = state[2];
        } else {
          Rule::after_product(weight, state, by);
        }
        w[i] = weight;
      }
    }
  }
};

template <class T>
Kernel find(const Step& step) {
  if (step.kind != StepKind::update) return nullptr;
  const bool with_gradient = step.operands[update_gradient].present();
  return visit_optimizer(step.optimizer, Kernel{nullptr}, [&](auto rule) CHAINRULE_INLINED {
    using Rule = decltype(rule);
    return visit_states<Rule>(kept_states(step), Kernel{nullptr},
                              [&](auto states) CHAINRULE_INLINED -> Kernel {
                                using This = Update<T, Rule, decltype(states)::value>;
                                if (with_gradient) return This::template run<true>;
                                if constexpr (Rule::has_after_product && decltype(states)::value != 0)
                                  return This::template run<false>;
                                return nullptr;
                              });
  });
}

}  // namespace

Kernel find_update(const Step& step, DType dtype) {
  return dtype == DType::float32 ? find<float>(step) : find<double>(step);
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
