// Rows to columns, 16 rows at a time.

#ifndef COG_TRANSPOSE_INL_H
#define COG_TRANSPOSE_INL_H

#include "base-inl.h"

/// One step of a perfect shuffle: neighbors of `a` and `b` come to lie side by side.
#define COG_INTERLEAVE_LOW(a, b)                                                                             \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define COG_INTERLEAVE_HIGH(a, b)                                                                            \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/// Writes 16 rows and columns as [column][row], columns `column_stride` apart: each of the four steps of a
/// perfect shuffle moves one bit of an element's column behind the bits of its row.
COG_KERNEL void cog_transpose_block(
    const float *restrict weights, size_t stride, float *restrict columns, size_t column_stride) {
  cog_lanes a[COG_LANES], b[COG_LANES];
  COG_UNROLL for (size_t r = 0; r < COG_LANES; r++)
    memcpy(&a[r], weights + r * stride, sizeof a[r]);
  COG_UNROLL for (size_t step = 0; step < 2; step++) {
    COG_UNROLL for (size_t i = 0; i < 8; i++) {
      b[2 * i] = COG_INTERLEAVE_LOW(a[i], a[i + 8]);
      b[2 * i + 1] = COG_INTERLEAVE_HIGH(a[i], a[i + 8]);
    }
    COG_UNROLL for (size_t i = 0; i < 8; i++) {
      a[2 * i] = COG_INTERLEAVE_LOW(b[i], b[i + 8]);
      a[2 * i + 1] = COG_INTERLEAVE_HIGH(b[i], b[i + 8]);
    }
  }
  COG_UNROLL for (size_t c = 0; c < COG_LANES; c++)
    memcpy(columns + c * column_stride, &a[c], sizeof a[c]);
}

/// The same for up to 16 rows and any number of columns; rows that do not exist are zeros.
COG_KERNEL void cog_transpose_rows(
    const float *restrict weights, size_t stride, size_t rows, size_t count, float *restrict columns,
    size_t column_stride) {
  size_t c = 0;
  for (; c + COG_LANES <= count && rows == COG_LANES; c += COG_LANES) {
    cog_transpose_block(weights + c, stride, columns + c * column_stride, column_stride);
  }
  for (; c < count; c++) {
    float column[COG_LANES] = {0};
    for (size_t r = 0; r < rows; r++) column[r] = weights[r * stride + c];
    memcpy(columns + c * column_stride, column, sizeof column);
  }
}

#endif
