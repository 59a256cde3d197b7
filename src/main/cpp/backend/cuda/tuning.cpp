#include "backend/cuda/tuning.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>

#include "backend/cuda/engine.h"
#include "backend/cuda/kernels/convert.h"
#include "backend/cuda/product_text.h"
#include "util/check.h"
#include "util/random.h"

namespace chainrule {
namespace cuda {

namespace {

using Body = std::function<void()>;

constexpr int32_t rounds = 7;  // see median_seconds
// A graph repeats a body's work until it takes about this long, which is long compared with an event's resolution.
constexpr double graph_seconds = 500e-6;
constexpr int32_t most_runs = 64;

using OwnedQueue = std::unique_ptr<Queue, QueueDeleter>;
using OwnedGraph = std::unique_ptr<Graph, GraphDeleter>;
using OwnedEvent = std::unique_ptr<Event, EventDeleter>;

// Two measurements at once would include each other's work.
std::mutex& timing_mutex() {
  static std::mutex& instance = *new std::mutex;
  return instance;
}

OwnedGraph graph_of(Queue* queue, const Body& body, int32_t runs) {
  begin_capture(queue);
  try {
    for (int32_t i = 0; i < runs; ++i) body();
  } catch (...) {
    abandon_capture(queue);
    throw;
  }
  return OwnedGraph(end_capture(queue));
}

// Returns the time of the second run. The first one makes the device load the kernels.
double rough_seconds(Queue* queue, const Body& body) {
  const OwnedEvent before(make_event(true)), after(make_event(true));
  body();
  record(queue, before.get());
  body();
  record(queue, after.get());
  synchronize(queue);
  return seconds_between(before.get(), after.get());
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// ---- products

int64_t element_bytes(FactorType type) {
  return type == FactorType::float64 ? 8 : type == FactorType::bfloat16 ? 2 : 4;
}

// Fills a block with random values in [-1, 1). With zeros a device needs less power and can be faster.
void fill(Queue* queue, const Block& block, FactorType type) {
  constexpr int64_t piece = 1 << 20;
  std::vector<char> values(static_cast<size_t>(std::min(piece, block.bytes())));
  const int64_t size = element_bytes(type), count = static_cast<int64_t>(values.size()) / size;
  for (int64_t i = 0; i < count; ++i) {
    const double value = 2 * random_uniform(1, 0, static_cast<uint64_t>(i)) - 1;
    const float single = static_cast<float>(value);
    const uint16_t half = to_bfloat16(single);
    const void* from = size == 8   ? static_cast<const void*>(&value)
                       : size == 4 ? static_cast<const void*>(&single)
                                   : &half;
    std::memcpy(values.data() + i * size, from, static_cast<size_t>(size));
  }
  for (int64_t at = 0; at < block.bytes(); at += piece) {
    copy(queue, block.data() + at, values.data(), std::min(piece, block.bytes() - at));
  }
}

// Memory for the operands of one product shape.
class Operands {
 public:
  Operands(EngineMemory& memory, Queue* queue, const ProductShape& s)
      : queue_(queue),
        a_(memory, MemoryKind::device),
        b_(memory, MemoryKind::device),
        c_(memory, MemoryKind::device),
        workspace_(memory, MemoryKind::device),
        scalars_on_device_(memory, MemoryKind::device) {
    const bool is_double = s.factors == FactorType::float64;
    const int64_t size = element_bytes(s.factors), result_size = is_double ? 8 : 4;
    a_.reserve((s.transposed_a ? s.k * std::max(s.lda, s.m) : s.m * std::max(s.lda, s.k)) * size);
    b_.reserve((s.transposed_b ? s.n * std::max(s.ldb, s.k) : s.k * std::max(s.ldb, s.n)) * size);
    c_.reserve(s.m * std::max(s.ldc, s.n) * result_size);
    workspace_.reserve(Blas::workspace_bytes());
    scalars_on_device_.reserve(sizeof scalars_);
    fill(queue, a_, s.factors);
    fill(queue, b_, s.factors);
    fill(queue, c_, is_double ? FactorType::float64 : FactorType::float32);
    // α and β. A product that updates adds to C; α is small so that C stays finite. Most other products overwrite C.
    const double values[2] = {0x1p-10, s.scalars_on_device ? 1.0 : 0.0};
    for (int32_t i = 0; i < 2; ++i) {
      const float single = static_cast<float>(values[i]);
      std::memcpy(scalars_[i], is_double ? static_cast<const void*>(&values[i]) : &single,
                  static_cast<size_t>(result_size));
    }
    copy(queue, scalars_on_device_.data(), scalars_, sizeof scalars_);
    synchronize(queue);
  }

  Operands(const Operands&) = delete;
  Operands& operator=(const Operands&) = delete;

  void run(const Blas& blas, const Product& product) {
    const char* scalars = product.shape.scalars_on_device ? scalars_on_device_.data() : scalars_[0];
    blas.run(queue_, product, a_.data(), b_.data(), c_.data(), scalars, scalars + sizeof scalars_[0],
             workspace_.data());
  }

 private:
  Queue* const queue_;
  Block a_, b_, c_, workspace_, scalars_on_device_;
  alignas(8) char scalars_[2][8] = {};  // α, β

  // Waits for the queue before the blocks are freed, also if the constructor throws. As the last member it is destroyed
  // first.
  struct QueueWait {
    Queue* const queue;
    ~QueueWait() { finish(queue); }
  } queue_wait_{queue_};
};

}  // namespace

std::vector<double> median_seconds(Queue* queue, const std::vector<Body>& bodies) {
  const std::lock_guard<std::mutex> lock(timing_mutex());
  const size_t count = bodies.size();
  std::vector<int32_t> runs;
  std::vector<OwnedGraph> graphs;
  std::vector<OwnedEvent> events;
  for (const Body& body : bodies) {
    const double wanted = std::ceil(graph_seconds / std::max(rough_seconds(queue, body), 1e-9));
    runs.push_back(static_cast<int32_t>(std::min<double>(wanted, most_runs)));
    graphs.push_back(graph_of(queue, body, runs.back()));
    events.emplace_back(make_event(true));
  }
  events.emplace_back(make_event(true));
  std::vector<std::vector<double>> times(count);
  for (int32_t round = 0; round < rounds; ++round) {
    // This extra launch keeps the device busy while the host enqueues the rest, so that the device does not idle
    // between two events.
    launch(queue, graphs.front().get());
    for (size_t i = 0; i < count; ++i) {
      record(queue, events[i].get());
      launch(queue, graphs[i].get());
    }
    record(queue, events[count].get());
    synchronize(queue);
    for (size_t i = 0; i < count; ++i) {
      times[i].push_back(seconds_between(events[i].get(), events[i + 1].get()) / runs[i]);
    }
  }
  std::vector<double> medians;
  for (const std::vector<double>& all : times) medians.push_back(median(all));
  return medians;
}

std::vector<double> median_seconds(EngineMemory& memory, const Blas& blas,
                                   const std::vector<std::shared_ptr<Product>>& products) {
  const ProductShape& shape = products.front()->shape;
  try {
    const OwnedQueue queue(make_queue());
    Operands operands(memory, queue.get(), shape);
    std::vector<Body> bodies;
    for (const std::shared_ptr<Product>& product : products) {
      bodies.push_back([&, product] { operands.run(blas, *product); });
    }
    return median_seconds(queue.get(), bodies);
  } catch (const Error& error) {
    throw Error(message("tuning ", describe(shape), ": ", error.what()));
  }
}

}  // namespace cuda
}  // namespace chainrule
