// What products on tiles (tiled-inl.h) read beside weights: activations, and the sizes of the tiles.

#ifndef COG_TILED_OPERANDS_INL_H
#define COG_TILED_OPERANDS_INL_H

#include "../generic/activations-inl.h"
#include "tile_shapes.h"
#include "tiled_blocks-inl.h"

enum {
  COG_TILED_TOKENS = COG_TILE_ROWS,
  /// Tokens that are worth expanding the weights for.
  COG_MANY_TILED_TOKENS = 32,
};

/// The tiles: two of tokens, two of rows, and the sums of each pair of them.
enum { SUMS_00, SUMS_01, SUMS_10, SUMS_11, TOKENS_0, TOKENS_1, ROWS_0, ROWS_1 };

// MARK: Activations

/// As [token][column].
COG_INLINE void cog_store_tiled_group(
    const CogActivationGroup *source, size_t group_size, CogTileGroupTarget target, size_t token,
    size_t tokens) {
  (void)tokens;
  memcpy(target.values + token * group_size, source->values, group_size);
  target.scales[token] = source->scale;
  target.sums[token] = source->sum;
}

COG_KERNEL void cog_quantize_tiled_activations(
    const float *restrict x, size_t stride, size_t tokens, size_t columns, size_t padded_columns,
    size_t group_size, void *restrict tile) {
  cog_quantize_tile(x, stride, tokens, columns, padded_columns, group_size, tile, cog_store_tiled_group);
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
