// What a pool keeps and what it releases, and what happens when memory runs out, on a device whose memory can be
// limited.
#include "backend/cuda/memory.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
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

// Returns a network that is too wide for tiles of samples, so that it has more than one launch.
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

TEST(cuda_emulated_freed_memory_is_reused) {
  cuda::use(0);
  cuda::DevicePool pool(0, true);
  char* other = pool.allocate(100);
  char* first = pool.allocate(5000);
  const int64_t allocations = emulated_allocations();
  pool.release(first, 5000);
  for (int i = 0; i < 3; ++i) {
    char* again = pool.allocate(5000);
    CHECK(again == first);
    float value;
    std::memcpy(&value, again, sizeof value);
    CHECK(std::isnan(value));
    pool.release(again, 5000);
  }
  CHECK(emulated_allocations() == allocations);
  CHECK(emulated_unused_bytes() >= 5000);
  pool.release(other, 100);
}

// The test creates its own pool, so that no engine holds or frees any of its blocks.
TEST(cuda_emulated_a_pool_keeps_at_most_its_limit_when_the_last_block_is_freed) {
  cuda::use(0);
  constexpr int64_t most = cuda::DevicePool::kept_bytes, workspace = most / 8, large = most - workspace + 1;
  const int64_t held = emulated_bytes(), unused = emulated_unused_bytes();
  {
    cuda::DevicePool pool(0, true);
    for (int model = 0; model < 3; ++model) {
      const int64_t allocations = emulated_allocations();
      char *a = pool.allocate(workspace), *b = pool.allocate(1000);
      pool.release(a, workspace);
      pool.release(b, 1000);
      CHECK(emulated_unused_bytes() ==
            unused + workspace + 1000);  // for the next model, which then allocates nothing
      CHECK(emulated_allocations() == allocations + (model == 0 ? 2 : 0));
      CHECK(pool.available().free == pool.available().total - held - unused);
    }
    char *a = pool.allocate(large), *b = pool.allocate(workspace);
    pool.release(a, large);
    CHECK(emulated_unused_bytes() ==
          unused + 1000 + large);  // the pool keeps everything while a block is held
    pool.release(b, workspace);
    const int64_t kept = emulated_unused_bytes() - unused;
    CHECK(kept > 0 && kept <= most);
    CHECK(pool.available().free == pool.available().total - held - unused);
    // the pool also releases what it keeps before memory runs out
    limit_emulated_bytes(held + unused + workspace + 10);
    char* all = pool.allocate(workspace + 10);
    CHECK(emulated_unused_bytes() == unused);
    limit_emulated_bytes(all_bytes);
    pool.release(all, workspace + 10);
  }
  CHECK(emulated_bytes() == held &&
        emulated_unused_bytes() == unused);  // the destructor of the pool releases everything
}

TEST(cuda_emulated_small_pinned_blocks_are_parts_of_slabs) {
  cuda::use(0);
  using cuda::PinnedPool;
  const int64_t held = emulated_pinned_bytes(), allocations = emulated_pinned_allocations();
  {
    PinnedPool pool(true);
    const auto slabs = [&] { return (emulated_pinned_bytes() - held) / PinnedPool::slab_bytes; };
    // blocks of many sizes, freed in another order than they were allocated; no two may overlap
    const std::vector<int64_t> sizes = {1, 255, 256, 257, 512, 5000, 60000, PinnedPool::most_in_slab};
    std::vector<std::pair<char*, int64_t>> blocks;
    for (int round = 0; round < 6; ++round) {
      for (int i = 0; i < 24; ++i) {
        const int64_t bytes = sizes[static_cast<size_t>(i) % sizes.size()];
        char* block = pool.allocate(bytes);
        CHECK(reinterpret_cast<uintptr_t>(block) % 256 == 0);
        std::memset(block, i + 1, static_cast<size_t>(bytes));
        blocks.emplace_back(block, bytes);
      }
      for (size_t i = 0; i < blocks.size(); ++i) {
        const auto [block, bytes] = blocks[i];
        CHECK(std::count(block, block + bytes, static_cast<char>(i + 1)) == bytes);
      }
      for (size_t i = 0; i < blocks.size(); ++i) {
        const auto [block, bytes] = blocks[(7 * i + 3) % blocks.size()];
        pool.release(block, bytes);
      }
      blocks.clear();
      CHECK(slabs() == 1);  // one empty slab is kept for the next blocks
    }
    CHECK(emulated_pinned_allocations() - allocations <= 6);
    char* whole[8];
    for (char*& part : whole) part = pool.allocate(PinnedPool::most_in_slab);
    CHECK(slabs() == 1);
    for (char* part : whole) pool.release(part, PinnedPool::most_in_slab);
    const int64_t before = emulated_pinned_allocations();
    pool.release(pool.allocate(PinnedPool::most_in_slab + 1), PinnedPool::most_in_slab + 1);
    CHECK(emulated_pinned_allocations() == before + 1);  // a large block is allocated by CUDA directly
  }
  CHECK(emulated_pinned_bytes() == held);
  PinnedPool none(false);
  const int64_t before = emulated_pinned_allocations();
  for (int i = 0; i < 3; ++i) none.release(none.allocate(10), 10);
  CHECK(emulated_pinned_allocations() == before + 3 && emulated_pinned_bytes() == held);
}

TEST(cuda_emulated_threads_get_separate_pinned_blocks) {
  cuda::PinnedPool pool(true);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const char mine = static_cast<char>(t + 1);
      for (int round = 0; round < 300; ++round) {
        const int64_t sizes[] = {300 + round, 70000, 1 + t};
        char* blocks[3];
        for (int i = 0; i < 3; ++i) {
          blocks[i] = pool.allocate(sizes[i]);
          std::memset(blocks[i], mine, static_cast<size_t>(sizes[i]));
        }
        for (int i = 0; i < 3; ++i) {
          if (std::count(blocks[i], blocks[i] + sizes[i], mine) != sizes[i]) ++wrong;
          pool.release(blocks[i], sizes[i]);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

// Streams, trainers and predictors have a few small pinned blocks each, which are parts of slabs.
TEST(cuda_emulated_streams_allocate_few_pinned_blocks_from_the_device) {
  Backend& engine = *cuda_engine(CudaPrecision::float32);
  const GraphCase c = regression();
  const Values values = random_values(c.graph, 16, 3);
  PlanRun<float> first(c.graph, gradients(c), values, engine);
  first.step();
  const int64_t allocations = emulated_pinned_allocations(), host = engine.memory_bytes().host;
  std::vector<std::unique_ptr<PlanRun<float>>> runs;
  for (int i = 0; i < 40; ++i) {
    runs.push_back(std::make_unique<PlanRun<float>>(c.graph, gradients(c), values, engine));
    runs.back()->step();
  }
  CHECK(emulated_pinned_allocations() - allocations <= 1);
  CHECK(engine.memory_bytes().host >= host);
  runs.clear();
  CHECK(engine.memory_bytes().host == host);
}

TEST(cuda_emulated_unused_memory_of_a_pool_counts_as_free_and_is_released_when_needed) {
  cuda::use(0);
  cuda::DevicePool pool(0, true);
  char* held = pool.allocate(100);
  pool.release(pool.allocate(3000), 3000);
  pool.release(pool.allocate(4000), 4000);
  const int64_t elsewhere = emulated_bytes() + emulated_unused_bytes() - 100 - 7000;
  limit_emulated_bytes(elsewhere + 8000);
  CHECK(pool.available().free == 7900);
  CHECK_THROWS(pool.allocate(7901), "out of device memory: 7901 bytes were needed, and 7900 of");
  char* large = pool.allocate(7900);  // none of the unused blocks is large enough
  CHECK(pool.available().free == 0);
  CHECK_THROWS(pool.allocate(1), "out of device memory: 1 bytes were needed, and 0 of");
  pool.release(large, 7900);
  pool.release(held, 100);
  limit_emulated_bytes(all_bytes);
}

TEST(cuda_emulated_without_a_pool_every_block_is_allocated_from_the_device) {
  cuda::use(0);
  cuda::DevicePool pool(0, false);
  const int64_t unused = emulated_unused_bytes(), allocations = emulated_allocations(),
                held = emulated_bytes();
  for (int i = 0; i < 3; ++i) pool.release(pool.allocate(5000), 5000);
  CHECK(emulated_allocations() == allocations + 3);
  CHECK(emulated_unused_bytes() == unused && emulated_bytes() == held);
  limit_emulated_bytes(held + unused + 1000);
  CHECK_THROWS(pool.allocate(5000), "out of device memory: 5000 bytes were needed, and 1000 of");
  limit_emulated_bytes(all_bytes);
}

// Engines of one device share a pool. What one engine has freed is free for another, also for blocks of other sizes.
TEST(cuda_emulated_engines_of_a_device_share_free_memory) {
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
  CHECK(a->memory_bytes().total == all_bytes);
}

// When a run throws, all its work on the device has ended, so that its memory may be freed and reused.
TEST(cuda_emulated_no_work_is_pending_after_a_failed_run) {
  Backend& engine = *cuda_engine(CudaPrecision::float32);
  const GraphCase c = regression();
  const Values values = random_values(c.graph, 16, 3);
  for (int runs_before : {0, 1}) {  // outside a graph, and during capture
    PlanRun<float> run(c.graph, gradients(c), values, engine);
    for (int i = 0; i < runs_before; ++i) run.forward();
    fail_emulated_launch(0);
    CHECK_THROWS((run.forward(), 0), "the emulated device fails");
    CHECK(emulated_work_waiting() == 0);
    CHECK(std::isfinite(run.step()));
  }
}

// Streams are created and destroyed while others compute. No block may be reused too early.
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
