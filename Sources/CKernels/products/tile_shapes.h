// The sizes of tiles, in the layout that AMX's LDTILECFG reads.

#ifndef COG_TILE_SHAPES_H
#define COG_TILE_SHAPES_H

#include <stdint.h>

enum { COG_TILE_COUNT = 8, COG_TILE_ROWS = 16, COG_TILE_BYTES = 64 };

typedef struct CogTileShapes {
  _Alignas(64) uint8_t palette;  ///< 1
  uint8_t start_row;             ///< 0
  uint8_t reserved[14];
  uint16_t column_bytes[16];  ///< of each tile's rows, at most COG_TILE_BYTES
  uint8_t rows[16];           ///< of each tile, at most COG_TILE_ROWS
} CogTileShapes;

_Static_assert(sizeof(CogTileShapes) == 64, "as the instruction reads it");

#endif
