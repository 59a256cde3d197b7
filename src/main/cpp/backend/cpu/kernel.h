// The type of the functions that compute a step on a part of its domain.
#pragma once

#include "backend/backend.h"

namespace chainrule {

// The rectangle of a domain that a kernel computes. The ends are excluded.
struct Rect {
  int64_t row_begin, row_end, column_begin, column_end;
};

using Kernel = void (*)(const Step& step, const Context& context, const Rect& rect);

}  // namespace chainrule
