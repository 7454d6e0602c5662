// Rounds a block of columns from the last to the first, each shifted by what the errors of those behind it
// ask for (CogFeedback.h). The rows are the lanes of every inner loop, so every instruction set gives the
// same bits.

#ifndef COG_FEEDBACK_ROUNDING_INL_H
#define COG_FEEDBACK_ROUNDING_INL_H

#include "panel_rounding-inl.h"
#include "transpose-inl.h"

/// What is computed with, [column][row].
typedef struct CogFeedbackTile {
  float weights[COG_FEEDBACK_COLUMNS][COG_PANEL_ROWS];
  float sums[COG_FEEDBACK_COLUMNS][COG_PANEL_ROWS];
} CogFeedbackTile;

/// Scales and zero points of the rows in the group of a column; 0 for rows that do not exist.
COG_KERNEL void cog_load_feedback_scales(
    const CogFeedbackBlock *block, size_t column, CogGroupScales *restrict scales) {
  memset(scales, 0, sizeof *scales);
  for (size_t r = 0; r < block->rows; r++) {
    const size_t place = r * block->group_count + block->groups[column];
    scales->scale[r] = block->scales[place];
    scales->zero[r] = block->zeros ? block->zeros[place] : 0;
  }
}

/// Rounds a column; writes its codes, and leaves its errors in the place of its weights.
COG_INLINE void cog_round_feedback_column(
    const CogFeedbackBlock *block, size_t column, CogRange range, CogFeedbackTile *restrict tile) {
  CogGroupScales scales;
  float codes[COG_PANEL_ROWS];
  const float inverse_pivot = 1.0f / block->factor[column * block->factor_stride + column];
  cog_load_feedback_scales(block, column, &scales);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const float weight = tile->weights[column][r];
    const float target = fmaf(tile->sums[column][r], inverse_pivot, weight);
    const float inverse = scales.scale[r] > 0 ? 1.0f / scales.scale[r] : 0;
    const float quantum = cog_quantum(target, inverse, scales.zero[r], range);
    codes[r] = quantum + scales.zero[r];
    tile->weights[column][r] = fmaf(-scales.scale[r], quantum, weight);
  }
  for (size_t r = 0; r < block->rows; r++) {
    block->codes[r * block->code_stride + block->columns[column]] = (int8_t)codes[r];
    block->errors[r * block->error_stride + column] = tile->weights[column][r];
  }
}

COG_KERNEL CogStatus cog_round_with_feedback(const CogFeedbackBlock *block) {
  if (block->rows > COG_PANEL_ROWS || block->count > COG_FEEDBACK_COLUMNS ||
      (block->bits != 4 && block->bits != 8))
    return COG_BAD_ARGUMENT;
  CogFeedbackTile tile;
  const CogRange range = cog_code_range(block->bits == 4);
  cog_transpose_rows(
      block->weights, block->weight_stride, block->rows, block->count, tile.weights[0], COG_PANEL_ROWS);
  cog_transpose_rows(block->sums, block->sum_stride, block->rows, block->count, tile.sums[0], COG_PANEL_ROWS);
  for (size_t column = block->count; column-- > 0;) {
    cog_round_feedback_column(block, column, range, &tile);
    const float *factor = block->factor + column * block->factor_stride;
    for (size_t c = 0; c < column; c++) {
      for (size_t r = 0; r < COG_PANEL_ROWS; r++)
        tile.sums[c][r] = fmaf(factor[c], tile.weights[column][r], tile.sums[c][r]);
    }
  }
  return COG_OK;
}

#endif
