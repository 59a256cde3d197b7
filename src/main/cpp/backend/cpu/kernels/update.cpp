// Optimizer updates: one pass over parameter, state and gradient.
#include "backend/cpu/kernels/kernels.h"
#include "optim/adam.h"
#include "optim/sgd.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

namespace {

template <class T>
struct Update {
  static void sgd(const Step& step, const Context& context, const Rect& rect) {
    const UpdateScalars& by = context.update;
    const T rate = static_cast<T>(by.learning_rate), momentum = static_cast<T>(by.momentum);
    const T decay = static_cast<T>(by.weight_decay);
    View<T> weights = view<T>(context, step.operands[0]), velocities = view<T>(context, step.operands[1]);
    View<T> gradients = view<T>(context, step.operands[2]);
    const int64_t begin = rect.column_begin, end = rect.column_end;
    for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
      T *w = weights.row(r), *v = velocities.row(r);
      const T* g = gradients.row(r);
      if (gradients.data == nullptr) {  // the product wrote the new velocity
        CHAINRULE_VECTORIZE
        for (int64_t i = begin; i < end; ++i) w[i] = Sgd::apply(w[i], v[i], rate);
      } else if (velocities.data == nullptr) {
        CHAINRULE_VECTORIZE
        for (int64_t i = begin; i < end; ++i) w[i] = Sgd::apply(w[i], Sgd::decayed(g[i], w[i], decay), rate);
      } else {
        CHAINRULE_VECTORIZE
        for (int64_t i = begin; i < end; ++i) {
          T gradient = Sgd::decayed(g[i], w[i], decay);
          v[i] = Sgd::velocity(v[i], gradient, momentum);
          T direction = by.nesterov ? Sgd::nesterov_direction(v[i], gradient, momentum) : v[i];
          w[i] = Sgd::apply(w[i], direction, rate);
        }
      }
    }
  }

  static void adam(const Step& step, const Context& context, const Rect& rect) {
    const UpdateScalars& by = context.update;
    const T rate = static_cast<T>(by.learning_rate), epsilon = static_cast<T>(by.epsilon);
    const T beta1 = static_cast<T>(by.beta1), beta2 = static_cast<T>(by.beta2);
    const T correction1 = static_cast<T>(by.correction1), correction2 = static_cast<T>(by.correction2);
    const T coupled = static_cast<T>(by.decoupled ? 0 : by.weight_decay);
    const T decoupled = static_cast<T>(by.decoupled ? by.weight_decay : 0);
    View<T> weights = view<T>(context, step.operands[0]), first = view<T>(context, step.operands[1]);
    View<T> second = view<T>(context, step.operands[2]), gradients = view<T>(context, step.operands[3]);
    for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
      T *w = weights.row(r), *m = first.row(r), *v = second.row(r);
      const T* g = gradients.row(r);
      CHAINRULE_VECTORIZE
      for (int64_t i = rect.column_begin; i < rect.column_end; ++i) {
        T gradient = Sgd::decayed(g[i], w[i], coupled);
        T shrunk = Adam::decoupled_decay(w[i], rate, decoupled);
        m[i] = Adam::first_moment(m[i], gradient, beta1);
        v[i] = Adam::second_moment(v[i], gradient, beta2);
        w[i] = Adam::apply(shrunk, m[i], v[i], rate, correction1, correction2, epsilon);
      }
    }
  }
};

template <class T>
Kernel find(const Step& step) {
  if (step.kind == StepKind::sgd) return Update<T>::sgd;
  if (step.kind == StepKind::adam) return Update<T>::adam;
  return nullptr;
}

}  // namespace

Kernel find_update(const Step& step, DType dtype) {
  return dtype == DType::float32 ? find<float>(step) : find<double>(step);
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
