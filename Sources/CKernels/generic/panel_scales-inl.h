// Chooses the scales and zero points of a group's rows: by least squares, or from the largest weights
// alone. The rows are the lanes of every inner loop, so no sum crosses lanes and every instruction set
// takes the same choices.

#ifndef COG_PANEL_SCALES_INL_H
#define COG_PANEL_SCALES_INL_H

#include "panel_rounding-inl.h"

/// Scales and zero points that are tried.
typedef struct CogChoice {
  float scale[COG_PANEL_ROWS];
  float zero[COG_PANEL_ROWS];
  float error[COG_PANEL_ROWS];  ///< sum of squared errors, each times its column's importance
} CogChoice;

/// An error as it counts in its column. Squares are taken of `error` times this.
COG_INLINE float cog_count_error(
    const CogWeightTile *restrict tile, size_t column, const bool is_weighted, float error) {
  return is_weighted ? tile->importance[column] * error : error;
}

COG_INLINE void cog_sum_errors(
    const CogWeightTile *restrict tile, CogRange range, const bool is_weighted, CogChoice *restrict choice) {
  float inverse[COG_PANEL_ROWS], sums[COG_PANEL_ROWS] = {0};
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / choice->scale[r];
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float weight = tile->weights[c][r];
      const float quantum = cog_quantum(weight, inverse[r], choice->zero[r], range);
      const float error = fmaf(-choice->scale[r], quantum, weight);
      sums[r] = fmaf(cog_count_error(tile, c, is_weighted, error), error, sums[r]);
    }
  }
  memcpy(choice->error, sums, sizeof sums);
}

/// Fills in the error of a choice.
COG_KERNEL inline void cog_measure_choice(
    const CogWeightTile *restrict tile, CogRange range, CogChoice *restrict choice) {
  if (tile->is_weighted) {
    cog_sum_errors(tile, range, true, choice);
  } else {
    cog_sum_errors(tile, range, false, choice);
  }
}

COG_INLINE void cog_sum_pair(
    const CogWeightTile *restrict tile, CogRange range, const bool is_weighted, CogChoice *restrict a,
    CogChoice *restrict b) {
  float inverse[COG_PANEL_ROWS], sums_a[COG_PANEL_ROWS] = {0}, sums_b[COG_PANEL_ROWS] = {0};
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / a->scale[r];
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float weight = tile->weights[c][r];
      const float quotient = cog_round_quotient(weight, inverse[r]);
      const float error_a = fmaf(-a->scale[r], cog_clamp_quantum(quotient, a->zero[r], range), weight);
      const float error_b = fmaf(-a->scale[r], cog_clamp_quantum(quotient, b->zero[r], range), weight);
      sums_a[r] = fmaf(cog_count_error(tile, c, is_weighted, error_a), error_a, sums_a[r]);
      sums_b[r] = fmaf(cog_count_error(tile, c, is_weighted, error_b), error_b, sums_b[r]);
    }
  }
  memcpy(a->error, sums_a, sizeof sums_a);
  memcpy(b->error, sums_b, sizeof sums_b);
}

/// Fills in the errors of two choices with the same scales: both begin with the same quotients.
COG_KERNEL inline void cog_measure_pair(
    const CogWeightTile *restrict tile, CogRange range, CogChoice *restrict a, CogChoice *restrict b) {
  if (tile->is_weighted) {
    cog_sum_pair(tile, range, true, a, b);
  } else {
    cog_sum_pair(tile, range, false, a, b);
  }
}

/// Keeps, row by row, the better of a choice and `best`.
COG_KERNEL inline void cog_keep_better(const CogChoice *restrict choice, CogChoice *restrict best) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    // Between values, not addresses: that is a blend of registers.
    const float scale = choice->scale[r], zero = choice->zero[r], error = choice->error[r];
    const float best_scale = best->scale[r], best_zero = best->zero[r], best_error = best->error[r];
    const bool better = error < best_error;
    best->scale[r] = better ? scale : best_scale;
    best->zero[r] = better ? zero : best_zero;
    best->error[r] = better ? error : best_error;
  }
}

/// Measures a choice and keeps, row by row, the better of it and `best`.
COG_KERNEL inline void cog_try_choice(
    const CogWeightTile *restrict tile, CogRange range, CogChoice *restrict choice,
    CogChoice *restrict best) {
  cog_measure_choice(tile, range, choice);
  cog_keep_better(choice, best);
}

/// The sums of least squares over the q of a choice: scale = sum of weight * q / sum of q * q.
COG_INLINE void cog_sum_products(
    const CogWeightTile *restrict tile, CogRange range, const bool is_weighted,
    const CogChoice *restrict choice, float *restrict products, float *restrict squares) {
  float inverse[COG_PANEL_ROWS];
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / choice->scale[r];
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float weight = tile->weights[c][r];
      const float quantum = cog_quantum(weight, inverse[r], choice->zero[r], range);
      const float counted = cog_count_error(tile, c, is_weighted, quantum);
      products[r] = fmaf(weight, counted, products[r]);
      squares[r] = fmaf(quantum, counted, squares[r]);
    }
  }
}

/// Tries the scales that minimize the squared error for the q of `best` (least squares), twice.
COG_KERNEL void cog_refine_choice(
    const CogWeightTile *restrict tile, CogRange range, CogChoice *restrict best) {
  for (int round = 0; round < 2; round++) {
    CogChoice choice = *best;
    float products[COG_PANEL_ROWS] = {0}, squares[COG_PANEL_ROWS] = {0};
    if (tile->is_weighted) {
      cog_sum_products(tile, range, true, best, products, squares);
    } else {
      cog_sum_products(tile, range, false, best, products, squares);
    }
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float scale = cog_round_scale(products[r] / (squares[r] > 0 ? squares[r] : 1.0f));
      choice.scale[r] = squares[r] > 0 ? scale : best->scale[r];
    }
    cog_try_choice(tile, range, &choice, best);
  }
}

/// Tries the next F16 number above `exact`, a scale, where that is subnormal: below 2^-14 the numbers of F16
/// are coarse, and a scale that was rounded down would clip the largest weights.
COG_KERNEL void cog_try_next_scale(
    const CogWeightTile *restrict tile, CogRange range, const float *restrict exact,
    CogChoice *restrict best) {
  CogChoice choice = *best;
  bool is_subnormal = false;
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    choice.scale[r] = cog_round_scale(exact[r] + 0x1p-24f);
    is_subnormal |= exact[r] < 0x1p-14f;
  }
  if (is_subnormal) cog_try_choice(tile, range, &choice, best);
}

/// Tries scales a little wider and narrower than the best.
COG_KERNEL void cog_try_neighbors(
    const CogWeightTile *restrict tile, CogRange range, CogChoice *restrict best) {
  CogChoice wider = *best, narrower = *best;
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    wider.scale[r] = cog_round_scale(best->scale[r] * 1.025f);
    narrower.scale[r] = cog_round_scale(best->scale[r] * 0.975f);
  }
  cog_try_choice(tile, range, &wider, best);
  cog_try_choice(tile, range, &narrower, best);
}

/// What a group's rows reach.
typedef struct CogTileLimits {
  float least[COG_PANEL_ROWS], most[COG_PANEL_ROWS];  ///< 0 included
  float exact[COG_PANEL_ROWS];  ///< the scale that takes both ends in, before it is rounded
} CogTileLimits;

COG_INLINE void cog_find_limits(
    const CogWeightTile *restrict tile, const bool is_int4, CogTileLimits *restrict limits) {
  float least[COG_PANEL_ROWS] = {0}, most[COG_PANEL_ROWS] = {0};
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float weight = tile->weights[c][r];
      least[r] = weight < least[r] ? weight : least[r];
      most[r] = weight > most[r] ? weight : most[r];
    }
  }
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const float larger = most[r] > -least[r] ? most[r] : -least[r];
    limits->least[r] = least[r];
    limits->most[r] = most[r];
    limits->exact[r] = is_int4 ? most[r] / 15.0f - least[r] / 15.0f : larger / 127.0f;
  }
}

/// COG_ABSMAX: the scale that the largest weights need, in int4 with the nearest zero point.
COG_INLINE void cog_choose_absmax(
    const CogTileLimits *restrict limits, const bool is_int4, float *restrict scale, float *restrict zero) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    scale[r] = cog_round_scale(limits->exact[r]);
    zero[r] = is_int4 ? cog_round_integer(cog_clamp(-limits->least[r] / scale[r], 0, 15)) : 0;
  }
}

/// COG_LEAST_SQUARES in int4: that first, then narrower and wider ranges with the zero points on both sides
/// of the exact one, then the neighbors of the best, then least squares.
COG_KERNEL void cog_search_int4(
    const CogWeightTile *restrict tile, const CogTileLimits *restrict limits, CogChoice *restrict best) {
  const CogRange range = cog_code_range(true);
  const float *exact = limits->exact;
  CogChoice nearest, other;  // the zero points on the two sides of the exact one
  cog_choose_absmax(limits, true, best->scale, best->zero);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const float zero = cog_clamp(-limits->least[r] / (exact[r] > 0 ? exact[r] : 1.0f), 0, 15);
    nearest.zero[r] = cog_round_integer(zero);
    other.zero[r] =
        cog_clamp(nearest.zero[r] > zero ? nearest.zero[r] - 1.0f : nearest.zero[r] + 1.0f, 0, 15);
  }
  cog_measure_choice(tile, range, best);
  cog_try_next_scale(tile, range, exact, best);
  for (int shrink = 0; shrink < 6; shrink++) {
    const float factor = 1.04f - 0.05f * (float)shrink;
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      nearest.scale[r] = other.scale[r] = cog_round_scale(exact[r] * factor);
    }
    cog_measure_pair(tile, range, &nearest, &other);
    cog_keep_better(&nearest, best);
    cog_keep_better(&other, best);
  }
  cog_try_neighbors(tile, range, best);
  cog_refine_choice(tile, range, best);
}

/// COG_LEAST_SQUARES in int8: the scale of the largest weight, a few smaller ones, then least squares.
COG_KERNEL void cog_search_int8(
    const CogWeightTile *restrict tile, const CogTileLimits *restrict limits, CogChoice *restrict best) {
  const CogRange range = cog_code_range(false);
  cog_choose_absmax(limits, false, best->scale, best->zero);
  cog_measure_choice(tile, range, best);
  cog_try_next_scale(tile, range, limits->exact, best);
  for (int shrink = 0; shrink < 8; shrink++) {
    CogChoice choice = *best;
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      choice.scale[r] = cog_round_scale(limits->exact[r] * (1.001f - 0.003f * (float)shrink));
    }
    cog_try_choice(tile, range, &choice, best);
  }
  cog_refine_choice(tile, range, best);
}

/// Chooses the scales and zero points of a group's rows. A new way to choose is a case here.
COG_INLINE void cog_choose_scales(
    const CogWeightTile *restrict tile, const bool is_int4, CogScaleChoice way,
    CogGroupScales *restrict scales) {
  CogTileLimits limits;
  cog_find_limits(tile, is_int4, &limits);
  switch (way) {
    case COG_ABSMAX: cog_choose_absmax(&limits, is_int4, scales->scale, scales->zero); return;
    case COG_LEAST_SQUARES: break;
  }
  CogChoice best;
  if (is_int4) {
    cog_search_int4(tile, &limits, &best);
  } else {
    cog_search_int8(tile, &limits, &best);
  }
  memcpy(scales->scale, best.scale, sizeof best.scale);
  memcpy(scales->zero, best.zero, sizeof best.zero);
}

#endif
