// The part of the CUDA runtime that the engine uses, in plain C++. device.cpp implements it with CUDA. The tests
// implement it a second time, in host memory (src/test/cpp/cuda/emulated). Except for the functions that free, every
// function throws Error if CUDA fails. The message has what the function tried and CUDA's error.
#pragma once

#include <cstdint>

#include "backend/cuda/library.h"

namespace chainrule {
namespace cuda {

// A queue of work on the device: a CUDA stream and, while a graph is captured, the state of the capture.
struct Queue;
// A CUDA memory pool.
struct Pool;
// An instantiated graph.
struct Graph;
// A point in a queue. The host or a queue can wait for it. A timed event also records its time.
struct Event;
// program.h
struct LossCheck;

CudaVersions versions();
CudaDevice describe(int32_t device);

// Selects the device for the calling thread. Must be called before the functions below.
void use(int32_t device);

// Memory from CUDA. The engine uses it through memory.h.
Pool* make_pool(int32_t device);  // null: the device does not support pools
void destroy(Pool* pool) noexcept;
int64_t unused_bytes(Pool* pool);  // device memory that the pool holds and no block uses
// Returns unused memory to the device until the pool holds at most `keep` bytes. A released block is unused only after
// its queue has executed the release.
void trim(Pool* pool, int64_t keep);
// Returns memory that is not zeroed, or null if there is not enough. With a pool, the queue executes the allocation and
// the release in its order. Without a pool (null) both are immediate.
char* allocate_device(Pool* pool, Queue* queue, int64_t bytes);
void release_device(Pool* pool, Queue* queue, char* memory) noexcept;
char* allocate_pinned(int64_t bytes);  // not zeroed
void release_pinned(char* memory) noexcept;

struct DeviceBytes {
  int64_t free = 0, total = 0;
};
DeviceBytes device_bytes();

Queue* make_queue();
void destroy(Queue* queue) noexcept;
// Copies between any two memories. The caller must neither change nor free pinned host memory until the queue has
// executed the copy. Pageable source memory has been read when this returns.
void copy(Queue* queue, void* to, const void* from, int64_t bytes);
void zero(Queue* queue, char* to, int64_t bytes);
void synchronize(Queue* queue);

// Between begin_capture and end_capture the queue executes nothing: its work becomes a graph. The graph has two lanes,
// branches whose work may overlap (lanes.h).
// Only events that are recorded on one lane and waited for on the other order the work of the two lanes. Lane 1 must
// begin with such a wait. Lane 0 must wait for the end of lane 1 before the graph or its conditional part ends.
void begin_capture(Queue* queue);
void set_lane(Queue* queue, int32_t lane);  // the lane of all following work; initially 0
Graph* end_capture(Queue* queue);
// Ends a capture that has failed and discards it.
void abandon_capture(Queue* queue) noexcept;
// During a capture. The work enqueued between begin_if_trains and end_if is the conditional part of the graph. It runs
// only if the check returns true when the graph is executed.
void begin_if_trains(Queue* queue, const LossCheck& check);
void end_if(Queue* queue);
void launch(Queue* queue, Graph* graph);
void destroy(Graph* graph) noexcept;
// Runs the check alone, without a conditional part.
void check_loss(Queue* queue, const LossCheck& check);

Event* make_event(bool timed);
// During a capture, an event is a point in the graph and has no time.
void record(Queue* queue, Event* event);
// All following work of the queue waits for the latest recording of the event.
void wait(Queue* queue, Event* event);
void synchronize(Event* event);
double seconds_between(Event* first, Event* second);  // Both must be timed and have been reached.
void destroy(Event* event) noexcept;

}  // namespace cuda
}  // namespace chainrule
