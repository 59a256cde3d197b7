// Optimizer updates, and sums of the parts of gradients: one launch over all parameters, from a table of their segments.
#include "backend/cuda/kernels/kernels.h"
#include "optim/adam.h"
#include "optim/sgd.h"

namespace chainrule {
namespace cuda {

namespace {

// The numbers of this step, as the rules take them.
template <class T>
struct SgdRule {
  T rate, momentum, decay;
  bool nesterov;

  DEVICE explicit SgdRule(const UpdateScalars& by)
      : rate(static_cast<T>(by.learning_rate)),
        momentum(static_cast<T>(by.momentum)),
        decay(static_cast<T>(by.weight_decay)),
        nesterov(by.nesterov) {}

  // `has` says which of w, v, -, g there are: without g a product has written the new velocity.
  DEVICE void operator()(T& w, T& v, T&, T g, const bool (&has)[4]) const {
    if (!has[3]) {
      w = Sgd::apply(w, v, rate);
      return;
    }
    const T gradient = Sgd::decayed(g, w, decay);
    if (!has[1]) {
      w = Sgd::apply(w, gradient, rate);
      return;
    }
    v = Sgd::velocity(v, gradient, momentum);
    w = Sgd::apply(w, nesterov ? Sgd::nesterov_direction(v, gradient, momentum) : v, rate);
  }
};

template <class T>
struct AdamRule {
  T rate, epsilon, beta1, beta2, correction1, correction2, coupled, decoupled;

  DEVICE explicit AdamRule(const UpdateScalars& by)
      : rate(static_cast<T>(by.learning_rate)),
        epsilon(static_cast<T>(by.epsilon)),
        beta1(static_cast<T>(by.beta1)),
        beta2(static_cast<T>(by.beta2)),
        correction1(static_cast<T>(by.correction1)),
        correction2(static_cast<T>(by.correction2)),
        coupled(static_cast<T>(by.decoupled ? 0 : by.weight_decay)),
        decoupled(static_cast<T>(by.decoupled ? by.weight_decay : 0)) {}

  DEVICE void operator()(T& w, T& m, T& v, T g, const bool (&)[4]) const {
    const T gradient = Sgd::decayed(g, w, coupled);
    const T shrunk = Adam::decoupled_decay(w, rate, decoupled);
    m = Adam::first_moment(m, gradient, beta1);
    v = Adam::second_moment(v, gradient, beta2);
    w = Adam::apply(shrunk, m, v, rate, correction1, correction2, epsilon);
  }
};

// The last segment that begins at this block or before.
DEVICE const Segment& find_segment(const Segment* segments, int32_t count, int64_t block) {
  int32_t low = 0, high = count - 1;
  while (low < high) {
    const int32_t middle = (low + high + 1) / 2;
    if (segments[middle].first_block <= block) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return segments[low];
}

template <class T, class Rule>
struct Update {
  static constexpr int threads = 256, phases = 1;
  using Shared = None;
  using Local = None;

  char* base[space_count];
  const Arguments* arguments;
  const Segment* segments;
  int32_t count;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    const Segment& segment = find_segment(segments, count, at.block);
    const Rule rule(arguments->update);
    View<T> views[4];
    bool has[4];
    CHAINRULE_UNROLL
    for (int32_t k = 0; k < 4; ++k) {
      has[k] = segment.offsets[k] >= 0;
      if (has[k]) views[k] = {reinterpret_cast<T*>(base[segment.spaces[k]] + segment.offsets[k]), 0, 1};
    }
    constexpr int32_t width = pack_width<T>;
    const int64_t begin = (at.block - segment.first_block) * update_block;
    const int64_t end = begin + update_block < segment.count ? begin + update_block : segment.count;
    for (int64_t i = begin + at.thread * width; i < end; i += threads * width) {
      const int32_t here = end - i < width ? static_cast<int32_t>(end - i) : width;
      pack(rule, views, has, i, here);
    }
  }

  DEVICE static void pack(const Rule& rule, const View<T> (&views)[4], const bool (&has)[4], int64_t i,
                          int32_t here) {
    const bool whole = here == pack_width<T>;
    Pack<T> x[4] = {};
    CHAINRULE_UNROLL
    for (int32_t k = 0; k < 4; ++k) {
      if (has[k]) load(x[k], views[k], 0, i, here, whole);
    }
    CHAINRULE_UNROLL
    for (int32_t e = 0; e < pack_width<T>; ++e) rule(x[0].v[e], x[1].v[e], x[2].v[e], x[3].v[e], has);
    CHAINRULE_UNROLL
    for (int32_t k = 0; k < 3; ++k) {
      if (has[k]) store(x[k], views[k], 0, i, here, whole);
    }
  }
};

// c = α Σ_p s_p + β c: eight lanes of 32 threads add every eighth part of as many neighbouring elements.
template <class T>
struct SumParts {
  static constexpr int lanes = 8, elements = static_cast<int>(sum_parts_block);
  static constexpr int threads = lanes * elements, phases = 2;
  struct Shared {
    double sums[lanes][elements];
  };
  using Local = None;

  char* base[space_count];
  const Scalars* scalars;
  const Segment* segments;
  int32_t count;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const Segment& segment = find_segment(segments, count, at.block);
    const int32_t place = at.thread % elements, lane = at.thread / elements;
    const int64_t i = (at.block - segment.first_block) * elements + place;
    if (i >= segment.count) return;
    if constexpr (phase == 0) {
      const T* s = reinterpret_cast<const T*>(base[segment.spaces[1]] + segment.offsets[1]);
      double sum = 0;
      for (int64_t p = lane; p < segment.parts; p += lanes)
        sum += static_cast<double>(s[p * segment.count + i]);
      shared.sums[lane][place] = sum;
    } else if (lane == 0) {
      double sum = shared.sums[0][place];
      CHAINRULE_UNROLL
      for (int32_t l = 1; l < lanes; ++l) sum += shared.sums[l][place];
      const double alpha = scalars[segment.step_index].alpha, beta = scalars[segment.step_index].beta;
      T* c = reinterpret_cast<T*>(base[segment.spaces[0]] + segment.offsets[0]) + i;
      *c = static_cast<T>(alpha * sum + (beta == 0 ? 0.0 : beta * static_cast<double>(*c)));
    }
  }
};

// What the kernels over segments have in common.
template <class Kernel, class Numbers>
void launch_segments(const Launch& launch, const Run& run, const Numbers* numbers) {
  Kernel kernel{{}, numbers, reinterpret_cast<const Segment*>(launch.segments), launch.segment_count};
  for (int32_t i = 0; i < space_count; ++i) kernel.base[i] = run.base[i];
  cuda::launch(run.queue, launch.blocks, kernel);
}

template <class T, class Rule>
void update(const Launch& launch, const Run& run) {
  launch_segments<Update<T, Rule>>(launch, run, run.arguments);
}

template <class T>
void sum_parts(const Launch& launch, const Run& run) {
  launch_segments<SumParts<T>>(launch, run, run.scalars);
}

template <class T>
Launcher find(const Step& step) {
  if (step.kind == StepKind::sgd) return update<T, SgdRule<T>>;
  if (step.kind == StepKind::adam) return update<T, AdamRule<T>>;
  if (step.kind == StepKind::sum_parts) return sum_parts<T>;
  return nullptr;
}

}  // namespace

Launcher find_update(const Step& step, DType dtype) {
  return dtype == DType::float32 ? find<float>(step) : find<double>(step);
}

}  // namespace cuda
}  // namespace chainrule
