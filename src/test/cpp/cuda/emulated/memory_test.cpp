// What a pool keeps and gives back, and what happens when memory runs out: on a device whose memory can be made less.
#include "backend/cuda/memory.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include "backend/cuda/proxy.h"
#include "cases.h"
#include "cuda/emulated/emulation.h"
#include "cuda/engines.h"
#include "harness.h"
#include "plan_run.h"

using namespace test;

namespace {

constexpr int64_t all_bytes = int64_t{1} << 34;

// Too wide for tiles of samples: more than one launch.
GraphCase regression() {
  Builder b;
  const int32_t f = b.layer(b.op(Op::tanh, {b.layer(b.input(20), 140)}), 10);
  const int32_t loss = b.op(Op::squared_error, {f, b.target(10)});
  return {"regression", std::move(b.graph), loss};
}

PlanRequest gradients(const GraphCase& c) {
  PlanRequest request;
  request.batch = 16;
  request.loss = c.loss;
  request.backward = true;
  return request;
}

}  // namespace

TEST(cuda_emulated_freed_memory_is_handed_out_again_and_goes_back_with_the_last_block) {
  cuda::use(0);
  cuda::DevicePool pool(0, true);
  char* other = pool.allocate(100);
  char* first = pool.allocate(5000);
  const int64_t asked = emulated_blocks_asked();
  pool.release(first, 5000);
  for (int i = 0; i < 3; ++i) {
    char* again = pool.allocate(5000);
    CHECK(again == first);
    float value;
    std::memcpy(&value, again, sizeof value);
    CHECK(std::isnan(value));
    pool.release(again, 5000);
  }
  CHECK(emulated_blocks_asked() == asked);
  CHECK(emulated_unused_bytes() >= 5000);
  const int64_t unused = emulated_unused_bytes();
  pool.release(other, 100);
  CHECK(emulated_unused_bytes() == unused - 5000);
}

TEST(cuda_emulated_what_a_pool_keeps_is_free_and_is_given_back_before_memory_runs_out) {
  cuda::use(0);
  cuda::DevicePool pool(0, true);
  char* held = pool.allocate(100);
  pool.release(pool.allocate(3000), 3000);
  pool.release(pool.allocate(4000), 4000);
  const int64_t elsewhere = emulated_bytes() + emulated_unused_bytes() - 100 - 7000;
  limit_emulated_bytes(elsewhere + 8000);
  CHECK(pool.available().free == 7900);
  CHECK_THROWS(pool.allocate(7901), "out of device memory: 7901 bytes were needed, and 7900 of");
  char* large = pool.allocate(7900);  // none of the blocks that were kept would have done
  CHECK(pool.available().free == 0);
  CHECK_THROWS(pool.allocate(1), "out of device memory: 1 bytes were needed, and 0 of");
  pool.release(large, 7900);
  pool.release(held, 100);
  limit_emulated_bytes(all_bytes);
}

TEST(cuda_emulated_without_a_pool_every_block_is_the_devices) {
  cuda::use(0);
  cuda::DevicePool pool(0, false);
  const int64_t unused = emulated_unused_bytes(), asked = emulated_blocks_asked(), held = emulated_bytes();
  for (int i = 0; i < 3; ++i) pool.release(pool.allocate(5000), 5000);
  CHECK(emulated_blocks_asked() == asked + 3);
  CHECK(emulated_unused_bytes() == unused && emulated_bytes() == held);
  limit_emulated_bytes(held + unused + 1000);
  CHECK_THROWS(pool.allocate(5000), "out of device memory: 5000 bytes were needed, and 1000 of");
  limit_emulated_bytes(all_bytes);
}

// Engines of one device have one pool: what one has freed another can use, whatever its size.
TEST(cuda_emulated_engines_of_a_device_share_what_is_free) {
  const auto a = open_cuda_engine(cuda_library(), 0, CudaPrecision::float32),
             b = open_cuda_engine(cuda_library(), 0, CudaPrecision::tf32);
  char* kept = a->allocate(1000);
  a->release(a->allocate(6000), 6000);
  limit_emulated_bytes(emulated_bytes() + emulated_unused_bytes());
  CHECK(b->memory_bytes().held == 0 && b->memory_bytes().free >= 6000);
  char* other = b->allocate(5500);
  CHECK(a->memory_bytes().held == 1000 && b->memory_bytes().held == 5500);
  limit_emulated_bytes(all_bytes);
  b->release(other, 5500);
  a->release(kept, 1000);
}

// A run that fails half way has ended when its caller hears of it: what it used may be freed, and be another's.
TEST(cuda_emulated_nothing_is_under_way_after_a_failed_run) {
  Backend& engine = *cuda_engine(CudaPrecision::float32);
  const GraphCase c = regression();
  const Values values = random_values(c.graph, 16, 3);
  for (int runs_before : {0, 1}) {  // by itself, and while it is captured
    PlanRun<float> run(c.graph, gradients(c), values, engine);
    for (int i = 0; i < runs_before; ++i) run.forward();
    fail_emulated_launch(0);
    CHECK_THROWS((run.forward(), 0), "the emulated device fails");
    CHECK(emulated_work_waiting() == 0);
    CHECK(std::isfinite(run.step()));
  }
}

// Streams come and go while others compute: no block is another's too early.
TEST(cuda_emulated_threads_free_and_allocate_while_others_compute) {
  Backend& engine = *cuda_engine(CudaPrecision::bfloat16);
  const GraphCase c = regression();
  const Values values = random_values(c.graph, 16, 3);
  PlanRun<float> once(c.graph, gradients(c), values, engine);
  const double expected = once.step();
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 6; ++round) {
        PlanRun<float> run(c.graph, gradients(c), values, engine);
        for (int step = 0; step < 3; ++step) {
          if (run.step() != expected) ++wrong;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}
