#include "backend/cuda/conversions.h"

#include <algorithm>

#include "backend/cuda/kernels/convert.h"

namespace chainrule {
namespace cuda {

namespace {

// The alignment of copies in scratch, in bytes.
constexpr int64_t alignment = 256;

bool same(const Factor& a, const Factor& b) {
  return a.operand.space == b.operand.space && a.operand.slot == b.operand.slot &&
         a.operand.offset == b.operand.offset && a.operand.row_stride == b.operand.row_stride &&
         a.operand.column_stride == b.operand.column_stride && a.rows == b.rows && a.columns == b.columns;
}

}  // namespace

Factor factor_of(const Step& product, int32_t which) {
  const bool transposed = which == 0 ? product.transposed_a : product.transposed_b;
  Factor factor{product.operands[1 + which], which == 0 ? product.rows : product.k,
                which == 0 ? product.k : product.columns};
  if (transposed) std::swap(factor.rows, factor.columns);
  return factor;
}

Conversions::Use Conversions::use(const Factor& factor, int32_t phase) {
  for (size_t i = 0; i < copies_.size(); ++i) {
    Copy& copy = copies_[i];
    if (!copy.valid || !same(copy.of, factor)) continue;
    copy.span.last = phase;
    return {static_cast<int32_t>(i), false};
  }
  const int64_t bytes =
      factor.rows * bfloat16_stride(factor.columns) * static_cast<int64_t>(sizeof(uint16_t));
  copies_.push_back({factor, {bytes, phase, phase}});
  return {static_cast<int32_t>(copies_.size()) - 1, true};
}

void Conversions::note_writes(const Step& step) {
  for (int32_t i = 0; i < max_operands; ++i) {
    if (!step.writes[i]) continue;
    const Operand& written = step.operands[i];
    for (Copy& copy : copies_) {
      const Operand& from = copy.of.operand;
      if (overlap(from, written)) copy.valid = false;
    }
  }
}

int64_t Conversions::place(int64_t begin) {
  struct CopySpan : Span {
    size_t copy;
  };
  std::vector<CopySpan> spans;
  for (size_t i = 0; i < copies_.size(); ++i) spans.push_back({copies_[i].span, i});
  begin = (begin + alignment - 1) / alignment * alignment;
  const int64_t bytes = first_fit(spans, alignment, INT64_MAX);
  for (const CopySpan& span : spans) copies_[span.copy].span.offset = begin + span.offset;
  return begin + bytes;
}

}  // namespace cuda
}  // namespace chainrule
