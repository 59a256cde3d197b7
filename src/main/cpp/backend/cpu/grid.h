// Cutting a domain into tiles.
#pragma once

#include <algorithm>
#include <cstdint>

#include "program/program.h"

namespace chainrule {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Cuts rows x columns into about `tiles` tiles along one side. Cuts between columns are at multiples of `unit`.
inline Grid cut(int64_t rows, int64_t columns, int64_t tiles, bool along_rows, int64_t unit = loss_block) {
  Grid grid{rows, columns, 1, 1};
  if (tiles < 2) return grid;
  if (along_rows) {
    grid.tile_rows = ceil_div(rows, std::min(tiles, rows));
    grid.row_tiles = ceil_div(rows, grid.tile_rows);
  } else {
    grid.tile_columns = ceil_div(ceil_div(columns, tiles), unit) * unit;
    grid.column_tiles = ceil_div(columns, grid.tile_columns);
  }
  return grid;
}

}  // namespace chainrule
