// Matrix products with the scheme of K. Goto and R. van de Geijn (ACM TOMS 34, 2008). A panel of op(A) is a strip of a
// few rows, a panel of op(B) is a strip of columns, two vectors wide. The micro-kernel multiplies two panels. The sums
// over a block of k stay in registers. The operands are packed (copied into contiguous panels) first, because rows at a
// stride of a power of two would evict each other from the cache. Each packed element of A is used n times, each packed
// element of B m times.
#include "backend/cpu/kernels/tile_product.h"

#include "backend/cpu/kernels/vector.h"
#include "backend/cpu/kernels/vector_product.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

#if CHAINRULE_HAS_VECTORS

namespace {

constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The registers hold panel_rows x 2 sums, two vectors of B and one of A.
#if defined(__AVX512F__)
constexpr int panel_rows = 14;
#else
constexpr int panel_rows = 6;
#endif
constexpr int64_t panel_columns = 2 * lanes;

constexpr int64_t depth_block = 256;                    // the largest part of k that is packed at a time
constexpr int64_t column_block = tile_product_columns;  // columns of B that are packed at a time
constexpr int64_t panels_block = 8;                     // panels of a transposed A that are packed at a time

// Layouts of a panel of A: element (i, p) is at i * row_stride + p * depth_stride.
struct
    ByRows {  // packed from the rows of A; packed rows are 17 cache lines apart and so in different cache sets
  static constexpr int64_t row_stride = depth_block + 16, depth_stride = 1;
};
struct ByDepth {  // packed from a transposed A
  static constexpr int64_t row_stride = 1, depth_stride = 16;
};
constexpr int64_t panel_size = panel_rows * ByRows::row_stride;

static_assert((depth_block * column_block + panels_block * depth_block * ByDepth::depth_stride + panel_size) *
                  4 <=
              tile_product_scratch);

struct Out {
  float* c;
  int64_t stride;
  int64_t columns;  // at most panel_columns
  float alpha, beta;
};

// Prefetches the rows of a large matrix that will be packed after this panel. It fetches them into the second-level
// cache, a few cache lines at a time, while the arithmetic continues.
struct Prefetch {
  const float* line = nullptr;
  int64_t left_in_row = 0;  // lines left in this row
  int64_t left = 0;         // lines left in total
  int64_t row_lines = 0;
  int64_t next_row = 0;        // distance from the end of a row to the next row, in floats
  int64_t lines_per_step = 0;  // lines per depth_step

  CHAINRULE_INLINE void fetch() {
    if (left <= 0) return;
    for (int64_t i = 0; i < lines_per_step; ++i) {
      __builtin_prefetch(line, 0, 2);
      line += 16;
      --left;
      if (--left_in_row == 0) {
        line += next_row;
        left_in_row = row_lines;
      }
    }
  }
};
constexpr int64_t depth_step = 4;  // values of k between two calls of fetch()

// Returns a prefetch of `count` rows of `width` floats. `steps` is the number of depth_steps until the rows are packed.
Prefetch prefetch_rows(const float* rows, int64_t stride, int64_t count, int64_t width, int64_t steps) {
  Prefetch prefetch;
  if (count <= 0 || steps <= 0) return prefetch;
  prefetch.row_lines = prefetch.left_in_row = ceil_div(width, 16);
  prefetch.line = rows;
  prefetch.left = count * prefetch.row_lines;
  prefetch.next_row = stride - 16 * prefetch.row_lines;
  prefetch.lines_per_step = ceil_div(prefetch.left, steps);
  return prefetch;
}

// Multiplies a panel of A, `Rows` rows high, by a panel of B, `Vectors` vectors wide, and writes the block of C.
template <int Rows, int Vectors, class Layout>
void micro(int64_t depth, const float* a, const float* b, int64_t b_stride, const Out& out,
           Prefetch& shared_prefetch) {
  Vector sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) sum[i][v] = zero();
  }
  const float* rows = out.c;
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i, rows += out.stride) {
    __builtin_prefetch(rows, 1);
    if (Vectors > 1 && lanes == 16) __builtin_prefetch(rows + lanes, 1);
  }
  Prefetch prefetch = shared_prefetch;  // a local copy, which stays in registers
  for (int64_t p = 0; p < depth; ++p) {
    if (p % depth_step == 0) prefetch.fetch();
    Vector right[Vectors];
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) right[v] = load(b + v * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const Vector left = spread(a + i * Layout::row_stride);
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) sum[i][v] = multiply_add(left, right[v], sum[i][v]);
    }
    a += Layout::depth_stride;
    b += b_stride;
  }
  shared_prefetch = prefetch;
  const Vector alpha = spread(&out.alpha), beta = spread(&out.beta);
  float* c = out.c;
  if (out.columns == Vectors * lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i, c += out.stride) {
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) {
        Vector value = multiply(alpha, sum[i][v]);
        if (out.beta != 0) value = multiply_add(beta, load(c + v * lanes), value);
        store(c + v * lanes, value);
      }
    }
    return;
  }
  const Mask mask = first(out.columns - (Vectors - 1) * lanes);
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i, c += out.stride) {
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) {
      Vector value = multiply(alpha, sum[i][v]);
      if (v + 1 < Vectors) {
        if (out.beta != 0) value = multiply_add(beta, load(c + v * lanes), value);
        store(c + v * lanes, value);
      } else {
        if (out.beta != 0) value = multiply_add(beta, load(c + v * lanes, mask), value);
        store(c + v * lanes, value, mask);
      }
    }
  }
}

using Micro = void (*)(int64_t, const float*, const float*, int64_t, const Out&, Prefetch&);

// The micro-kernels. micros[i] is for i + 1 rows.
template <int Vectors, class Layout>
constexpr Micro micros[panel_rows] = {
    micro<1, Vectors, Layout>,  micro<2, Vectors, Layout>,  micro<3, Vectors, Layout>,
    micro<4, Vectors, Layout>,  micro<5, Vectors, Layout>,  micro<6, Vectors, Layout>,
#if defined(__AVX512F__)
    micro<7, Vectors, Layout>,  micro<8, Vectors, Layout>,  micro<9, Vectors, Layout>,
    micro<10, Vectors, Layout>, micro<11, Vectors, Layout>, micro<12, Vectors, Layout>,
    micro<13, Vectors, Layout>, micro<14, Vectors, Layout>,
#endif
};

// Copies `count` floats.
CHAINRULE_INLINE void copy_row(float* to, const float* from, int64_t count) {
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(to + i, load(from + i));
  if (i < count) store(to + i, load(from + i, first(count - i)));
}

// Packs rows of A in ByRows layout.
void pack_rows(float* to, const float* a, int64_t stride, int64_t rows, int64_t depth) {
  for (int64_t i = 0; i < rows; ++i) copy_row(to + i * ByRows::row_stride, a + i * stride, depth);
}

// Packs several panels of a transposed A in ByDepth layout. A stored row of A belongs to one value of k. Panel q begins
// at row begins[q] of op(A).
void pack_panels(float* to, const float* a, int64_t stride, const int64_t* begins, int64_t panels,
                 int64_t depth) {
  for (int64_t p = 0; p < depth; ++p, a += stride) {
    float* out = to + p * ByDepth::depth_stride;
    for (int64_t q = 0; q < panels; ++q, out += depth_block * ByDepth::depth_stride) {
      store(out, load(a + (begins[q] - begins[0]), first(begins[q + 1] - begins[q])));
    }
  }
}

// Packs `columns` columns of B into panels. The last panel is padded with zeros.
void pack_columns(float* to, const float* b, int64_t stride, int64_t columns, int64_t depth) {
  const int64_t size = depth * panel_columns;
  for (int64_t p = 0; p < depth; ++p, b += stride, to += panel_columns) {
    float* out = to;
    int64_t j = 0;
    for (; j + panel_columns <= columns; j += panel_columns, out += size) {
      store(out, load(b + j));
      store(out + lanes, load(b + j + lanes));
    }
    if (j == columns) continue;
    store(out, load(b + j, first(columns - j)));
    store(out + lanes, load(b + j + lanes, first(columns - j - lanes)));
  }
}

// Packs a transposed B as pack_columns() packs a plain one. A stored row of B is a column of op(B).
void pack_transposed(float* to, const float* b, int64_t stride, int64_t columns, int64_t depth) {
  for (int64_t j = 0; j < columns; j += panel_columns, to += depth * panel_columns) {
    for (int64_t half = 0; half < panel_columns; half += lanes) {
      const int64_t rows = columns - j - half;
      const float* from = b + (j + half) * stride;
      for (int64_t p = 0; p < depth; p += lanes) {
        Vector square[lanes];
        const Mask mask = first(depth - p);
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) square[i] = i < rows ? load(from + i * stride + p, mask) : zero();
        transpose(square);
        const int64_t here = smaller(lanes, depth - p);
        float* out = to + p * panel_columns + half;
        if (here == lanes) {
#pragma GCC unroll 16
          for (int i = 0; i < lanes; ++i) store(out + i * panel_columns, square[i]);
        } else {
#pragma GCC unroll 16
          for (int i = 0; i < lanes; ++i) {
            if (i < here) store(out + i * panel_columns, square[i]);
          }
        }
      }
    }
  }
}

// A matrix of at least this many elements does not stay in a core's own cache from one step to the next.
constexpr int64_t prefetched_elements = 65536;

// B is packed if more panels of A than this use it. With fewer panels it is read in place.
constexpr int64_t max_panels_without_packing(int64_t depth) { return depth <= 64 ? 3 : 2; }

// Multiplies a panel of A by all panels of B. `tail` is the last, incomplete panel of B, which is always packed.
template <class Layout>
void run_panel(const float* a, int64_t rows, const float* b, int64_t b_stride, int64_t b_panel,
               const float* tail, int64_t columns, int64_t depth, Out out, Prefetch& prefetch) {
  const Micro two = micros<2, Layout>[rows - 1], one = micros<1, Layout>[rows - 1];
  int64_t j = 0;
  for (; j + panel_columns <= columns; j += panel_columns, b += b_panel, out.c += panel_columns) {
    out.columns = panel_columns;
    two(depth, a, b, b_stride, out, prefetch);
  }
  if (j == columns) return;
  out.columns = columns - j;
  (out.columns > lanes ? two : one)(depth, a, tail, panel_columns, out, prefetch);
}

void compute(const ProductTile& t, float* scratch, PartDone done, void* argument) {
  if (t.kind != ProductTile::matrix) {
    if (t.kind == ProductTile::column) {
      (t.transposed_a ? multiply_columns : multiply_rows)(t.m, t.k, t.a, t.a_stride, t.b,
                                                          {t.c, t.c_stride, t.alpha, t.beta});
    } else {
      (t.transposed_b ? multiply_rows : multiply_columns)(t.n, t.k, t.b, t.b_stride, t.a,
                                                          {t.c, 1, t.alpha, t.beta});
    }
    if (done != nullptr) done(argument, {0, t.m, 0, t.n});
    return;
  }
  float* const packed_b = scratch;
  float* const packed_a = packed_b + depth_block * column_block;
  const int64_t panels = ceil_div(t.m, panel_rows);
  // The panels have about equal heights, so that the last one is not nearly empty.
  const auto begin_of = [&](int64_t panel) { return panel * t.m / panels; };
  const bool prefetch_a = t.m * t.k >= prefetched_elements;
  const bool direct = !t.transposed_b && panels <= max_panels_without_packing(t.k);
  const int64_t blocks = ceil_div(t.k, depth_block);
  for (int64_t column = 0; column < t.n; column += column_block) {
    const int64_t columns = smaller(column_block, t.n - column);
    const int64_t whole = columns / panel_columns * panel_columns;
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t first_k = block * t.k / blocks, depth = (block + 1) * t.k / blocks - first_k;
      const float* b = t.b + (t.transposed_b ? column * t.b_stride + first_k : first_k * t.b_stride + column);
      if (t.transposed_b) {
        pack_transposed(packed_b, b, t.b_stride, columns, depth);
      } else if (!direct) {
        pack_columns(packed_b, b, t.b_stride, columns, depth);
      } else if (whole < columns) {
        pack_columns(packed_b, b + whole, t.b_stride, columns - whole, depth);
      }
      const float* tail = direct ? packed_b : packed_b + whole * depth;
      const float* right = direct ? b : packed_b;
      const int64_t right_stride = direct ? t.b_stride : panel_columns;
      const int64_t right_panel = direct ? panel_columns : depth * panel_columns;
      const bool last = block + 1 == blocks;
      const int64_t next_depth = last ? 0 : (block + 2) * t.k / blocks - first_k - depth;
      const int64_t panel_steps = ceil_div(columns, panel_columns) * ceil_div(depth, depth_step);
      Prefetch prefetch;
      for (int64_t panel = 0; panel < panels; ++panel) {
        const int64_t begin = begin_of(panel), rows = begin_of(panel + 1) - begin;
        const Out out{t.c + begin * t.c_stride + column, t.c_stride, 0, t.alpha, block == 0 ? t.beta : 1};
        if (t.transposed_a) {
          const int64_t in_block = panel % panels_block;
          if (in_block == 0) {
            int64_t begins[panels_block + 1];
            const int64_t count = smaller(panels_block, panels - panel);
            for (int64_t q = 0; q <= count; ++q) begins[q] = begin_of(panel + q);
            pack_panels(packed_a, t.a + first_k * t.a_stride + begin, t.a_stride, begins, count, depth);
            const int64_t next = begin_of(smaller(panel + count, panels));
            const int64_t width = begin_of(smaller(panel + 2 * count, panels)) - next;
            if (prefetch_a) {
              prefetch = width > 0
                             ? prefetch_rows(t.a + first_k * t.a_stride + next, t.a_stride, depth, width,
                                             count * panel_steps)
                             : prefetch_rows(t.a + (first_k + depth) * t.a_stride, t.a_stride, next_depth,
                                             begin_of(smaller(panels_block, panels)), count * panel_steps);
            }
          }
          run_panel<ByDepth>(packed_a + in_block * depth_block * ByDepth::depth_stride, rows, right,
                             right_stride, right_panel, tail, columns, depth, out, prefetch);
        } else {
          pack_rows(packed_a, t.a + begin * t.a_stride + first_k, t.a_stride, rows, depth);
          if (prefetch_a) {
            prefetch = panel + 1 < panels
                           ? prefetch_rows(t.a + (begin + rows) * t.a_stride + first_k, t.a_stride,
                                           begin_of(panel + 2) - begin - rows, depth, panel_steps)
                           : prefetch_rows(t.a + first_k + depth, t.a_stride,
                                           next_depth > 0 ? begin_of(1) : 0, next_depth, panel_steps);
          }
          run_panel<ByRows>(packed_a, rows, right, right_stride, right_panel, tail, columns, depth, out,
                            prefetch);
        }
        if (last && done != nullptr) done(argument, {begin, begin + rows, column, column + columns});
      }
    }
  }
}

}  // namespace

TileProduct tile_product() { return compute; }

#else

TileProduct tile_product() { return nullptr; }

#endif

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
