// Memory that each thread that computes has for itself, until it ends.
#pragma once

#include <cstdint>

namespace chainrule {

// For the copied panels of a product (tile_product_scratch bytes); null when there is none to be had.
float* panel_scratch();

// A share of the second-level cache, with room left for weights and panels.
constexpr int64_t tile_scratch_bytes = 640 * 1024;

// For the values of a tile (Space::scratch), tile_scratch_bytes. A thread that gets none waits here for a block that all
// share.
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
