// The weights of one group of 16 rows, with the rows in the lanes.

#ifndef COG_WEIGHT_TILE_INL_H
#define COG_WEIGHT_TILE_INL_H

#include "panel_layout.h"
#include "transpose-inl.h"

/// The weights of one group of a panel, [column][row]; rows and columns that do not exist are zero.
typedef struct CogWeightTile {
  float weights[COG_LARGEST_GROUP][COG_PANEL_ROWS];
  size_t columns;                       ///< columns of the group, padding included
  float importance[COG_LARGEST_GROUP];  ///< how much the error of a column counts, where is_weighted
  bool is_weighted;                     ///< false: all columns count alike
} CogWeightTile;

/// Copies the columns from `first` on of `rows` rows, of which `columns` exist.
COG_KERNEL void cog_load_weights(
    CogWeightTile *restrict tile, const float *restrict weights, size_t stride, size_t rows, size_t columns,
    size_t first) {
  const size_t existing = cog_part_size(first, tile->columns, columns);
  cog_transpose_rows(weights + first, stride, rows, existing, tile->weights[0], COG_PANEL_ROWS);
  memset(tile->weights[existing], 0, (tile->columns - existing) * sizeof tile->weights[0]);
}

/// Takes the importance of the columns from `first` on, of which `columns` exist; NULL: all count alike.
COG_KERNEL void cog_load_importance(
    CogWeightTile *restrict tile, const float *restrict importance, size_t columns, size_t first) {
  tile->is_weighted = importance != NULL;
  if (importance == NULL) return;
  const size_t existing = cog_part_size(first, tile->columns, columns);
  memcpy(tile->importance, importance + first, existing * sizeof *importance);
  memset(tile->importance + existing, 0, (tile->columns - existing) * sizeof *importance);
}

#endif
