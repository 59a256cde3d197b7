// Chooses the algorithm of each product: by the BLAS's heuristic, or by timing the algorithms that it proposes.
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

// The choices of one engine. Thread-safe.
class Products {
 public:
  explicit Products(EngineMemory& memory) : memory_(memory) {}

  // Returns the product of the shape. Its algorithm is chosen once per shape. Without tuning it is the heuristic's
  // first algorithm, and nothing is timed, so that the same card computes the same bits. Throws Error if there is no
  // algorithm.
  std::shared_ptr<const Product> choose(const ProductShape& shape);

  void run(Queue* queue, const Product& product, const void* a, const void* b, void* c, const void* alpha,
           const void* beta, char* workspace) const {
    blas_.run(queue, product, a, b, c, alpha, beta, workspace);
  }
  static int64_t workspace_bytes() { return Blas::workspace_bytes(); }

  // Turns tuning on. From now on the algorithm of a shape is the one in `known`, or the fastest of the proposed
  // algorithms by measurement (tuning.h). `known` has lines as tuned() returns them. Ignores a line whose algorithm the
  // heuristic does not propose again; the shape of that line is timed when a program uses it. Throws Error if a line
  // cannot be parsed. The message has the line's number; the first line has number first_line.
  void tune(const std::string& known, int32_t first_line);

  // All choices of a tuned engine, one line per product.
  struct Tuned {
    std::string lines, for_people;  // for the tuning file, for output
    int64_t timed = 0;              // products that this engine has timed
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
