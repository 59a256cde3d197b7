// Groups steps into phases (fusion) and assigns memory to values. A step can join an existing phase if all dependencies
// hold: the values that it reads must have been written by an earlier phase or by the same tile. So a bias and an
// activation run on the tile that a product has just written, and the backward of an activation on the tile of Wᵀδ. The
// rules of operations (ops/rules.h) do not need to support this. A tile of whole columns holds all features of some
// samples. Products with small weights, the loss and their backward steps can run one after another on such tiles. The
// intermediate values are then stored in scratch memory instead of the arena.
#include <algorithm>

#include "plan/draft.h"
#include "util/first_fit.h"

namespace chainrule {

namespace {

// One earlier use of a value.
struct Use {
  int32_t phase;
  Access access;
};

// The uses of a value so far.
struct History {
  std::vector<Use> writes;
  std::vector<Use> reads;
};

class Scheduler {
 public:
  Scheduler(Draft& draft, DType dtype, const Backend& backend, bool merge)
      : draft_(draft), dtype_(dtype), backend_(backend), merge_(merge), history_(draft.values.size()) {}

  Schedule run() {
    bool in_backward = false;
    for (size_t i = 0; i < draft_.steps.size(); ++i) {
      const DraftStep& step = draft_.steps[i];
      if (static_cast<int32_t>(i) == draft_.barrier) floor_ = phase_count();
      if (step.backward && !in_backward) {
        in_backward = true;
        result_.backward_begin = phase_count();
      }
      int32_t phase = place(step);
      result_.steps[static_cast<size_t>(phase)].push_back(static_cast<int32_t>(i));
      remember(step, phase);
    }
    if (!in_backward) result_.backward_begin = phase_count();
    if (draft_.checked >= 0) {
      history_[static_cast<size_t>(draft_.checked)].reads.push_back(
          {result_.backward_begin - 1, Access::whole});
    }
    place_in_scratch();
    place_in_arena();
    return std::move(result_);
  }

 private:
  int32_t phase_count() const { return static_cast<int32_t>(result_.phases.size()); }

  // Returns true if the step can run on the tiles of the phase.
  bool fits(const DraftStep& step, const Phase& phase) const {
    if (phase.grid.tiles() == 1) return backend_.grid(step.step, dtype_).tiles() == 1;
    if (phase.grid.only_columns()) return fits_columns(step.step, phase);
    if (step.step.kind == StepKind::product) return false;
    if (step.step.rows != phase.rows || step.step.columns != phase.columns) return false;
    return !needs_whole_columns(step.step) && phase.grid.column_tiles == 1;
  }

  const DraftStep& leading(int32_t phase) const {
    return draft_.steps[static_cast<size_t>(result_.steps[static_cast<size_t>(phase)].front())];
  }

  std::vector<const Step*> steps_of(int32_t phase) const {
    std::vector<const Step*> steps;
    for (int32_t index : result_.steps[static_cast<size_t>(phase)]) {
      steps.push_back(&draft_.steps[static_cast<size_t>(index)].step);
    }
    return steps;
  }

  // Returns true if operand 1 of the step is operand 0 of the other step, with the same offset and strides, and the
  // other step writes it.
  static bool continues(const DraftStep& step, const DraftStep& other) {
    const Ref &read = step.refs[1], &written = other.refs[0];
    return other.writes[0] && read.value == written.value && read.offset == written.offset &&
           read.row_stride == written.row_stride && read.column_stride == written.column_stride;
  }

  // Returns true if the tiles and the engine allow the step to join phase p. A custom step never shares its phase,
  // because the user's code can fail or be slow.
  bool joins(const DraftStep& step, int32_t p) const {
    const Phase& phase = result_.phases[static_cast<size_t>(p)];
    const DraftStep& first = leading(p);
    if (is_custom(first.step) || !fits(step, phase)) return false;
    return backend_.joins({step.step, phase, steps_of(p), continues(step, first)}, dtype_);
  }

  // Like fits(), but for tiles that have all rows of some columns. The number of rows of the step does not matter.
  bool fits_columns(const Step& step, const Phase& phase) const {
    const bool product = step.kind == StepKind::product;
    if (step.parts > 1 && step.kind != StepKind::sum_parts) {
      return (product ? step.k : step.columns) == phase.columns &&
             step.part_depth % phase.grid.tile_columns == 0;
    }
    if (step.columns != phase.columns || step.kind == StepKind::row_sum) return false;
    if (product) return backend_.joins_columns(step, dtype_, phase.grid);
    return step.kind != StepKind::loss || phase.grid.tile_columns % loss_block == 0;
  }

  // Returns true if a tile's two accesses to a value touch only elements that no other tile accesses, so that both can
  // be in this phase.
  static bool same_tile(const Phase& phase, Access before, Access now) {
    auto both = [&](Access access) {
      return (before == Access::tile || before == access) && (now == Access::tile || now == access);
    };
    if (phase.concurrent) return false;
    return phase.grid.tiles() == 1 || both(Access::tile) ||
           (phase.grid.row_tiles == 1 && both(Access::column)) ||
           (phase.grid.column_tiles == 1 && both(Access::row));
  }

  // Returns the first phase in which the step runs after this use.
  int32_t after(const Use& use, Access now) const {
    bool shared = same_tile(result_.phases[static_cast<size_t>(use.phase)], use.access, now);
    return shared ? use.phase : use.phase + 1;
  }

  int32_t place(const DraftStep& step) {
    int32_t earliest = merge_ ? floor_ : phase_count();
    for (int32_t i = 0; i < max_operands && merge_; ++i) {
      const Ref& ref = step.refs[i];
      if (!ref.present()) continue;
      const History& history = history_[static_cast<size_t>(ref.value)];
      for (const Use& use : history.writes) earliest = std::max(earliest, after(use, ref.access));
      if (!step.writes[i]) continue;
      for (const Use& use : history.reads) earliest = std::max(earliest, after(use, ref.access));
      // Parameters and all values that are visible outside are written only after the loss has been checked.
      if (step.backward && draft_.values[static_cast<size_t>(ref.value)].space != Space::arena)
        earliest = std::max(earliest, result_.backward_begin);
    }
    for (int32_t p = is_custom(step.step) ? phase_count() : earliest; p < phase_count(); ++p) {
      if (joins(step, p)) return p;
    }
    Phase phase;
    phase.rows = step.step.rows;
    phase.columns = step.step.columns;
    phase.grid = backend_.grid(step.step, dtype_);
    phase.concurrent = backend_.runs_concurrently(step.step.kind);
    result_.phases.push_back(phase);
    result_.steps.emplace_back();
    return phase_count() - 1;
  }

  void remember(const DraftStep& step, int32_t phase) {
    for (int32_t i = 0; i < max_operands; ++i) {
      const Ref& ref = step.refs[i];
      if (!ref.present()) continue;
      History& history = history_[static_cast<size_t>(ref.value)];
      (step.writes[i] ? history.writes : history.reads).push_back({phase, ref.access});
    }
  }

  // A value's size, its offset in memory, and the time during which it is used (in phases or steps).
  struct ValueSpan : Span {
    int32_t value;
  };

  void place_in_arena() {
    std::vector<ValueSpan> spans;
    for (size_t v = 0; v < draft_.values.size(); ++v) {
      const Value& value = draft_.values[v];
      if (value.space != Space::arena) continue;
      ValueSpan span{{value.bytes, INT32_MAX, value.keep ? INT32_MAX : -1}, static_cast<int32_t>(v)};
      for (const std::vector<Use>* uses : {&history_[v].writes, &history_[v].reads}) {
        for (const Use& use : *uses) {
          span.first = std::min(span.first, use.phase);
          span.last = std::max(span.last, use.phase);
        }
      }
      spans.push_back(span);
    }
    result_.arena_bytes = first_fit(spans, 64, INT64_MAX);
    for (const ValueSpan& span : spans) draft_.values[static_cast<size_t>(span.value)].offset = span.offset;
  }

  // Returns true if the operand is a batched value of which a tile accesses only its own columns.
  bool within_tile(const Ref& ref, const Phase& phase) const {
    if (ref.row_stride != 0 && ref.row_stride != backend_.leading_dimension(dtype_, phase.columns))
      return false;
    if (ref.access == Access::tile || ref.access == Access::column) return true;
    return phase.grid.tiles() == 1 && ref.access == Access::whole && ref.row_stride != 0 &&
           ref.column_stride == 1;
  }

  // Returns true if the value is used only by tiles of phase p, each of which accesses only its own columns.
  bool stays_in_tiles(int32_t v, int32_t p) const {
    const Value& value = draft_.values[static_cast<size_t>(v)];
    const History& history = history_[static_cast<size_t>(v)];
    if (value.space != Space::arena || value.keep || history.writes.empty()) return false;
    for (const std::vector<Use>* uses : {&history.writes, &history.reads}) {
      for (const Use& use : *uses) {
        if (use.phase != p) return false;
      }
    }
    for (int32_t index : result_.steps[static_cast<size_t>(p)]) {
      for (const Ref& ref : draft_.steps[static_cast<size_t>(index)].refs) {
        if (ref.value == v && !within_tile(ref, result_.phases[static_cast<size_t>(p)])) return false;
      }
    }
    return true;
  }

  int64_t scratch_stride(const Phase& phase) const {
    return backend_.scratch_stride(dtype_, phase.grid.tile_columns);
  }

  // Returns the index, in the phase, of the last step that an engine may interleave with the phase's leading product on
  // pieces of a tile.
  int32_t last_in_turn(const std::vector<int32_t>& steps) const {
    auto is_product = [&](size_t i) {
      return draft_.steps[static_cast<size_t>(steps[i])].step.kind == StepKind::product;
    };
    if (!is_product(0)) return 0;
    size_t next = 1;
    while (next < steps.size() && !is_product(next)) ++next;
    return static_cast<int32_t>(next) - 1;
  }

  // Returns the scratch bytes of a value and the first and last step of the phase that use it. Steps that can be
  // interleaved count as one point in time.
  ValueSpan span_within(int32_t value, int32_t phase) const {
    ValueSpan span{{0, INT32_MAX, -1}, value};
    const std::vector<int32_t>& steps = result_.steps[static_cast<size_t>(phase)];
    int64_t rows = 1;
    for (size_t i = 0; i < steps.size(); ++i) {
      for (const Ref& ref : draft_.steps[static_cast<size_t>(steps[i])].refs) {
        if (ref.value != value) continue;
        span.first = std::min(span.first, static_cast<int32_t>(i));
        span.last = static_cast<int32_t>(i);
        if (ref.row_stride > 0) {
          rows = std::max(rows,
                          draft_.values[static_cast<size_t>(value)].bytes / size_of(dtype_) / ref.row_stride);
        }
      }
    }
    const int32_t in_turn = last_in_turn(steps);
    if (span.first <= in_turn) {
      span.first = 0;
      span.last = std::max(span.last, in_turn);
    }
    span.bytes = rows * scratch_stride(result_.phases[static_cast<size_t>(phase)]) * size_of(dtype_);
    return span;
  }

  // Stores values that only one tile uses in memory of the tile's thread. This memory stays in the cache from tile to
  // tile.
  void place_in_scratch() {
    for (size_t p = 0; p < result_.phases.size(); ++p) {
      Phase& phase = result_.phases[p];
      if (!backend_.has_scratch(phase, steps_of(static_cast<int32_t>(p)), dtype_)) continue;
      std::vector<ValueSpan> spans;
      for (size_t v = 0; v < draft_.values.size(); ++v) {
        if (stays_in_tiles(static_cast<int32_t>(v), static_cast<int32_t>(p)))
          spans.push_back(span_within(static_cast<int32_t>(v), static_cast<int32_t>(p)));
      }
      first_fit(spans, 64, backend_.scratch_bytes());
      for (const ValueSpan& span : spans) {
        draft_.values[static_cast<size_t>(span.value)].space = Space::scratch;
        draft_.values[static_cast<size_t>(span.value)].offset = span.offset;
        for (int32_t index : result_.steps[p]) {
          for (Ref& ref : draft_.steps[static_cast<size_t>(index)].refs) {
            if (ref.value == span.value && ref.row_stride > 0) ref.row_stride = scratch_stride(phase);
          }
        }
      }
      phase.uses_scratch = !spans.empty();
    }
  }

  Draft& draft_;
  const DType dtype_;
  const Backend& backend_;
  const bool merge_;
  std::vector<History> history_;
  Schedule result_;
  int32_t floor_ = 0;  // no step is placed before this phase
};

}  // namespace

Schedule schedule(Draft& draft, DType dtype, const Backend& backend, bool merge) {
  return Scheduler(draft, dtype, backend, merge).run();
}

}  // namespace chainrule
