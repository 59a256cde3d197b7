// Memory of the emulated device. It is filled with NaN when it is allocated and when it is freed. A pool reuses the
// block of the requested size that was freed last, and fills it with NaN when the queue runs the allocation. Work that
// does not wait for the allocation loses what it wrote. Under the address sanitizer, unused blocks of a pool must not
// be accessed.
#include "cuda/emulated/memory.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "backend/cuda/launch.h"
#include "cuda/emulated/emulation.h"
#include "util/sanitizer.h"

namespace chainrule {
namespace cuda {

struct Pool {
  std::vector<std::pair<char*, int64_t>> unused;  // in the order in which they were freed
  int64_t held = 0;
};

namespace {

// Blocks by address, with their sizes.
struct Blocks {
  std::map<const char*, int64_t> held;
  int64_t bytes = 0;

  void add(char* memory, int64_t size) {
    poison(memory, static_cast<size_t>(size));
    held[memory] = size;
    bytes += size;
  }

  int64_t remove(const char* memory) {
    const auto found = held.find(memory);
    if (found == held.end()) std::abort();  // freed twice, or never allocated
    const int64_t size = found->second;
    bytes -= size;
    held.erase(found);
    return size;
  }

  bool contain(const void* address) {
    const char* at = static_cast<const char*>(address);
    auto next = held.upper_bound(at);
    if (next == held.begin()) return false;
    --next;
    return at < next->first + next->second;
  }
};

struct Memory {
  std::mutex mutex;
  Blocks device, pinned;
  std::set<Pool*> pools;
  int64_t limit = int64_t{1} << 34;
  int64_t allocations = 0,
          pinned_allocations = 0;  // Blocks allocated so far, without those that a pool reused.

  int64_t unused() const {
    int64_t bytes = 0;
    for (const Pool* pool : pools) bytes += unused_in(*pool);
    return bytes;
  }
  static int64_t unused_in(const Pool& pool) {
    int64_t bytes = 0;
    for (const auto& block : pool.unused) bytes += block.second;
    return bytes;
  }
  static void trim(Pool* pool, int64_t keep) {
    while (!pool->unused.empty() && pool->held + unused_in(*pool) > keep) {
      const auto [memory, bytes] = pool->unused.front();
      pool->unused.erase(pool->unused.begin());
      allow(memory, bytes, true);
      std::free(memory);
    }
  }
};

Memory& memory() {
  static Memory& all = *new Memory;
  return all;
}

// Returns a block aligned to 256 bytes like those of the CUDA runtime. It has exactly `bytes` bytes, so that the
// address sanitizer detects an overrun.
char* aligned(int64_t bytes) {
  void* block = nullptr;
  if (posix_memalign(&block, 256, static_cast<size_t>(bytes)) != 0) throw Error("out of memory");
  return static_cast<char*>(block);
}

}  // namespace

bool pageable(const void* address) {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  return !memory().device.contain(address) && !memory().pinned.contain(address);
}

Pool* make_pool(int32_t) {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  return *memory().pools.insert(new Pool).first;
}

void destroy(Pool* pool) noexcept {
  if (pool == nullptr) return;
  const std::lock_guard<std::mutex> lock(memory().mutex);
  Memory::trim(pool, 0);
  memory().pools.erase(pool);
  delete pool;
}

int64_t unused_bytes(Pool* pool) {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  return Memory::unused_in(*pool);
}

void trim(Pool* pool, int64_t keep) {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  Memory::trim(pool, keep);
}

char* allocate_device(Pool* pool, Queue* queue, int64_t bytes) {
  require_device();
  const std::lock_guard<std::mutex> lock(memory().mutex);
  Memory& all = memory();
  char* block = nullptr;
  for (size_t i = pool == nullptr ? 0 : pool->unused.size(); i-- > 0 && block == nullptr;) {
    if (pool->unused[i].second != bytes) continue;
    block = pool->unused[i].first;
    pool->unused.erase(pool->unused.begin() + static_cast<std::ptrdiff_t>(i));
    allow(block, bytes, true);
  }
  if (block == nullptr) {
    if (bytes > all.limit - all.device.bytes - all.unused()) return nullptr;
    block = aligned(bytes);
    ++all.allocations;
  }
  all.device.add(block, bytes);
  if (pool != nullptr) pool->held += bytes;
  if (pool != nullptr) submit(queue, [block, bytes] { poison(block, static_cast<size_t>(bytes)); });
  return block;
}

void release_device(Pool* pool, Queue*, char* block) noexcept {
  if (block == nullptr) return;
  const std::lock_guard<std::mutex> lock(memory().mutex);
  const int64_t bytes = memory().device.remove(block);
  poison(block, static_cast<size_t>(bytes));
  if (pool == nullptr) return std::free(block);
  pool->held -= bytes;
  pool->unused.emplace_back(block, bytes);
  allow(block, bytes, false);
}

char* allocate_pinned(int64_t bytes) {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  char* block = aligned(bytes);
  memory().pinned.add(block, bytes);
  ++memory().pinned_allocations;
  return block;
}

void release_pinned(char* block) noexcept {
  if (block == nullptr) return;
  const std::lock_guard<std::mutex> lock(memory().mutex);
  memory().pinned.remove(block);
  std::free(block);
}

DeviceBytes device_bytes() {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  return {memory().limit - memory().device.bytes - memory().unused(), memory().limit};
}

}  // namespace cuda
}  // namespace chainrule

namespace test {

using chainrule::cuda::memory;

int64_t emulated_bytes() {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  return memory().device.bytes;
}
int64_t emulated_unused_bytes() {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  return memory().unused();
}
int64_t emulated_allocations() {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  return memory().allocations;
}
int64_t emulated_pinned_bytes() {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  return memory().pinned.bytes;
}
int64_t emulated_pinned_allocations() {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  return memory().pinned_allocations;
}
void limit_emulated_bytes(int64_t bytes) {
  const std::lock_guard<std::mutex> lock(memory().mutex);
  memory().limit = bytes;
}

}  // namespace test
