// The default implementations of Backend, for an engine whose memory is host memory.
#include "backend/backend.h"

#include <cmath>
#include <cstring>

namespace chainrule {

namespace {

void copy_bytes(void* to, const void* from, int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, static_cast<size_t>(bytes));
}

}  // namespace

void Backend::copy_in(char* to, const void* from, int64_t bytes) { copy_bytes(to, from, bytes); }
void Backend::copy_out(void* to, const char* from, int64_t bytes) { copy_bytes(to, from, bytes); }
void Backend::copy(char* to, const char* from, int64_t bytes) { copy_bytes(to, from, bytes); }
void Backend::zero(char* to, int64_t bytes) {
  if (bytes > 0) std::memset(to, 0, static_cast<size_t>(bytes));
}

double Backend::run_to_loss(const Program& program, const Context& context) {
  run(program, context, 0, program.backward_begin);
  const char* from = context.base[static_cast<int32_t>(program.loss.space)] + program.loss.offset;
  float as_float = 0;
  double loss = 0;
  if (program.dtype == DType::float32) {
    copy_out(&as_float, from, sizeof as_float);
    loss = static_cast<double>(as_float);
  } else {
    copy_out(&loss, from, sizeof loss);
  }
  if (std::isfinite(loss)) {
    run(program, context, program.backward_begin, static_cast<int32_t>(program.phases.size()));
  }
  return loss;
}

void Backend::run_steps(const Program& program, const Context& context, const StepNumbers* numbers,
                        int32_t count, StepInputs* inputs, double* losses, int32_t* completed) {
  Context step_context = context;
  for (*completed = 0; *completed < count; ++*completed) {
    const StepNumbers& step = numbers[*completed];
    step.put_into(step_context.update);
    step_context.position = step.position;
    step_context.step = step.step;
    step_context.first_sample = step.first_sample;
    if (inputs != nullptr && step_context.columns == nullptr) {
      step_context.inputs = inputs->addresses(*completed);
    }
    losses[*completed] = run_to_loss(program, step_context);
    if (!std::isfinite(losses[*completed])) return;
  }
}

}  // namespace chainrule
