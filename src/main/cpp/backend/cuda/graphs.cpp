// Runs as graphs: the cache of captured graphs, and the capture.
#include <algorithm>

#include "backend/cuda/engine.h"
#include "backend/cuda/lanes.h"

namespace chainrule {

namespace {

// The maximum number of graphs per stream. A caller may use many batch sizes, each with its own graph. The least
// recently used graph is dropped.
constexpr size_t most_captured = 32;

// Returns a hash of the columns (FNV-1a), to detect whether a captured graph reads the same columns. 0: there are no
// columns.
uint64_t hash_of(const ResidentColumn* columns, size_t count) {
  if (columns == nullptr) return 0;
  uint64_t hash = 0xcbf29ce484222325u;
  auto add = [&](uint64_t value) { hash = (hash ^ value) * 0x100000001b3u; };
  for (size_t i = 0; i < count; ++i) {
    add(reinterpret_cast<uint64_t>(columns[i].values));
    add(static_cast<uint64_t>(columns[i].type));
    add(static_cast<uint64_t>(columns[i].features));
  }
  return hash | 1;
}

}  // namespace

CudaStream::Captured& CudaStream::captured(const CudaProgram& program, const Context& context, int32_t first,
                                           int32_t last, bool checked) {
  const uint64_t columns = hash_of(context.columns, program.input_bytes.size());
  bool loaded = false;  // The same run has loaded its kernels with the other set of inputs.
  ++clock_;
  for (Captured& known : captured_) {
    const bool same_run = known.program == program.number && known.first == first && known.last == last &&
                          known.checked == checked;
    if (!same_run) continue;
    if (known.set != set_) {
      loaded = known.loaded;
      continue;
    }
    known.used = clock_;
    if (known.generation != generation_ || known.columns != columns ||
        !std::equal(known.base, known.base + space_count, context.base)) {
      known.graph = nullptr;  // Addresses in the graph have changed.
      known.generation = generation_;
      known.columns = columns;
      std::copy(context.base, context.base + space_count, known.base);
    }
    return known;
  }
  if (captured_.size() >= most_captured) {
    captured_.erase(std::min_element(captured_.begin(), captured_.end(),
                                     [](const Captured& a, const Captured& b) { return a.used < b.used; }));
  }
  captured_.emplace_back(engine_.memory);
  Captured& made = captured_.back();
  made.program = program.number;
  made.first = first;
  made.last = last;
  made.checked = checked;
  made.set = set_;
  made.loaded = loaded;
  std::copy(context.base, context.base + space_count, made.base);
  made.generation = generation_;
  made.columns = columns;
  made.used = clock_;
  return made;
}

// Like enqueue(), but independent launches overlap in two lanes.
void CudaStream::enqueue_in_lanes(const CudaProgram& program, const Context& context, int32_t first,
                                  int32_t last) {
  const std::vector<const cuda::Launch*> launches = cuda::launches_between(program.launches, first, last);
  const std::vector<cuda::LaneSlot> slots = cuda::assign_lanes(launches);
  std::vector<bool> awaited(launches.size(), false);
  int32_t last_in_lane_1 = -1;
  bool no_workspace = false;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].waits_for >= 0) awaited[static_cast<size_t>(slots[i].waits_for)] = true;
    if (slots[i].lane == 0) continue;
    last_in_lane_1 = static_cast<int32_t>(i);
    no_workspace = no_workspace || (launches[i]->product != nullptr && workspaces_[1].data() == nullptr);
  }
  // Lane 1 has a workspace only if it contains products in the forward or backward half of a step. A run of other
  // phases may put a product into lane 1 although that lane has no workspace. Such a run uses only lane 0.
  if (last_in_lane_1 < 0 || no_workspace) return enqueue(program, context, first, last);
  awaited[static_cast<size_t>(last_in_lane_1)] = true;

  cuda::Queue* queue = queue_.get();
  const cuda::Run runs[2] = {run_of(context, 0), run_of(context, 1)};
  auto switch_to = [&](int32_t lane, cuda::Event* after) {
    cuda::set_lane(queue, lane);
    if (after != nullptr) cuda::wait(queue, after);
  };
  cuda::Event* const begin = event(launches.size(), false);
  cuda::record(queue, begin);
  switch_to(1, begin);
  for (size_t i = 0; i < launches.size(); ++i) {
    const int32_t before = slots[i].waits_for;
    switch_to(slots[i].lane, before < 0 ? nullptr : event(static_cast<size_t>(before), false));
    launches[i]->launcher(*launches[i], runs[slots[i].lane]);
    if (awaited[i]) cuda::record(queue, event(i, false));
  }
  switch_to(0, event(static_cast<size_t>(last_in_lane_1), false));
}

void CudaStream::capture(Captured* into, const CudaProgram& program, const Context& context) {
  cuda::Queue* queue = queue_.get();
  send_tables(program, context, &into->tables);
  cuda::begin_capture(queue);
  try {
    gather(program, context);
    program.repeat_conversions(run_of(context), into->first);
    if (!into->checked) {
      enqueue_in_lanes(program, context, into->first, into->last);
    } else {
      enqueue_in_lanes(program, context, into->first, program.backward_begin);
      if (program.backward_begin == into->last) {
        cuda::check_loss(queue, loss_check(program, context));
      } else {
        cuda::begin_if_trains(queue, loss_check(program, context));
        enqueue_in_lanes(program, context, program.backward_begin, into->last);
        cuda::end_if(queue);
      }
    }
  } catch (...) {
    cuda::abandon_capture(queue);
    throw;
  }
  into->graph.reset(cuda::end_capture(queue));
}

}  // namespace chainrule
