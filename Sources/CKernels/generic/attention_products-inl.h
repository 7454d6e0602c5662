// Products of rows with packed columns, which attention consists of: keys are the columns of one, the values'
// features those of the other. A backend may define, before it includes this header,
//
//   COG_ATTENTION_VECTORS       vectors of 16 columns whose sums the registers hold for COG_ATTENTION_TILE
//                               rows, 1 to 4; 1 unless it is defined
//   COG_INT16_PRODUCTS_16(sums, columns, pair)
//                               how its instructions add the products of a pair of int16 with the pairs of 16
//                               columns; or COG_INT16_PRODUCTS_8 or COG_INT16_PRODUCTS_4, of 8 or 4 columns
//
// A row is one of 32-bit numbers: floats, or pairs of int16, whose products are added as 32-bit integers.
// Packed columns are read from the first number to the last:
//
//   for each COG_ATTENTION_VECTORS vectors of 16 columns, the last of them perhaps fewer:
//     [number of the row][vector][16], zeros for columns that do not exist.

#ifndef COG_ATTENTION_PRODUCTS_INL_H
#define COG_ATTENTION_PRODUCTS_INL_H

#include "base-inl.h"
#include "panel_layout.h"

#ifndef COG_ATTENTION_VECTORS
#define COG_ATTENTION_VECTORS 1
#endif

_Static_assert(
    COG_ATTENTION_VECTORS >= 1 && COG_ATTENTION_VECTORS <= 4,
    "cog_multiply_packed has a case for each width");

enum {
  COG_ATTENTION_TILE = 6,  ///< rows that share a load of the columns
  COG_COLUMNS_TOGETHER = COG_ATTENTION_VECTORS * COG_LANES,
};

static inline size_t cog_vectors_of(size_t columns) { return (columns + COG_LANES - 1) / COG_LANES; }

/// Rows up to a whole tile.
static inline size_t cog_padded_rows(size_t rows) {
  return (rows + COG_ATTENTION_TILE - 1) / COG_ATTENTION_TILE * COG_ATTENTION_TILE;
}

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

/// Adds the products of a pair of int16 with the pairs of 16 columns; sums wrap.
COG_INLINE void cog_add_int16_products(cog_int_lanes *sums, const cog_int_lanes *columns, int32_t pair) {
#if defined(COG_INT16_PRODUCTS_16)
  *sums = COG_INT16_PRODUCTS_16(*sums, *columns, pair);
#elif defined(COG_INT16_PRODUCTS_8)
  sums->lo = COG_INT16_PRODUCTS_8(sums->lo, columns->lo, pair);
  sums->hi = COG_INT16_PRODUCTS_8(sums->hi, columns->hi, pair);
#elif defined(COG_INT16_PRODUCTS_4)
  sums->lo.lo = COG_INT16_PRODUCTS_4(sums->lo.lo, columns->lo.lo, pair);
  sums->lo.hi = COG_INT16_PRODUCTS_4(sums->lo.hi, columns->lo.hi, pair);
  sums->hi.lo = COG_INT16_PRODUCTS_4(sums->hi.lo, columns->hi.lo, pair);
  sums->hi.hi = COG_INT16_PRODUCTS_4(sums->hi.hi, columns->hi.hi, pair);
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
    cog_int_lanes *sums, const cog_int_lanes *columns, int32_t number, const bool are_int16) {
  if (are_int16) {
    cog_add_int16_products(sums, columns, number);
  } else {
    const cog_lanes factor = (cog_lanes)cog_float_of_bits((uint32_t)number);
    const cog_lanes sum = __builtin_elementwise_fma((cog_lanes)*columns, factor, (cog_lanes)*sums);
    *sums = (cog_int_lanes)sum;
  }
}

/// COG_ATTENTION_TILE rows and columns that lie together, and where their products go.
typedef struct CogColumnProduct {
  const int32_t *rows;
  size_t row_stride, depth;
  const int32_t *columns;
  int32_t *output;
  size_t output_stride;
} CogColumnProduct;

/// The products with `vectors` (a constant) vectors of columns.
COG_INLINE void cog_multiply_columns(CogColumnProduct product, const size_t vectors, const bool are_int16) {
  const int32_t *columns = product.columns;
  cog_int_lanes sums[COG_ATTENTION_TILE][COG_ATTENTION_VECTORS];
  COG_UNROLL for (size_t row = 0; row < COG_ATTENTION_TILE; row++) {
    COG_UNROLL for (size_t v = 0; v < vectors; v++)
      sums[row][v] = 0;
  }
  for (size_t i = 0; i < product.depth; i++, columns += vectors * COG_LANES) {
    COG_UNROLL for (size_t row = 0; row < COG_ATTENTION_TILE; row++) {
      int32_t number;
      memcpy(&number, product.rows + row * product.row_stride + i, sizeof number);
      COG_UNROLL for (size_t v = 0; v < vectors; v++) {
        cog_int_lanes column;
        memcpy(&column, columns + v * COG_LANES, sizeof column);
        cog_add_column_products(&sums[row][v], &column, number, are_int16);
      }
    }
  }
  COG_UNROLL for (size_t row = 0; row < COG_ATTENTION_TILE; row++) {
    memcpy(product.output + row * product.output_stride, sums[row], vectors * sizeof *sums[row]);
  }
}

/// output[row][column] = the products of all rows with the first `wanted` vectors of columns, and with what
/// lies together with the last of them.
COG_INLINE void cog_multiply_packed(
    CogAttentionRows rows, CogPackedColumns columns, size_t wanted, int32_t *output, size_t output_stride,
    const bool are_int16) {
  for (size_t first = 0; first < wanted; first += COG_ATTENTION_VECTORS) {
    const int32_t *together = (const int32_t *)columns.numbers + first * columns.depth * COG_LANES;
    for (size_t row = 0; row < rows.count; row += COG_ATTENTION_TILE) {
      const CogColumnProduct product = {
          (const int32_t *)rows.numbers + row * rows.stride, rows.stride,  rows.depth, together,
          output + row * output_stride + first * COG_LANES,  output_stride};
      switch (cog_part_size(first, COG_ATTENTION_VECTORS, columns.vectors)) {
        case 1: cog_multiply_columns(product, 1, are_int16); break;
#if COG_ATTENTION_VECTORS >= 2
        case 2: cog_multiply_columns(product, 2, are_int16); break;
#endif
#if COG_ATTENTION_VECTORS >= 3
        case 3: cog_multiply_columns(product, 3, are_int16); break;
#endif
#if COG_ATTENTION_VECTORS >= 4
        case 4: cog_multiply_columns(product, 4, are_int16); break;
#endif
        default: __builtin_unreachable();  // `wanted` is at most the columns' vectors
      }
    }
  }
}

COG_KERNEL __attribute__((noinline)) void cog_multiply_packed_floats(
    CogAttentionRows rows, CogPackedColumns columns, size_t wanted, float *output, size_t output_stride) {
  cog_multiply_packed(rows, columns, wanted, (int32_t *)output, output_stride, false);
}

/// Rows and columns are pairs of int16, products 32-bit integers.
COG_KERNEL __attribute__((noinline)) void cog_multiply_packed_int16(
    CogAttentionRows rows, CogPackedColumns columns, size_t wanted, int32_t *output, size_t output_stride) {
  cog_multiply_packed(rows, columns, wanted, output, output_stride, true);
}

#endif
