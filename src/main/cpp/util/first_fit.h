// Assigns offsets in one block of memory to buffers that are used at different times.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace chainrule {

// A buffer that is used from time `first` to time `last`, both included, and its offset.
struct Span {
  int64_t bytes;
  int32_t first, last;
  int64_t offset = 0;
};

// Assigns each span the first offset at which it fits, the largest spans first. Two spans share memory only if they are
// not used at the same time. Rounds the sizes up to multiples of `alignment`, so that the offsets are also multiples of
// `alignment`. Removes spans that would end beyond `limit`. Reorders `spans` by offset. Returns the total size in
// bytes.
template <class Kind>
int64_t first_fit(std::vector<Kind>& spans, int64_t alignment, int64_t limit) {
  std::stable_sort(spans.begin(), spans.end(),
                   [](const Span& a, const Span& b) { return a.bytes > b.bytes; });
  std::vector<Kind> placed;  // by offset
  int64_t total = 0;
  for (Kind& span : spans) {
    span.bytes = (span.bytes + alignment - 1) / alignment * alignment;
    for (const Span& other : placed) {
      if (other.last < span.first || span.last < other.first) continue;
      if (span.offset + span.bytes <= other.offset) break;
      span.offset = std::max(span.offset, other.offset + other.bytes);
    }
    if (span.offset + span.bytes > limit) continue;
    total = std::max(total, span.offset + span.bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), span,
                                   [](const Span& a, const Span& b) { return a.offset < b.offset; }),
                  span);
  }
  spans = std::move(placed);
  return total;
}

}  // namespace chainrule
