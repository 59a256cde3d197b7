// Which algorithm computes a product: by the heuristic of the BLAS, or by timing what it proposes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/cuda/blas.h"

namespace chainrule {
namespace cuda {

class EngineMemory;

// The choices of one engine. Any number of threads.
class Products {
 public:
  explicit Products(EngineMemory& memory) : memory_(memory) {}

  // The product made ready, its algorithm chosen once for each shape. Without tuning it is the heuristic's first: nothing
  // is timed, so that the same card computes the same bits. Throws Error when there is none.
  std::shared_ptr<const Product> choose(const ProductShape& shape);

  void run(Queue* queue, const Product& product, const void* a, const void* b, void* c, const void* alpha,
           const void* beta, char* workspace) const {
    blas_.run(queue, product, a, b, c, alpha, beta, workspace);
  }
  static int64_t workspace_bytes() { return Blas::workspace_bytes(); }

  // From now on a shape's algorithm is the one that takes the least time here (tuning.h), or the one that `known` has for
  // it: lines as tuned() gives them. Error names a line that is none by its number, the first being first_line. An algorithm
  // that the heuristic does not propose again is not used, whatever it is: its shape is timed when a program has it.
  void tune(const std::string& known, int32_t first_line);

  // All choices of a tuned engine, a line each, for a file or for people; how many of them have been timed here.
  struct Tuned {
    std::string lines, for_people;
    int64_t timed = 0;
  };
  Tuned tuned() const;

 private:
  struct Less {
    bool operator()(const ProductShape& a, const ProductShape& b) const;
  };
  std::vector<Algorithm> candidates(const ProductShape& shape) const;
  std::shared_ptr<const Product> timed(const ProductShape& shape) const;

  EngineMemory& memory_;
  Blas blas_;
  mutable std::mutex mutex_;
  std::map<ProductShape, std::shared_ptr<const Product>, Less> chosen_;
  bool tuned_ = false;
  int64_t timed_ = 0;
};

}  // namespace cuda
}  // namespace chainrule
