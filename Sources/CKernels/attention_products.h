// Products of rows with packed columns, which attention consists of: keys are the columns of one, the values'
// features those of the other. Compiled like elementwise.h, which must stand before it with activations.h.
// The including file may define COG_ATTENTION_VECTORS, the vectors of 16 columns whose sums the registers
// hold for COG_ATTENTION_TILE rows, and how its instruction set adds the products of shorts:
//
//   COG_SHORT_PRODUCTS_16(sums, columns, pair)   a register of 16 lanes; or
//   COG_SHORT_PRODUCTS_8, COG_SHORT_PRODUCTS_4   of 8 or 4 lanes
//
// A row is one of 32-bit numbers: floats, or pairs of shorts, which are 16-bit integers whose products are
// added as 32-bit ones. Packed columns are read from the first number to the last:
//
//   for each COG_ATTENTION_VECTORS vectors of 16 columns, the last of them perhaps fewer:
//     [number of the row][vector][16], zeros for columns that do not exist.

#ifndef COG_ATTENTION_VECTORS
#define COG_ATTENTION_VECTORS 1
#endif

enum {
  COG_ATTENTION_TILE = 6,  ///< rows that share a load of the columns
  COG_COLUMNS_TOGETHER = COG_ATTENTION_VECTORS * COG_LANES,
};

static inline size_t cog_vectors_of(size_t columns) { return (columns + COG_LANES - 1) / COG_LANES; }

/// Rows up to a whole tile.
static inline size_t cog_padded_rows(size_t rows) {
  return (rows + COG_ATTENTION_TILE - 1) / COG_ATTENTION_TILE * COG_ATTENTION_TILE;
}

typedef int32_t cog_8_int_lanes __attribute__((ext_vector_type(8)));

/// Rows to multiply: `count` of them, a multiple of COG_ATTENTION_TILE, with `depth` numbers each.
typedef struct CogAttentionRows {
  const void *numbers;
  size_t stride, count, depth;
} CogAttentionRows;

/// Columns packed for rows of `depth` numbers, at least as many as the rows have.
typedef struct CogPackedColumns {
  const void *numbers;
  size_t depth, vectors;
} CogPackedColumns;

/// Adds the products of a pair of shorts with the pairs of 16 columns; sums wrap.
COG_INLINE void cog_add_short_products(cog_int_lanes *sums, const cog_int_lanes *columns, int32_t pair) {
#if defined(COG_SHORT_PRODUCTS_16)
  *sums = COG_SHORT_PRODUCTS_16(*sums, *columns, pair);
#elif defined(COG_SHORT_PRODUCTS_8)
  sums->lo = COG_SHORT_PRODUCTS_8(sums->lo, columns->lo, pair);
  sums->hi = COG_SHORT_PRODUCTS_8(sums->hi, columns->hi, pair);
#elif defined(COG_SHORT_PRODUCTS_4)
  sums->lo.lo = COG_SHORT_PRODUCTS_4(sums->lo.lo, columns->lo.lo, pair);
  sums->lo.hi = COG_SHORT_PRODUCTS_4(sums->lo.hi, columns->lo.hi, pair);
  sums->hi.lo = COG_SHORT_PRODUCTS_4(sums->hi.lo, columns->hi.lo, pair);
  sums->hi.hi = COG_SHORT_PRODUCTS_4(sums->hi.hi, columns->hi.hi, pair);
#else
  for (size_t i = 0; i < COG_LANES; i++) {
    const int32_t column = (*columns)[i];
    const int32_t first = (int16_t)column * (int16_t)pair, second = (column >> 16) * (pair >> 16);
    (*sums)[i] = (int32_t)((uint32_t)(*sums)[i] + (uint32_t)first + (uint32_t)second);
  }
#endif
}

/// Adds the products of a number of a row, given by its bits, with those of 16 columns.
COG_INLINE void cog_add_column_products(
    cog_int_lanes *sums, const cog_int_lanes *columns, int32_t number, const bool are_shorts) {
  if (are_shorts) {
    cog_add_short_products(sums, columns, number);
  } else {
    const cog_lanes factor = (cog_lanes)cog_float_of_bits((uint32_t)number);
    const cog_lanes sum = __builtin_elementwise_fma((cog_lanes)*columns, factor, (cog_lanes)*sums);
    *sums = (cog_int_lanes)sum;
  }
}

/// The products of COG_ATTENTION_TILE rows with `vectors` (a constant) vectors of columns that lie together.
COG_INLINE void cog_multiply_columns(
    const int32_t *restrict rows, size_t row_stride, size_t depth, const int32_t *restrict columns,
    const size_t vectors, int32_t *restrict output, size_t output_stride, const bool are_shorts) {
  cog_int_lanes sums[COG_ATTENTION_TILE][COG_ATTENTION_VECTORS];
  COG_UNROLL for (size_t row = 0; row < COG_ATTENTION_TILE; row++) {
    COG_UNROLL for (size_t v = 0; v < vectors; v++)
      sums[row][v] = 0;
  }
  for (size_t i = 0; i < depth; i++, columns += vectors * COG_LANES) {
    COG_UNROLL for (size_t row = 0; row < COG_ATTENTION_TILE; row++) {
      int32_t number;
      memcpy(&number, rows + row * row_stride + i, sizeof number);
      COG_UNROLL for (size_t v = 0; v < vectors; v++) {
        cog_int_lanes column;
        memcpy(&column, columns + v * COG_LANES, sizeof column);
        cog_add_column_products(&sums[row][v], &column, number, are_shorts);
      }
    }
  }
  COG_UNROLL for (size_t row = 0; row < COG_ATTENTION_TILE; row++) {
    memcpy(output + row * output_stride, sums[row], vectors * sizeof *sums[row]);
  }
}

#define COG_COLUMNS_CASE(count)                                                                              \
  case count:                                                                                                \
    cog_multiply_columns(                                                                                    \
        numbers, rows.stride, rows.depth, together, count, place, output_stride, are_shorts);                \
    break;

/// output[row][column] = the products of all rows with the first `wanted` vectors of columns, and with what
/// lies together with the last of them.
COG_INLINE void cog_multiply_packed(
    CogAttentionRows rows, CogPackedColumns columns, size_t wanted, int32_t *restrict output,
    size_t output_stride, const bool are_shorts) {
  for (size_t first = 0; first < wanted; first += COG_ATTENTION_VECTORS) {
    const int32_t *together = (const int32_t *)columns.numbers + first * columns.depth * COG_LANES;
    for (size_t row = 0; row < rows.count; row += COG_ATTENTION_TILE) {
      const int32_t *numbers = (const int32_t *)rows.numbers + row * rows.stride;
      int32_t *place = output + row * output_stride + first * COG_LANES;
      switch (cog_part_size(first, COG_ATTENTION_VECTORS, columns.vectors)) {
        COG_COLUMNS_CASE(1)
#if COG_ATTENTION_VECTORS == 4
        COG_COLUMNS_CASE(2)
        COG_COLUMNS_CASE(3) COG_COLUMNS_CASE(4)
#endif
            default: break;
      }
    }
  }
}

#undef COG_COLUMNS_CASE

COG_KERNEL __attribute__((noinline)) void cog_multiply_packed_floats(
    CogAttentionRows rows, CogPackedColumns columns, size_t wanted, float *output, size_t output_stride) {
  cog_multiply_packed(rows, columns, wanted, (int32_t *)output, output_stride, false);
}

/// Rows and columns are pairs of shorts, products 32-bit integers.
COG_KERNEL __attribute__((noinline)) void cog_multiply_packed_shorts(
    CogAttentionRows rows, CogPackedColumns columns, size_t wanted, int32_t *output, size_t output_stride) {
  cog_multiply_packed(rows, columns, wanted, output, output_stride, true);
}
