// The most that tiles multiply, as the loops of generic/limits-inl.h (CogLimits.h).

#ifndef COG_TILE_PEAK_INL_H
#define COG_TILE_PEAK_INL_H

#include "../generic/base-inl.h"

#ifndef COG_TILES_AMX_INL_H  // in a header that is opened alone
#include "tiles_plain-inl.h"
#endif

#define COG_TILE_PEAK cog_tile_peak

/// Products of whole tiles on four sums in turn, enough to hide how long one takes.
COG_KERNEL double cog_tile_peak(size_t rounds) {
  enum { SUMS = 4, TOKENS = 4, ROWS = 5 };
  CogTileShapes shapes = {.palette = 1};
  for (size_t i = 0; i < COG_TILE_COUNT; i++) {
    shapes.rows[i] = COG_TILE_ROWS;
    shapes.column_bytes[i] = COG_TILE_BYTES;
  }
  _Alignas(64) int8_t threes[COG_TILE_ROWS * COG_TILE_BYTES];
  memset(threes, 3, sizeof threes);
  CogTiles tiles;
  cog_configure_tiles(&tiles, &shapes);
  cog_zero_tile(&tiles, 0);
  cog_zero_tile(&tiles, 1);
  cog_zero_tile(&tiles, 2);
  cog_zero_tile(&tiles, 3);
  cog_load_tile(&tiles, TOKENS, threes, COG_TILE_BYTES);
  cog_load_tile(&tiles, ROWS, threes, COG_TILE_BYTES);
  for (size_t round = 0; round < rounds; round++) {
    cog_dot_tiles(&tiles, 0, TOKENS, ROWS);
    cog_dot_tiles(&tiles, 1, TOKENS, ROWS);
    cog_dot_tiles(&tiles, 2, TOKENS, ROWS);
    cog_dot_tiles(&tiles, 3, TOKENS, ROWS);
  }
  cog_store_tile_rows(&tiles, 0, threes, COG_TILE_BYTES);
  cog_release_tiles(&tiles);
  return (double)rounds * SUMS * COG_TILE_ROWS * (COG_TILE_BYTES / 4) * COG_TILE_BYTES * 2;
}

#endif
