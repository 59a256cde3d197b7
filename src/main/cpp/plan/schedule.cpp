// Fusion and memory. A step may join an earlier phase when that keeps every dependency: what it reads must have been
// written by an earlier phase, or by the same tile. So a bias and an activation run on the tile that a product has just
// written, and an activation's backward on the tile of Wᵀδ, with no rule knowing of it.
#include <algorithm>

#include "plan/draft.h"

namespace chainrule {

namespace {

// One earlier use of a value.
struct Use {
  int32_t phase;
  Access access;
};

// Who wrote a value last, and who has read it since.
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
      if (step.backward && !in_backward) {
        in_backward = true;
        floor_ = result_.backward_begin = phase_count();
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
    place_values();
    return std::move(result_);
  }

 private:
  int32_t phase_count() const { return static_cast<int32_t>(result_.phases.size()); }

  // Could the step's own tiles be those of the phase?
  bool fits(const DraftStep& step, const Phase& phase) const {
    const Grid own = backend_.grid(step.step, dtype_);
    if (phase.grid.tiles() == 1) return own.tiles() == 1;
    if (step.step.kind == StepKind::product) return false;
    if (step.step.rows != phase.rows || step.step.columns != phase.columns) return false;
    if (needs_whole_columns(step.step) && phase.grid.row_tiles != 1) return false;
    if (step.step.kind == StepKind::loss && phase.grid.tile_columns % loss_block != 0) return false;
    return step.step.kind != StepKind::row_sum || phase.grid.column_tiles == 1;
  }

  // May a tile of this phase use what the same tile, but no other, has done?
  static bool same_tile(const Phase& phase, Access before, Access now) {
    if (phase.grid.tiles() == 1) return true;
    if (before != now) return false;
    return before == Access::tile || (before == Access::column && phase.grid.row_tiles == 1) ||
           (before == Access::row && phase.grid.column_tiles == 1);
  }

  // The first phase that keeps the step behind this use.
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
    }
    for (int32_t p = earliest; p < phase_count(); ++p) {
      if (fits(step, result_.phases[static_cast<size_t>(p)])) return p;
    }
    Phase phase;
    phase.rows = step.step.rows;
    phase.columns = step.step.columns;
    phase.grid = backend_.grid(step.step, dtype_);
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

  // First fit by size: two values share memory only if no phase uses both.
  void place_values() {
    struct Placed {
      int64_t offset, end;
      int32_t first, last;
    };
    std::vector<int32_t> order;
    std::vector<Placed> spans(draft_.values.size(), Placed{0, 0, INT32_MAX, -1});
    for (size_t v = 0; v < draft_.values.size(); ++v) {
      for (const std::vector<Use>* uses : {&history_[v].writes, &history_[v].reads}) {
        for (const Use& use : *uses) {
          spans[v].first = std::min(spans[v].first, use.phase);
          spans[v].last = std::max(spans[v].last, use.phase);
        }
      }
      if (draft_.values[v].keep) spans[v].last = INT32_MAX;
      if (draft_.values[v].space == Space::arena) order.push_back(static_cast<int32_t>(v));
    }
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return draft_.values[static_cast<size_t>(a)].bytes > draft_.values[static_cast<size_t>(b)].bytes;
    });
    std::vector<Placed> placed;  // by offset
    for (int32_t v : order) {
      Placed span = spans[static_cast<size_t>(v)];
      const int64_t bytes = (draft_.values[static_cast<size_t>(v)].bytes + 63) / 64 * 64;
      int64_t offset = 0;
      for (const Placed& other : placed) {
        if (other.last < span.first || span.last < other.first) continue;
        if (offset + bytes <= other.offset) break;
        offset = std::max(offset, other.end);
      }
      span.offset = draft_.values[static_cast<size_t>(v)].offset = offset;
      span.end = offset + bytes;
      result_.arena_bytes = std::max(result_.arena_bytes, span.end);
      placed.insert(std::upper_bound(placed.begin(), placed.end(), span,
                                     [](const Placed& a, const Placed& b) { return a.offset < b.offset; }),
                    span);
    }
  }

  Draft& draft_;
  const DType dtype_;
  const Backend& backend_;
  const bool merge_;
  std::vector<History> history_;
  Schedule result_;
  int32_t floor_ = 0;
};

}  // namespace

Schedule schedule(Draft& draft, DType dtype, const Backend& backend, bool merge) {
  return Scheduler(draft, dtype, backend, merge).run();
}

}  // namespace chainrule
