#include "backend/cpu/scratch.h"

#include <cstdlib>
#include <memory>
#include <mutex>

#include "backend/cpu/kernels/tile_product.h"

namespace chainrule {

namespace {

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};
using Block = std::unique_ptr<char, Free>;

// Returns the block. Allocates it if there is none yet: after a failure the next call tries again.
char* get(Block& block, int64_t bytes) {
  if (block == nullptr) block.reset(static_cast<char*>(std::aligned_alloc(64, static_cast<size_t>(bytes))));
  return block.get();
}

std::mutex spare_in_use;
alignas(64) char spare[tile_scratch_bytes];

}  // namespace

float* panel_scratch() {
  thread_local Block block;
  return reinterpret_cast<float*>(get(block, tile_product_scratch));
}

TileScratch::TileScratch() {
  thread_local Block block;
  memory_ = get(block, tile_scratch_bytes);
  shared_ = memory_ == nullptr;
  if (!shared_) return;
  spare_in_use.lock();
  memory_ = spare;
}

TileScratch::~TileScratch() {
  if (shared_) spare_in_use.unlock();
}

}  // namespace chainrule
