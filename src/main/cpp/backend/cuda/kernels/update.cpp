// Optimizer updates, and sums of the parts of gradients: one launch for all parameters, with a table of segments.
#include "backend/cuda/kernels/kernels.h"
#include "optim/rules.h"

namespace chainrule {
namespace cuda {

namespace {

// Returns the segment of a block: the last one whose first block is not after it.
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

// Bit k of `kept` is set if the rule keeps state k. In a segment without a gradient, a product has already written the
// state; only the parameter changes.
template <class T, class Rule, uint32_t kept>
struct Update {
  static constexpr int threads = 256, phases = 1;
  static constexpr int32_t states = Rule::state_count;
  using Shared = None;
  using Local = None;
  using Scalars = typename Rule::template Scalars<T>;

  char* base[space_count];
  const Arguments* arguments;
  const Segment* segments;
  int32_t count;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    const Segment& segment = find_segment(segments, count, at.block);
    const Scalars by(arguments->update);
    const View<T> weights = view(segment, 0), gradients = view(segment, update_gradient);
    View<T> kept_views[states];
    CHAINRULE_UNROLL
    for (int32_t k = 0; k < states; ++k) {
      if ((kept >> k & 1) != 0) kept_views[k] = view(segment, 1 + k);
    }
    constexpr int32_t width = pack_width<T>;
    const int64_t begin = (at.block - segment.first_block) * update_block;
    const int64_t end = begin + update_block < segment.count ? begin + update_block : segment.count;
    for (int64_t i = begin + at.thread * width; i < end; i += threads * width) {
      const int32_t here = end - i < width ? static_cast<int32_t>(end - i) : width;
      if (gradients.data != nullptr) {
        pack<true>(by, weights, kept_views, gradients, i, here);
      } else if constexpr (Rule::has_after_product) {
        pack<false>(by, weights, kept_views, gradients, i, here);
      }
    }
  }

  DEVICE View<T> view(const Segment& segment, int32_t operand) const {
    if (segment.offsets[operand] < 0) return {};
    return {reinterpret_cast<T*>(base[segment.spaces[operand]] + segment.offsets[operand]), 0, 1};
  }

  template <bool with_gradient>
  DEVICE static void pack(const Scalars& by, const View<T>& weights, const View<T> (&kept_views)[states],
                          const View<T>& gradients, int64_t i, int32_t here) {
    const bool whole = here == pack_width<T>;
    Pack<T> w = {}, s[states] = {}, g = {};
    load(w, weights, 0, i, here, whole);
    CHAINRULE_UNROLL
    for (int32_t k = 0; k < states; ++k) {
      if ((kept >> k & 1) != 0) load(s[k], kept_views[k], 0, i, here, whole);
    }
    if constexpr (with_gradient) load(g, gradients, 0, i, here, whole);
    CHAINRULE_UNROLL
    for (int32_t e = 0; e < pack_width<T>; ++e) {
      T state[states];
      CHAINRULE_UNROLL
      for (int32_t k = 0; k < states; ++k) state[k] = s[k].v[e];
      if constexpr (with_gradient) {
        Rule::template update<kept>(w.v[e], state, g.v[e], by);
      } else {
        Rule::after_product(w.v[e], state, by);
      }
      CHAINRULE_UNROLL
      for (int32_t k = 0; k < states; ++k) s[k].v[e] = state[k];
    }
    store(w, weights, 0, i, here, whole);
    CHAINRULE_UNROLL
    for (int32_t k = 0; k < states; ++k) {
      if (with_gradient && (kept >> k & 1) != 0) store(s[k], kept_views[k], 0, i, here, whole);
    }
  }
};

// c = α Σ_p s_p + β c. A block computes 32 adjacent elements. Each of its eight lanes adds every eighth part of them.
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

// Launches one of the kernels above.
template <class Kernel, class Numbers>
void launch_segments(const Launch& launch, const Run& run, const Numbers* numbers) {
  Kernel kernel{{}, numbers, reinterpret_cast<const Segment*>(launch.segments), launch.segment_count};
  for (int32_t i = 0; i < space_count; ++i) kernel.base[i] = run.base[i];
  cuda::launch(run.queue, launch.blocks, kernel);
}

template <class T, class Rule, uint32_t kept>
void update(const Launch& launch, const Run& run) {
  launch_segments<Update<T, Rule, kept>>(launch, run, run.arguments);
}

template <class T>
void sum_parts(const Launch& launch, const Run& run) {
  launch_segments<SumParts<T>>(launch, run, run.scalars);
}

template <class T>
Launcher find(const Step& step) {
  if (step.kind == StepKind::sum_parts) return sum_parts<T>;
  if (step.kind != StepKind::update) return nullptr;
  return visit_optimizer(step.optimizer, Launcher{nullptr}, [&](auto rule) {
    using Rule = decltype(rule);
    return visit_states<Rule>(kept_states(step), Launcher{nullptr}, [](auto states) -> Launcher {
      return update<T, Rule, decltype(states)::value>;
    });
  });
}

}  // namespace

Launcher find_update(const Step& step, DType dtype) {
  return dtype == DType::float32 ? find<float>(step) : find<double>(step);
}

}  // namespace cuda
}  // namespace chainrule
