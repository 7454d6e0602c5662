// What products on tiles (tiled-inl.h) read: activations, expanded weights, and the sizes of the tiles.

#ifndef COG_TILED_OPERANDS_INL_H
#define COG_TILED_OPERANDS_INL_H

#include "../generic/activations-inl.h"
#include "../generic/panels-inl.h"
#include "tile_shapes.h"

enum {
  COG_TILED_TOKENS = COG_TILE_ROWS,
  /// Columns whose activations stay in the first-level cache while the panels of a block pass.
  COG_TILED_COLUMNS = 1024,
  COG_TILED_MOST_GROUPS = COG_TILED_COLUMNS / 32,
  COG_TILED_PANELS = 16,  ///< of a block
  COG_TILED_MOST_ZERO = 15,
  /// Tokens that are worth expanding the weights for.
  COG_MANY_TILED_TOKENS = 32,
};

/// The tiles: two of tokens, two of rows, and the sums of each pair of them.
enum { SUMS_00, SUMS_01, SUMS_10, SUMS_11, TOKENS_0, TOKENS_1, ROWS_0, ROWS_1 };

/// A block's scratch memory, aligned to 64 bytes.
typedef struct CogTiledScratch {
  cog_lanes scales[COG_TILED_PANELS][COG_TILED_MOST_GROUPS];
  /// What zero points have above COG_TILED_MOST_ZERO, which no weight that is written by the format has.
  cog_int_lanes offsets[COG_TILED_PANELS][COG_TILED_MOST_GROUPS];
  bool has_offsets[COG_TILED_PANELS];
  /// [column / 4][row][4]: int4 expanded, or a short last group with zeros behind it.
  int8_t weights[COG_TILED_PANELS][COG_TILED_COLUMNS * COG_PANEL_ROWS];
} CogTiledScratch;

/// Some groups of some panels.
typedef struct CogTiledBlock {
  const CogPanelMatrix *matrix;
  size_t first_panel, end_panel;
  size_t first_group, end_group;
  const CogTiledScratch *scratch;
} CogTiledBlock;

// MARK: Activations

/// As [token][column], with zeros behind a short group's last column: a tile's values are in front of its
/// scales.
COG_INLINE void cog_store_tiled_group(
    const CogActivationGroup *source, size_t count, CogTileGroupTarget target, size_t token, size_t tokens) {
  const size_t group_size = (size_t)((int8_t *)target.scales - target.values) / tokens;
  (void)count;
  memcpy(target.values + token * group_size, source->values, group_size);
  target.scales[token] = source->scale;
  target.sums[token] = source->sum;
}

COG_KERNEL void cog_quantize_tiled_activations(
    const float *restrict x, size_t stride, size_t tokens, size_t columns, size_t padded_columns,
    size_t group_size, void *restrict tile) {
  cog_quantize_tile(x, stride, tokens, columns, padded_columns, group_size, tile, cog_store_tiled_group);
}

// MARK: Weights

typedef uint8_t cog_line __attribute__((ext_vector_type(COG_LINE_BYTES), aligned(1)));

/// Expands a group of int4 weights, less their zero points as far as bytes have room for them; the rest goes
/// into `offsets` [row]. Whether there is any.
COG_KERNEL bool cog_expand_tiled_group(
    const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, int8_t *weights, int32_t *offsets) {
  const uint8_t *line = panel + cog_lines_offset(matrix, group, true);
  const uint8_t *row_zeros = panel + cog_zeros_offset(matrix, group);
  uint8_t bytes[COG_LINE_BYTES];
  int32_t all_offsets = 0;
  for (size_t row = 0; row < COG_PANEL_ROWS; row++) {
    const uint8_t zero = row_zeros[row] < COG_TILED_MOST_ZERO ? row_zeros[row] : COG_TILED_MOST_ZERO;
    memset(bytes + 4 * row, zero, 4);
    offsets[row] = row_zeros[row] - zero;
    all_offsets |= offsets[row];
  }
  cog_line zeros;
  memcpy(&zeros, bytes, sizeof zeros);
  const size_t lines = cog_group_columns(matrix, group) / 8;
  for (size_t i = 0; i < lines; i++, line += COG_LINE_BYTES, weights += 2 * COG_LINE_BYTES) {
    cog_line both;
    memcpy(&both, line, sizeof both);
    const cog_line low = (both & 15) - zeros, high = (both >> 4) - zeros;
    memcpy(weights, &low, sizeof low);
    memcpy(weights + COG_LINE_BYTES, &high, sizeof high);
  }
  memset(weights, 0, matrix->group_size * COG_PANEL_ROWS - lines * 2 * COG_LINE_BYTES);
  return all_offsets != 0;
}

/// Whether a group's weights are multiplied where they lie: those of whole groups of int8.
COG_INLINE bool cog_is_multiplied_in_place(const CogPanelMatrix *matrix, const bool is_int4, size_t group) {
  return !is_int4 && (group + 1) * matrix->group_size <= matrix->padded_columns;
}

/// Copies a short group of int8, with zeros behind it.
COG_KERNEL void cog_copy_tiled_group(
    const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, int8_t *weights) {
  const size_t bytes = cog_group_columns(matrix, group) * COG_PANEL_ROWS;
  memcpy(weights, panel + cog_lines_offset(matrix, group, false), bytes);
  memset(weights + bytes, 0, matrix->group_size * COG_PANEL_ROWS - bytes);
}

/// Fills the scratch memory of a block.
COG_KERNEL void cog_expand_tiled_block(const CogTiledBlock *block, CogTiledScratch *scratch) {
  const CogPanelMatrix *matrix = block->matrix;
  const size_t group_bytes = matrix->group_size * COG_PANEL_ROWS;
  for (size_t panel = block->first_panel; panel < block->end_panel; panel++) {
    const uint8_t *bytes = cog_panel(matrix, panel);
    const size_t place = panel - block->first_panel;
    scratch->has_offsets[place] = false;
    for (size_t group = block->first_group; group < block->end_group; group++) {
      const size_t index = group - block->first_group;
      float *scales = (float *)&scratch->scales[place][index];
      for (size_t row = 0; row < COG_PANEL_ROWS; row++) {
        scales[row] = cog_panel_scale(matrix, bytes, group, row);
      }
      int8_t *weights = scratch->weights[place] + index * group_bytes;
      if (matrix->bits == 4) {
        scratch->has_offsets[place] |=
            cog_expand_tiled_group(matrix, bytes, group, weights, (int32_t *)&scratch->offsets[place][index]);
      } else if (!cog_is_multiplied_in_place(matrix, false, group)) {
        cog_copy_tiled_group(matrix, bytes, group, weights);
      }
    }
  }
}

// MARK: Tiles

/// The sizes of the tiles where the two tiles of tokens have so many.
COG_KERNEL CogTileShapes cog_tiled_shapes(const CogPanelMatrix *matrix, size_t tokens_0, size_t tokens_1) {
  CogTileShapes shapes = {.palette = 1};
  const size_t columns = matrix->group_size < COG_TILE_BYTES ? matrix->group_size : COG_TILE_BYTES;
  for (size_t i = 0; i < COG_TILE_COUNT; i++) {
    const bool are_rows = i == ROWS_0 || i == ROWS_1, are_tokens = i == TOKENS_0 || i == TOKENS_1;
    const bool are_second = i == TOKENS_1 || i == SUMS_10 || i == SUMS_11;
    shapes.rows[i] = (uint8_t)(are_rows ? columns / 4 : are_second ? tokens_1 : tokens_0);
    shapes.column_bytes[i] = (uint16_t)(are_tokens ? columns : COG_TILE_BYTES);
  }
  return shapes;
}

#endif
