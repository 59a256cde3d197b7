#include "backend/cuda/engine.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "backend/cuda/probe.h"
#include "util/check.h"

namespace chainrule {

using cuda::Block;
using cuda::MemoryKind;

namespace {

bool graphs_are_wanted() {
  const char* text = std::getenv("CHAINRULE_CUDA_GRAPHS");
  return text == nullptr || std::strcmp(text, "0") != 0;
}

// Without graphs there is no conditional part, so large parameters always work.
bool large_parameters_are_wanted(int32_t device) {
  const char* text = std::getenv("CHAINRULE_CUDA_LARGE_PARAMETERS");
  if (text == nullptr) return !graphs_are_wanted() || cuda::large_parameters_work(device);
  if (std::strcmp(text, "0") != 0 && std::strcmp(text, "1") != 0) {
    throw Error(message("expected CHAINRULE_CUDA_LARGE_PARAMETERS to be 0 or 1, but got '", text, "'"));
  }
  return text[0] == '1';
}

int32_t checked_device(int32_t device) {
  cuda::use(device);
  return device;
}

}  // namespace

CudaEngine::CudaEngine(int32_t index, CudaPrecision how)
    : device(checked_device(index)),
      precision(how),
      captures(graphs_are_wanted()),
      large_parameters(large_parameters_are_wanted(index)),
      memory(index),
      products(memory),
      queue(cuda::make_queue()) {}

CudaStream::CudaStream(CudaEngine& engine)
    : engine_(engine),
      queue_(cuda::make_queue()),
      copies_(cuda::make_queue()),
      arguments_(engine.memory, MemoryKind::device),
      pinned_arguments_(engine.memory, MemoryKind::pinned),
      pinned_results_(engine.memory, MemoryKind::pinned),
      scratch_(engine.memory, MemoryKind::device),
      workspaces_{Block(engine.memory, MemoryKind::device), Block(engine.memory, MemoryKind::device)},
      tables_(engine.memory, MemoryKind::device) {
  for (InputSet& set : sets_) {
    set.copied.reset(cuda::make_event(false));
    set.consumed.reset(cuda::make_event(false));
  }
  pinned_results_.reserve(sizeof(cuda::Arguments::losses));
}

void CudaStream::wait() noexcept {
  cuda::finish(copies_.get());
  cuda::finish(queue_.get());
}

void CudaStream::run(CudaProgram& program, const Context& context, int32_t first, int32_t last) {
  if (first >= last) return;
  set_ = 0;
  grow(program, false);
  const StepNumbers numbers =
      StepNumbers::of(context.update, context.position, context.step, context.first_sample);
  send_arguments(program, context, &numbers, 1);
  send_inputs(program, context, queue_.get());
  launch(program, context, first, last, false);
  fetch_outputs(program, context);
  cuda::synchronize(queue_.get());
}

// ---- bursts of steps

void CudaStream::begin_steps(CudaProgram& program, const Context& context, const StepNumbers* numbers,
                             int32_t count) {
  if (count < 1 || count > cuda_max_burst) {
    throw Error(
        message("the CUDA engine expected a burst of 1 to ", cuda_max_burst, " steps, but got ", count));
  }
  overlaps_ = count > 1;
  grow(program, overlaps_ && context.columns == nullptr);
  arguments_of_ = -1;
  send_arguments(program, context, numbers, count);
  arguments_of_ = -1;  // The steps change the arguments on the device.
}

void CudaStream::await_inputs(int32_t step) {
  if (overlaps_ && step >= 2) cuda::synchronize(sets_[step % 2].copied.get());
}

void CudaStream::launch_step(CudaProgram& program, const Context& context, int32_t step) {
  set_ = overlaps_ && context.columns == nullptr ? step % 2 : 0;
  InputSet& set = sets_[set_];
  if (!overlaps_) {
    send_inputs(program, context, queue_.get());
  } else if (context.columns == nullptr) {
    // Recorded here and not after the launch of the previous step: if recording fails, that step has been counted
    // already.
    if (step >= 1) cuda::record(queue_.get(), sets_[1 - set_].consumed.get());
    if (step >= 2) cuda::wait(copies_.get(), set.consumed.get());
    send_inputs(program, context, copies_.get());
    cuda::record(copies_.get(), set.copied.get());
    cuda::wait(queue_.get(), set.copied.get());
  }
  launch(program, context, 0, program.phases, true);
}

void CudaStream::end_steps(const CudaProgram& program, const Context& context, int32_t launched,
                           double* losses) {
  const int64_t bytes = launched * static_cast<int64_t>(sizeof(double));
  if (launched > 0) cuda::copy(queue_.get(), pinned_results_.data(), arguments()->losses, bytes);
  if (!overlaps_) fetch_outputs(program, context);
  cuda::synchronize(queue_.get());
  std::memcpy(losses, pinned_results_.data(), static_cast<size_t>(bytes));
}

// ---- before a run: allocate memory, copy arguments and inputs to the device

// Invalidates graphs and arguments that contain the old address, also if the allocation throws.
void CudaStream::grow(Block* block, int64_t bytes) {
  if (bytes <= block->bytes()) return;
  ++generation_;
  arguments_of_ = -1;
  block->reserve(bytes);
}

void CudaStream::grow(const std::vector<int64_t>& bytes, std::vector<Block>* blocks,
                      std::vector<char*>* addresses) {
  while (blocks->size() < bytes.size()) {
    blocks->emplace_back(engine_.memory, MemoryKind::device);
    addresses->push_back(nullptr);
  }
  for (size_t slot = 0; slot < bytes.size(); ++slot) {
    grow(&(*blocks)[slot], bytes[slot]);
    (*addresses)[slot] = (*blocks)[slot].data();
  }
}

void CudaStream::grow(const CudaProgram& program, bool second_set) {
  grow(&scratch_, program.scratch_bytes);
  for (int32_t lane = 0; lane < 2; ++lane) {
    if (program.multiplies[lane]) grow(&workspaces_[lane], cuda::Products::workspace_bytes());
  }
  for (InputSet& set : sets_) {
    if (&set == &sets_[0] || second_set) grow(program.input_bytes, &set.blocks, &set.addresses);
  }
  grow(program.output_bytes, &outputs_, &output_addresses_);
  const int64_t bytes =
      static_cast<int64_t>(sizeof(cuda::Arguments) + program.alphas.size() * sizeof(cuda::Scalars));
  grow(&arguments_, bytes);
  grow(&pinned_arguments_, bytes);
}

// Copies the arguments only if they differ from those on the device. Repeated predictions copy none.
void CudaStream::send_arguments(const CudaProgram& program, const Context& context,
                                const StepNumbers* numbers, int32_t count) {
  char* place = pinned_arguments_.data();
  bool changed = arguments_of_ != program.number;
  auto put = [&](const auto& value) {
    if (changed || std::memcmp(place, &value, sizeof value) != 0) {
      std::memcpy(place, &value, sizeof value);
      changed = true;
    }
    place += sizeof value;
  };
  cuda::Arguments arguments;
  std::memset(static_cast<void*>(&arguments), 0, sizeof arguments);  // also the padding, which `put` compares
  arguments.update = context.update;
  numbers[0].put_into(arguments.update);
  arguments.order = context.order;
  arguments.seed = context.seed;
  arguments.trained = numbers[0];
  std::copy(numbers, numbers + count, arguments.numbers);
  put(arguments);
  const double rate = context.update.learning_rate();
  for (size_t i = 0; i < program.alphas.size(); ++i) {
    const double alpha = program.alphas[i].at(rate), beta = program.betas[i].at(rate);
    put(cuda::Scalars{alpha, beta, static_cast<float>(alpha), static_cast<float>(beta)});
  }
  if (!changed) return;
  arguments_of_ = program.number;
  cuda::copy(queue_.get(), arguments_.data(), pinned_arguments_.data(), place - pinned_arguments_.data());
}

void CudaStream::send_inputs(const CudaProgram& program, const Context& context, cuda::Queue* queue) {
  for (size_t slot = 0; slot < program.input_bytes.size(); ++slot) {
    const bool resident = context.columns != nullptr && context.columns[slot].values != nullptr;
    if (program.input_bytes[slot] == 0 || resident) continue;
    cuda::copy(queue, sets_[set_].addresses[slot], context.inputs[slot], program.input_bytes[slot]);
  }
}

// Must be called before a capture begins, because during a capture the copy would become part of the graph.
void CudaStream::send_tables(const CudaProgram& program, const Context& context, Block* to) {
  tables_at_ = nullptr;
  if (engine_.large_parameters || program.table_bytes == 0) return;
  std::vector<char> tables(static_cast<size_t>(program.table_bytes));
  const cuda::Run run = run_of(context);
  for (const cuda::Launch& launch : program.launches) {
    if (launch.table >= 0) cuda::write_table(launch, run, tables.data() + launch.table);
  }
  to->reserve(program.table_bytes);
  cuda::copy(queue_.get(), to->data(), tables.data(), program.table_bytes);
  tables_at_ = to->data();
}

void CudaStream::fetch_outputs(const CudaProgram& program, const Context& context) {
  for (size_t slot = 0; slot < program.output_bytes.size() && context.outputs != nullptr; ++slot) {
    if (program.output_bytes[slot] == 0 || context.outputs[slot] == nullptr) continue;
    cuda::copy(queue_.get(), context.outputs[slot], output_addresses_[slot], program.output_bytes[slot]);
  }
}

// ---- a run

cuda::Run CudaStream::run_of(const Context& context, int32_t lane) {
  cuda::Run run;
  run.queue = queue_.get();
  std::copy(context.base, context.base + space_count, run.base);
  run.inputs = sets_[set_].addresses.data();
  run.outputs = output_addresses_.data();
  run.arguments = arguments();
  run.scalars = reinterpret_cast<const cuda::Scalars*>(arguments_.data() + sizeof(cuda::Arguments));
  run.scratch = scratch_.data();
  run.workspace = workspaces_[lane].data();
  run.tables = tables_at_;
  return run;
}

cuda::Event* CudaStream::event(size_t number, bool timed) {
  auto& events = events_[timed];
  while (events.size() <= number) events.emplace_back(cuda::make_event(timed));
  return events[number].get();
}

void CudaStream::enqueue(const CudaProgram& program, const Context& context, int32_t first, int32_t last) {
  const cuda::Run run = run_of(context);
  for (const cuda::Launch& launch : program.launches) {
    if (launch.phase >= first && launch.phase < last) launch.launcher(launch, run);
  }
}

void CudaStream::gather(const CudaProgram& program, const Context& context) {
  if (context.columns == nullptr) return;
  const cuda::Run run = run_of(context);
  for (size_t slot = 0; slot < program.input_bytes.size(); ++slot) {
    const ResidentColumn& column = context.columns[slot];
    if (column.values == nullptr || program.input_bytes[slot] == 0) continue;
    const int64_t element = column.type == ColumnType::label ? 4 : size_of(program.dtype);
    cuda::gather(run, column, program.dtype, program.input_bytes[slot] / element / column.features,
                 sets_[set_].addresses[slot]);
  }
}

cuda::LossCheck CudaStream::loss_check(const CudaProgram& program, const Context& context) const {
  return {context.base[static_cast<int32_t>(program.loss.space)] + program.loss.offset, program.dtype,
          arguments()};
}

void CudaStream::launch(CudaProgram& program, const Context& context, int32_t first, int32_t last,
                        bool checked) {
  if (context.phase_seconds != nullptr || !engine_.captures) {
    run_directly(program, context, first, last, checked);
    return;
  }
  Captured& known = captured(program, context, first, last, checked);
  if (!known.loaded) {
    known.loaded = run_directly(program, context, first, last, checked);
    return;
  }
  if (known.graph == nullptr) capture(&known, program, context);
  cuda::launch(queue_.get(), known.graph.get());
}

// Returns true if all phases ran, false if the loss was not finite.
bool CudaStream::run_directly(const CudaProgram& program, const Context& context, int32_t first, int32_t last,
                              bool checked) {
  auto phases = [&](int32_t begin, int32_t end) {
    if (context.phase_seconds != nullptr) return run_timed(program, context, begin, end);
    enqueue(program, context, begin, end);
  };
  send_tables(program, context, &tables_);
  gather(program, context);
  program.repeat_conversions(run_of(context), first);
  phases(first, checked ? program.backward_begin : last);
  if (!checked) return true;
  if (!trains(program, context)) return false;
  phases(program.backward_begin, last);
  return true;
}

// Without a graph the host checks the result of the loss check and waits for it.
bool CudaStream::trains(const CudaProgram& program, const Context& context) {
  cuda::check_loss(queue_.get(), loss_check(program, context));
  cuda::copy(queue_.get(), pinned_results_.data(), &arguments()->halted, sizeof(int32_t));
  cuda::synchronize(queue_.get());
  return *reinterpret_cast<const int32_t*>(pinned_results_.data()) == 0;
}

void CudaStream::run_timed(const CudaProgram& program, const Context& context, int32_t first, int32_t last) {
  const size_t points = static_cast<size_t>(last - first) + 1;
  for (int32_t phase = first; phase < last; ++phase) {
    cuda::record(queue_.get(), event(static_cast<size_t>(phase - first), true));
    enqueue(program, context, phase, phase + 1);
  }
  cuda::record(queue_.get(), event(points - 1, true));
  cuda::synchronize(queue_.get());
  for (size_t i = 0; i + 1 < points; ++i) {
    context.phase_seconds[static_cast<size_t>(first) + i] +=
        cuda::seconds_between(event(i, true), event(i + 1, true));
  }
}

}  // namespace chainrule
