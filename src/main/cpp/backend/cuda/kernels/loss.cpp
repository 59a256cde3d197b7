// Launchers of the losses, and the kernel of loss_value, which adds the partial sums of the blocks.
#include "backend/cuda/kernels/losses.h"

namespace chainrule {
namespace cuda {

namespace {

// s = constant * Σ partials, computed by one block.
template <class T>
struct LossValue {
  static constexpr int threads = 256, phases = 3;
  struct Shared {
    double sums[threads];
  };
  using Local = None;

  T* s;
  const double* partials;
  int64_t count;
  double constant;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    if constexpr (phase == 0) {
      LongSum<double> sum;
      for (int64_t i = at.thread; i < count; i += threads) sum.add(partials[i]);
      shared.sums[at.thread] = sum.value();
    } else if constexpr (phase == 1) {
      fold(shared.sums, threads, at.thread);
    } else if (at.thread == 0) {
      *s = static_cast<T>(constant * folded(shared.sums, threads));
    }
  }
};

template <class T>
LossOperands<T> operands(const Launch& launch, const Run& run) {
  const Step& step = launch.step;
  const View<T> y = view<T>(run, step.operands[2]);
  return {view<double>(run, step.operands[0]).data,
          view<T>(run, step.operands[1]),
          y,
          view<T>(run, step.operands[3]),
          view<T>(run, step.operands[4]),
          step.labels ? reinterpret_cast<const int32_t*>(y.data) : nullptr,
          view<T>(run, step.operands[5]).data,
          static_cast<T>(step.constant),
          static_cast<T>(step.constant2),
          step.rows,
          step.columns,
          step.accumulate,
          step.accumulate2};
}

template <class T>
struct Losses {
  template <class Rule>
  static void elementwise(const Launch& launch, const Run& run) {
    launch_columns(run, ElementwiseLoss<T, Rule>{operands<T>(launch, run), launch.step.columns});
  }

  static void cross_entropy(const Launch& launch, const Run& run) {
    launch_columns(run, CrossEntropy<T>{operands<T>(launch, run), launch.step.columns});
  }

  static void value(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    cuda::launch(run.queue, 1,
                 LossValue<T>{view<T>(run, step.operands[0]).data, view<double>(run, step.operands[1]).data,
                              step.count, step.constant});
  }

  static Launcher find(const Step& step) {
    if (step.kind == StepKind::loss_value) return value;
    if (step.kind != StepKind::loss) return nullptr;
    if (step.op == Op::softmax_cross_entropy) return cross_entropy;
    return visit_loss(step.op, Launcher(nullptr),
                      [](auto rule) { return Launcher(elementwise<decltype(rule)>); });
  }
};

}  // namespace

Launcher find_loss(const Step& step, DType dtype) {
  return dtype == DType::float32 ? Losses<float>::find(step) : Losses<double>::find(step);
}

}  // namespace cuda
}  // namespace chainrule
