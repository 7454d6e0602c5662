// Tiles in plain C, for processors without them: what products/tiled-inl.h is tested with everywhere.

#ifndef COG_TILES_PLAIN_INL_H
#define COG_TILES_PLAIN_INL_H

#include "../generic/base-inl.h"
#include "tile_shapes.h"

typedef struct CogTiles {
  CogTileShapes shapes;
  uint8_t rows[COG_TILE_COUNT][COG_TILE_ROWS][COG_TILE_BYTES];
} CogTiles;

COG_KERNEL inline void cog_configure_tiles(CogTiles *tiles, const CogTileShapes *shapes) {
  tiles->shapes = *shapes;
  memset(tiles->rows, 0, sizeof tiles->rows);
}

COG_KERNEL inline void cog_release_tiles(CogTiles *tiles) { (void)tiles; }

COG_KERNEL inline void cog_zero_tile(CogTiles *tiles, int number) {
  memset(tiles->rows[number], 0, sizeof tiles->rows[number]);
}

/// What lies beyond the tile's size becomes zeros, as in AMX.
COG_KERNEL inline void cog_load_tile(CogTiles *tiles, int number, const void *source, size_t stride) {
  cog_zero_tile(tiles, number);
  for (size_t row = 0; row < tiles->shapes.rows[number]; row++) {
    const uint8_t *bytes = (const uint8_t *)source + row * stride;
    memcpy(tiles->rows[number][row], bytes, tiles->shapes.column_bytes[number]);
  }
}

COG_KERNEL inline void cog_dot_tiles(CogTiles *tiles, int sums, int left, int right) {
  const CogTileShapes *shapes = &tiles->shapes;
  for (size_t i = 0; i < shapes->rows[sums]; i++) {
    int32_t *row = (int32_t *)(void *)tiles->rows[sums][i];
    for (size_t k = 0; k < shapes->rows[right]; k++) {
      for (size_t b = 0; b < shapes->column_bytes[sums]; b++) {
        row[b / 4] += (int8_t)tiles->rows[left][i][4 * k + b % 4] * (int8_t)tiles->rows[right][k][b];
      }
    }
  }
}

COG_KERNEL inline void cog_store_tile_rows(CogTiles *tiles, int number, void *target, size_t stride) {
  for (size_t row = 0; row < tiles->shapes.rows[number]; row++) {
    uint8_t *bytes = (uint8_t *)target + row * stride;
    memcpy(bytes, tiles->rows[number][row], tiles->shapes.column_bytes[number]);
  }
}

#endif
