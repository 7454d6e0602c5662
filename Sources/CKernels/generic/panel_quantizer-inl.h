// Quantizes 16 rows of weights to a panel, group by group: chooses scales, rounds, measures and packs
// while a group is in the first-level cache.

#ifndef COG_PANEL_QUANTIZER_INL_H
#define COG_PANEL_QUANTIZER_INL_H

#include "panel_packing-inl.h"
#include "panel_scales-inl.h"

COG_INLINE CogStatus cog_quantize_rows(
    const CogPanelMatrix *matrix, const bool is_int4, CogScaleChoice way, const float *importance,
    const float *weights, size_t weight_stride, size_t rows, size_t columns, uint8_t *panel,
    CogPanelError *error) {
  for (size_t group = 0; group < matrix->group_count; group++) {
    CogWeightTile tile;
    CogGroupScales scales;
    CogGroupCodes codes;
    CogGroupLoss loss;
    tile.columns = cog_group_columns(matrix, group);
    cog_load_weights(&tile, weights, weight_stride, rows, columns, group * matrix->group_size);
    cog_load_importance(&tile, importance, columns, group * matrix->group_size);
    cog_choose_scales(&tile, is_int4, way, &scales);
    cog_round_tile(&tile, cog_code_range(is_int4), &scales, &codes);
    cog_measure_loss(&tile, &scales, &codes, &loss);
    if (!cog_add_loss(&loss, group, error)) return COG_NOT_FINITE;
    cog_pack_group(matrix, is_int4, group, &scales, &codes, panel);
  }
  return COG_OK;
}

COG_KERNEL CogStatus cog_quantize_panel(
    const CogPanelMatrix *matrix, CogScaleChoice way, const float *importance, const float *weights,
    size_t weight_stride, size_t rows, size_t columns, uint8_t *panel, CogPanelError *error) {
  memset(error, 0, sizeof *error);
  if (!cog_is_panel_input(matrix, rows, columns)) return COG_BAD_ARGUMENT;
  return matrix->bits == 4
             ? cog_quantize_rows(
                   matrix, true, way, importance, weights, weight_stride, rows, columns, panel, error)
             : cog_quantize_rows(
                   matrix, false, way, importance, weights, weight_stride, rows, columns, panel, error);
}

#endif
