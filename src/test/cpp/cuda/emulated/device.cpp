// A device emulated in host memory, for the tests of the engine. Queues are lazy: their work runs only when something
// waits for it, so that a missing wait leads to wrong results. Captured work becomes a list that the launch of the
// graph runs.
#include "backend/cuda/device.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "backend/cuda/launch.h"
#include "backend/cuda/program.h"
#include "cuda/emulated/captured.h"
#include "cuda/emulated/emulation.h"
#include "cuda/emulated/memory.h"
#include "cuda/engines.h"

namespace chainrule {
namespace cuda {

namespace {

std::atomic<bool> backwards{false}, early{false};
std::atomic<test::LargeParameters> large_parameters{test::LargeParameters::arrive};
std::atomic<int64_t> graph_launches{0}, kernel_launches{0}, waits{0};
std::atomic<int64_t> fails_after{-1}, work_waiting{0};
thread_local int32_t current = -1;
// The time of all work that has run on this thread. It is per thread, so that other threads do not disturb a
// measurement.
thread_local double clock_seconds = 0;

}  // namespace

void require_device() {
  if (current != 0) throw Error("no CUDA device has been opened by this thread");
}

struct Graph {
  Captured work;
};

struct Queue {
  std::deque<Work> waiting;
  int64_t submitted = 0, done = 0;  // Pieces of work so far.
  bool computes = false;            // True once a kernel was submitted.
  bool capturing = false;
  std::vector<Captured> captured;  // The graph and its open conditional bodies; the innermost is last.
  std::vector<std::function<bool()>> conditions;
};

struct Event {
  bool timed = false;
  double seconds = 0;
  Queue* queue = nullptr;
  int64_t position = 0;  // Where it was recorded in the queue's work, or in a lane if it was captured.
  int32_t lane = 0;      // The lane, if it was captured.
};

namespace {

void run_until(Queue* queue, int64_t position) {
  while (queue->done < position) {
    const Work work = std::move(queue->waiting.front());
    queue->waiting.pop_front();
    ++queue->done;
    --work_waiting;
    work();
  }
}

}  // namespace

// The work runs as late as possible, or at once if the queue only copies and the test has called emulate_early(true).
void submit(Queue* queue, Work work) {
  queue->waiting.push_back(std::move(work));
  ++queue->submitted;
  ++work_waiting;
  if (early && !queue->computes) run_until(queue, queue->submitted);
}

void poison(void* memory, size_t bytes) { std::memset(memory, 0xff, bytes); }

bool threads_run_backwards() { return backwards.load(std::memory_order_relaxed); }

void enqueue(Queue* queue, Work work) {
  require_device();
  if (fails_after >= 0 && fails_after-- == 0) throw Error("the emulated device fails");
  const auto timed = [work = std::move(work)] {
    work();
    test::spend_emulated_seconds(1e-6);
  };
  if (queue->capturing) {
    queue->captured.back().add(timed);
  } else {
    ++kernel_launches;
    queue->computes = true;
    submit(queue, timed);
  }
}

void pass(const Queue* queue, void* kernel, size_t bytes) {
  using test::LargeParameters;
  constexpr size_t always = 4096;
  const LargeParameters how = large_parameters;
  const bool in_body = queue->capturing && queue->captured.size() > 1;
  if (how == LargeParameters::arrive || !in_body || bytes <= always) return;
  if (how == LargeParameters::refused)
    throw Error(message("launching a kernel with a parameter of ", bytes, " bytes: invalid argument"));
  const size_t kept = how == LargeParameters::cut_off ? always : 0;
  poison(static_cast<char*>(kernel) + kept, bytes - kept);
}

CudaVersions versions() {
  CudaVersions found;
  found.driver = found.runtime = 13000;
  found.devices = 1;
  return found;
}

CudaDevice describe(int32_t device) {
  if (device != 0) throw Error(message("asking for CUDA device ", device, ": invalid device ordinal"));
  CudaDevice about;
  std::strcpy(about.name, "emulated");
  about.total_bytes = device_bytes().total;
  return about;
}

void use(int32_t device) {
  if (device != 0) throw Error(message("opening CUDA device ", device, ": invalid device ordinal"));
  current = device;
}

Queue* make_queue() {
  require_device();
  return new Queue;
}

void destroy(Queue* queue) noexcept { delete queue; }

static void submit_or_capture(Queue* queue, Work work) {
  if (!queue->capturing) return submit(queue, std::move(work));
  queue->captured.back().add(std::move(work));
}

void copy(Queue* queue, void* to, const void* from, int64_t bytes) {
  const size_t count = static_cast<size_t>(bytes);
  if (queue->capturing && (pageable(to) || pageable(from))) {
    throw Error("a copy from or to pageable memory cannot be captured");
  }
  if (pageable(from)) {  // read before the call returns
    std::vector<char> values(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    submit(queue, [to, values = std::move(values)] { std::memcpy(to, values.data(), values.size()); });
  } else {
    submit_or_capture(queue, [to, from, count] { std::memcpy(to, from, count); });
  }
  if (pageable(to)) synchronize(queue);
}

void zero(Queue* queue, char* to, int64_t bytes) {
  submit_or_capture(queue, [to, bytes] { std::memset(to, 0, static_cast<size_t>(bytes)); });
}

void synchronize(Queue* queue) {
  if (queue->capturing) throw Error("waiting for the device: a graph is being captured");
  ++waits;
  run_until(queue, queue->submitted);
}

void begin_capture(Queue* queue) {
  if (queue->capturing) throw Error("beginning to capture a graph: one is being captured");
  queue->capturing = true;
  queue->captured.assign(1, {});
}

void set_lane(Queue* queue, int32_t lane) { queue->captured.back().set_lane(lane); }

Graph* end_capture(Queue* queue) {
  if (!queue->capturing || queue->captured.size() != 1) throw Error("capturing a graph: it is not complete");
  queue->captured.back().require_joined();
  auto graph = std::make_unique<Graph>();
  graph->work = std::move(queue->captured.back());
  queue->capturing = false;
  return graph.release();
}

void abandon_capture(Queue* queue) noexcept {
  queue->capturing = false;
  queue->captured.clear();
  queue->conditions.clear();
}

void begin_if_trains(Queue* queue, const LossCheck& check) {
  queue->conditions.push_back([check] { return check.run(); });
  queue->captured.emplace_back();
}

void end_if(Queue* queue) {
  Captured body = std::move(queue->captured.back());
  body.require_joined();
  queue->captured.pop_back();
  const std::function<bool()> condition = std::move(queue->conditions.back());
  queue->conditions.pop_back();
  queue->captured.back().require_joined();  // the condition is evaluated on the first lane
  queue->captured.back().add([condition, body = std::move(body)] {
    if (condition()) body.run(early);
  });
}

void launch(Queue* queue, Graph* graph) {
  ++graph_launches;
  queue->computes = true;
  submit(queue, [graph] { graph->work.run(early); });
}

void destroy(Graph* graph) noexcept { delete graph; }

void check_loss(Queue* queue, const LossCheck& check) {
  enqueue(queue, [check] { check.run(); });
}

Event* make_event(bool timed) {
  auto event = std::make_unique<Event>();
  event->timed = timed;
  return event.release();
}
void record(Queue* queue, Event* event) {
  if (!queue->capturing) submit(queue, [event] { event->seconds = clock_seconds; });
  event->queue = queue;
  event->position = queue->capturing ? queue->captured.back().position() : queue->submitted;
  event->lane = queue->capturing ? queue->captured.back().lane() : 0;
}
void wait(Queue* queue, Event* event) {
  if (queue->capturing) return queue->captured.back().wait(event->lane, event->position);
  if (event->queue == nullptr) return;
  submit(queue, [other = event->queue, position = event->position] { run_until(other, position); });
}
void synchronize(Event* event) {
  if (event->queue != nullptr) run_until(event->queue, event->position);
}
double seconds_between(Event* first, Event* second) {
  if (!first->timed || !second->timed) throw Error("reading CUDA events: they have no times");
  return second->seconds - first->seconds;
}
void destroy(Event* event) noexcept { delete event; }

}  // namespace cuda
}  // namespace chainrule

namespace test {

void emulate_large_parameters(LargeParameters how) { chainrule::cuda::large_parameters = how; }
void emulate_early(bool early) { chainrule::cuda::early = early; }
void fail_emulated_launch(int64_t after) { chainrule::cuda::fails_after = after; }
int64_t emulated_work_waiting() { return chainrule::cuda::work_waiting; }
void emulate_backwards(bool backwards) { chainrule::cuda::backwards = backwards; }
void spend_emulated_seconds(double seconds) { chainrule::cuda::clock_seconds += seconds; }
EmulatedLaunches take_emulated_launches() {
  return {chainrule::cuda::graph_launches.exchange(0), chainrule::cuda::kernel_launches.exchange(0),
          chainrule::cuda::waits.exchange(0)};
}
bool cuda_is_emulated() { return true; }

}  // namespace test
