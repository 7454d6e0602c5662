// The weights of one group of 16 rows, with the rows in the lanes. Compiled like elementwise.h; panels.h must
// stand before it.

/// The weights of one group of a panel, [column][row]; rows and columns that do not exist are zero.
typedef struct CogTile {
  float weights[COG_LARGEST_GROUP][COG_PANEL_ROWS];
  size_t columns;  ///< columns of the group, padding included
} CogTile;

/// One step of a perfect shuffle: neighbors of `a` and `b` come to lie side by side.
#define COG_INTERLEAVE_LOW(a, b)                                                                             \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define COG_INTERLEAVE_HIGH(a, b)                                                                            \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/// Writes 16 rows and columns as [column][row], columns `column_stride` apart: each of the four steps of a
/// perfect shuffle moves one bit of an element's column behind the bits of its row.
COG_KERNEL void cog_transpose_block(
    const float *restrict weights, size_t stride, float *restrict columns, size_t column_stride) {
  cog_lanes a[COG_PANEL_ROWS], b[COG_PANEL_ROWS];
  COG_UNROLL for (size_t r = 0; r < COG_PANEL_ROWS; r++)
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
  COG_UNROLL for (size_t c = 0; c < COG_PANEL_ROWS; c++)
    memcpy(columns + c * column_stride, &a[c], sizeof a[c]);
}

/// The same for up to 16 rows and any number of columns; rows that do not exist are zeros.
COG_KERNEL void cog_transpose_rows(
    const float *restrict weights, size_t stride, size_t rows, size_t count, float *restrict columns,
    size_t column_stride) {
  size_t c = 0;
  for (; c + COG_PANEL_ROWS <= count && rows == COG_PANEL_ROWS; c += COG_PANEL_ROWS) {
    cog_transpose_block(weights + c, stride, columns + c * column_stride, column_stride);
  }
  for (; c < count; c++) {
    float column[COG_PANEL_ROWS] = {0};
    for (size_t r = 0; r < rows; r++) column[r] = weights[r * stride + c];
    memcpy(columns + c * column_stride, column, sizeof column);
  }
}

/// Copies the columns from `first` on of `rows` rows, of which `columns` exist.
COG_KERNEL void cog_load_tile(
    CogTile *restrict tile, const float *restrict weights, size_t stride, size_t rows, size_t columns,
    size_t first) {
  const size_t existing = cog_part_size(first, tile->columns, columns);
  cog_transpose_rows(weights + first, stride, rows, existing, tile->weights[0], COG_PANEL_ROWS);
  memset(tile->weights[existing], 0, (tile->columns - existing) * sizeof tile->weights[0]);
}
