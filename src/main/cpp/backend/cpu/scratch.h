// Scratch memory of each computing thread. A thread keeps its blocks until it ends. A panel is a strip of a factor of a
// matrix product, packed for the tile kernel (kernels/tile_product.cpp).
#pragma once

#include <cstdint>

namespace chainrule {

// Returns the calling thread's memory for the packed panels of a product, tile_product_scratch bytes. Returns null if
// it cannot be allocated.
float* panel_scratch();

// Part of a typical second-level cache. The rest of the cache is left for weights and panels.
constexpr int64_t tile_scratch_bytes = 640 * 1024;

// The memory for the values of a tile (Space::scratch), tile_scratch_bytes. If the thread's own block cannot be
// allocated, the constructor waits for the one block that all threads share, and the destructor releases it.
class TileScratch {
 public:
  TileScratch();
  ~TileScratch();
  TileScratch(const TileScratch&) = delete;
  TileScratch& operator=(const TileScratch&) = delete;

  char* memory() const { return memory_; }

 private:
  char* memory_;
  bool shared_;
};

}  // namespace chainrule
