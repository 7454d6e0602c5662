// Tiles in Intel's AMX: eight registers of up to 16 rows of 64 bytes. tiles_plain-inl.h has the same
// functions in plain C.

#ifndef COG_TILES_AMX_INL_H
#define COG_TILES_AMX_INL_H

#include "../backends/x86.h"
#include "../generic/base-inl.h"
#include "tile_shapes.h"

/// The registers belong to the thread.
typedef struct CogTiles {
  char none;
} CogTiles;

/// Gives the tiles their sizes; what they held is gone.
COG_INLINE void cog_configure_tiles(CogTiles *tiles, const CogTileShapes *shapes) {
  (void)tiles;
  _tile_loadconfig(shapes);
}

/// Lets the system forget the tiles, which it saves with a thread otherwise.
COG_INLINE void cog_release_tiles(CogTiles *tiles) {
  (void)tiles;
  _tile_release();
}

// Numbers of tiles are part of an instruction: these are macros for that reason alone.

/// Fills a tile with zeros.
#define cog_zero_tile(tiles, number) _tile_zero(number)
/// Loads a tile's rows, `stride` bytes from one to the next.
#define cog_load_tile(tiles, number, source, stride) _tile_loadd(number, source, stride)
/// sums[i][j] += sum over k and b of left[i][4 k + b] * right[k][4 j + b], with signed bytes and 32-bit sums.
#define cog_dot_tiles(tiles, sums, left, right) _tile_dpbssd(sums, left, right)
/// Stores a tile's rows.
#define cog_store_tile_rows(tiles, number, target, stride) _tile_stored(number, target, stride)

#endif
