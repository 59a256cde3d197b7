#include "backend/cuda/probe.h"

#include <memory>
#include <vector>

#include "backend/cuda/engine.h"
#include "backend/cuda/kernels/tile.h"

namespace chainrule {
namespace cuda {

namespace {

// A kernel that writes the values of its parameter to `to`. Address and guard are among the first bytes of the
// parameter, which every launch can pass.
struct Echo {
  static constexpr int threads = 32, phases = 1;
  using Shared = None;
  using Local = None;

  static constexpr int32_t count = (tile::parameter_bytes - 16) / sizeof(uint32_t);

  uint32_t* to;
  uint64_t guard;  // the complement of the address
  uint32_t values[count];

  Echo(char* place, uint32_t seed)
      : to(reinterpret_cast<uint32_t*>(place)), guard(~reinterpret_cast<uint64_t>(place)) {
    for (int32_t i = 0; i < count; ++i) values[i] = (seed + static_cast<uint32_t>(i)) * 2654435761u;
  }

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    if (reinterpret_cast<uint64_t>(to) != ~guard) return;
    for (int32_t i = at.thread; i < count; i += threads) to[i] = values[i];
  }
};
static_assert(sizeof(Echo) == tile::parameter_bytes);

// Returns true if the kernel has written the values that were sent.
bool arrived(Queue* queue, const Echo& sent) {
  std::vector<uint32_t> got(Echo::count);
  copy(queue, got.data(), sent.to, sizeof sent.values);
  synchronize(queue);
  return std::equal(got.begin(), got.end(), sent.values);
}

}  // namespace

bool large_parameters_work(int32_t device) {
  EngineMemory memory(device);  // separate, so that the probe is not part of an engine's statistics
  const std::unique_ptr<Queue, QueueDeleter> queue(make_queue());
  Block block(memory, MemoryKind::device);
  constexpr int64_t loss_bytes = 256;
  block.reserve(loss_bytes + static_cast<int64_t>(sizeof(Arguments) + sizeof(Echo::values)));
  char* const place = block.data() + loss_bytes + sizeof(Arguments);
  bool work = false, capturing = false;
  try {
    zero(queue.get(), block.data(), block.bytes());
    const Echo alone(place, 1), conditional(place, 2);
    launch(queue.get(), 1, alone);  // loads the kernel before the capture
    if (arrived(queue.get(), alone)) {
      begin_capture(queue.get());
      capturing = true;
      begin_if_trains(queue.get(), LossCheck{block.data(), DType::float64,
                                             reinterpret_cast<Arguments*>(block.data() + loss_bytes)});
      launch(queue.get(), 1, conditional);
      end_if(queue.get());
      capturing = false;
      const std::unique_ptr<Graph, GraphDeleter> graph(end_capture(queue.get()));
      launch(queue.get(), graph.get());
      work = arrived(queue.get(), conditional);
    }
  } catch (const Error&) {
    if (capturing) abandon_capture(queue.get());
  }
  finish(queue.get());
  return work;
}

}  // namespace cuda
}  // namespace chainrule
