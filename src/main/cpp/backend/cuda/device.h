// What the engine needs of the CUDA runtime, in plain C++: device.cpp does it on a device. The tests have a second
// implementation, which does the same in the processor's memory (src/test/cpp/cuda). Every function throws Error with
// what was tried and what CUDA said, except those that free.
#pragma once

#include <cstdint>

#include "backend/cuda/library.h"

namespace chainrule {
namespace cuda {

// A queue of work on the device: a CUDA stream, and while a graph is captured, its state.
struct Queue;
// Device memory kept for later.
struct Pool;
// A captured graph, ready to be launched.
struct Graph;
// A point in a queue, which can be waited for, and whose time may be taken.
struct Event;
// program.h
struct LossCheck;

CudaVersions versions();
CudaDevice describe(int32_t device);

// Makes the device the calling thread's; before anything below.
void use(int32_t device);

// Memory as CUDA gives it: memory.h is what the engine uses. The pool is null where the device has none.
Pool* make_pool(int32_t device);
void destroy(Pool* pool) noexcept;
int64_t unused_bytes(Pool* pool);  // that the pool has of the device, and nobody holds
// Gives them back to the device, once the queue has come to their release, until the pool has at most so many in all.
void trim(Pool* pool, int64_t keep);
// Not zeroed; null when there is no memory. From a pool the block is there, and goes back, when the queue gets there;
// without one, at once.
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
// Between any two memories. The processor's side must stay as it is until the queue gets there, unless it is pageable.
void copy(Queue* queue, void* to, const void* from, int64_t bytes);
void zero(Queue* queue, char* to, int64_t bytes);
void synchronize(Queue* queue);

// Between these two, work given to the queue is not done, but becomes a graph. The graph has two lanes. What is given to
// one has no order with what is given to the other, but by events that are recorded on one and waited for on the other:
// lane 1 begins with such a wait, and lane 0 waits for the end of lane 1 before the graph, or what is conditional, ends.
void begin_capture(Queue* queue);
void set_lane(Queue* queue, int32_t lane);  // of all that is given from now on; 0 to begin with
Graph* end_capture(Queue* queue);
// Gives up a capture that failed half way.
void abandon_capture(Queue* queue) noexcept;
// While capturing: what is given to the queue between these two runs only if the check says so when the graph comes to
// this place.
void begin_if_trains(Queue* queue, const LossCheck& check);
void end_if(Queue* queue);
void launch(Queue* queue, Graph* graph);
void destroy(Graph* graph) noexcept;
// The same check without a condition.
void check_loss(Queue* queue, const LossCheck& check);

Event* make_event(bool timed);
// While capturing, an event is a place in the graph and has no time.
void record(Queue* queue, Event* event);
// What is given to the queue from now on waits until the event, as it was recorded last, has been reached.
void wait(Queue* queue, Event* event);
void synchronize(Event* event);
double seconds_between(Event* first, Event* second);  // both are timed and have been reached
void destroy(Event* event) noexcept;

}  // namespace cuda
}  // namespace chainrule
