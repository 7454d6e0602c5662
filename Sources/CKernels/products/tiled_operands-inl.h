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

/// The tiles: two sets of sums, so that one is multiplied while the other is scaled, for each the operands
/// of a whole tile's columns and of a group's last ones.
enum { SUMS_0, SUMS_1, TOKENS_0, TOKENS_1, ROWS_0, ROWS_1, LAST_TOKENS, LAST_ROWS };

/// A block's scratch memory, aligned to 64 bytes.
typedef struct CogTiledScratch {
  cog_lanes scales[COG_TILED_PANELS][COG_TILED_MOST_GROUPS];
  /// What zero points have above COG_TILED_MOST_ZERO, which no weight that is written by the format has.
  cog_int_lanes offsets[COG_TILED_PANELS][COG_TILED_MOST_GROUPS];
  bool has_offsets[COG_TILED_PANELS];
  int8_t weights[COG_TILED_PANELS][COG_TILED_COLUMNS * COG_PANEL_ROWS];  ///< [column / 4][row][4], of int4
} CogTiledScratch;

/// Some groups of some panels.
typedef struct CogTiledBlock {
  const CogPanelMatrix *matrix;
  size_t first_panel, end_panel;
  size_t first_group, end_group;
  const CogTiledScratch *scratch;
} CogTiledBlock;

// MARK: Activations

/// As [token][column]: a tile's values are in front of its scales.
COG_INLINE void cog_store_tiled_group(
    const CogActivationGroup *source, size_t count, CogTileGroupTarget target, size_t token, size_t tokens) {
  const size_t group_size = (size_t)((int8_t *)target.scales - target.values) / tokens;
  memcpy(target.values + token * group_size, source->values, count);
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
  return all_offsets != 0;
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
      if (matrix->bits != 4) continue;
      scratch->has_offsets[place] |= cog_expand_tiled_group(
          matrix, bytes, group, scratch->weights[place] + index * group_bytes,
          (int32_t *)&scratch->offsets[place][index]);
    }
  }
}

// MARK: Tiles

/// Columns of the last tile of a row, where the last group has no whole number of tiles; 0 otherwise.
COG_INLINE size_t cog_last_columns(const CogPanelMatrix *matrix) {
  const size_t columns = cog_group_columns(matrix, matrix->group_count - 1);
  return columns == matrix->group_size ? 0 : columns % COG_TILE_BYTES;
}

/// The sizes of the tiles where a tile of tokens has so many.
COG_KERNEL CogTileShapes cog_tiled_shapes(const CogPanelMatrix *matrix, size_t tokens) {
  CogTileShapes shapes = {.palette = 1};
  const size_t whole = matrix->group_size < COG_TILE_BYTES ? matrix->group_size : COG_TILE_BYTES;
  const size_t last = cog_last_columns(matrix);
  for (size_t i = 0; i < COG_TILE_COUNT; i++) {
    const bool are_sums = i == SUMS_0 || i == SUMS_1, are_rows = i == ROWS_0 || i == ROWS_1 || i == LAST_ROWS;
    const size_t columns = (i == LAST_TOKENS || i == LAST_ROWS) && last > 0 ? last : whole;
    shapes.rows[i] = (uint8_t)(are_rows ? columns / 4 : tokens);
    shapes.column_bytes[i] = (uint16_t)(are_sums || are_rows ? COG_TILE_BYTES : columns);
  }
  return shapes;
}

#endif
