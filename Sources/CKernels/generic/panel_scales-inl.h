// Chooses the scales and zero points of a group's rows: by least squares, or from the largest weights
// alone. The rows are the lanes of every inner loop, so no sum crosses lanes and every instruction set
// takes the same choices.

#ifndef COG_PANEL_SCALES_INL_H
#define COG_PANEL_SCALES_INL_H

#include "panel_rounding-inl.h"

#ifndef COG_SEARCH_ROWS
/// Rows that are measured at a time: as many as let what a pass needs of four choices stay in registers.
#define COG_SEARCH_ROWS 4
#endif

/// A number for each of them.
typedef float cog_search_rows __attribute__((ext_vector_type(COG_SEARCH_ROWS)));

/// Choices that one pass over the weights measures.
enum { COG_MOST_CHOICES = 4 };

/// Scales and zero points that are tried.
typedef struct CogChoice {
  float scale[COG_PANEL_ROWS];
  float zero[COG_PANEL_ROWS];
  float error[COG_PANEL_ROWS];  ///< sum of squared errors, each times its column's importance
} CogChoice;

/// What a pass needs of a choice, for some of the rows.
typedef struct CogTrial {
  cog_search_rows scale, inverse;  ///< the scale and 1 / scale
  cog_search_rows least, most;     ///< of code - zero
} CogTrial;

COG_INLINE cog_search_rows cog_load_search_rows(const float *rows) {
  cog_search_rows loaded;
  memcpy(&loaded, rows, sizeof loaded);
  return loaded;
}

COG_INLINE CogTrial cog_load_trial(const CogChoice *choice, CogRange range, size_t first_row) {
  const cog_search_rows zero = cog_load_search_rows(choice->zero + first_row);
  CogTrial trial = {.scale = cog_load_search_rows(choice->scale + first_row)};
  trial.inverse = 1.0f / trial.scale;
  trial.least = range.least - zero;
  trial.most = range.most - zero;
  return trial;
}

/// cog_round_quotient and cog_clamp_quantum of some rows.
COG_INLINE cog_search_rows cog_round_quotients(cog_search_rows weights, const CogTrial *trial) {
  return __builtin_elementwise_fma(weights, trial->inverse, (cog_search_rows)(cog_rounder)) - cog_rounder;
}

COG_INLINE cog_search_rows cog_clamp_quanta(cog_search_rows quotients, const CogTrial *trial) {
  const cog_search_rows quanta = quotients > trial->least ? quotients : trial->least;
  return quanta < trial->most ? quanta : trial->most;
}

/// Numbers of a column as they count: squares are taken of `rows` times this.
COG_INLINE cog_search_rows
cog_count_rows(const CogWeightTile *tile, size_t column, const bool is_weighted, cog_search_rows rows) {
  return is_weighted ? tile->importance[column] * rows : rows;
}

/// Adds the squared errors of a column of quanta.
COG_INLINE cog_search_rows cog_add_errors(
    const CogWeightTile *tile, size_t column, const bool is_weighted, const CogTrial *trial,
    cog_search_rows weights, cog_search_rows quanta, cog_search_rows sums) {
  const cog_search_rows errors = __builtin_elementwise_fma(-trial->scale, quanta, weights);
  return __builtin_elementwise_fma(cog_count_rows(tile, column, is_weighted, errors), errors, sums);
}

/// Measures `scales` times `zeros` choices in one pass. Those with one scale lie side by side: they begin
/// with the same quotients.
COG_INLINE void cog_sum_errors(
    const CogWeightTile *tile, CogRange range, const bool is_weighted, const size_t scales,
    const size_t zeros, CogChoice *choices) {
  for (size_t first = 0; first < COG_PANEL_ROWS; first += COG_SEARCH_ROWS) {
    CogTrial trials[COG_MOST_CHOICES];
    cog_search_rows sums[COG_MOST_CHOICES];
    COG_UNROLL for (size_t i = 0; i < scales * zeros; i++) {
      trials[i] = cog_load_trial(&choices[i], range, first);
      sums[i] = 0.0f;
    }
    for (size_t c = 0; c < tile->columns; c++) {
      const cog_search_rows weights = cog_load_search_rows(tile->weights[c] + first);
      COG_UNROLL for (size_t s = 0; s < scales; s++) {
        const cog_search_rows quotients = cog_round_quotients(weights, &trials[s * zeros]);
        COG_UNROLL for (size_t i = s * zeros; i < (s + 1) * zeros; i++) {
          const cog_search_rows quanta = cog_clamp_quanta(quotients, &trials[i]);
          sums[i] = cog_add_errors(tile, c, is_weighted, &trials[s * zeros], weights, quanta, sums[i]);
        }
      }
    }
    COG_UNROLL for (size_t i = 0; i < scales * zeros; i++)
      memcpy(choices[i].error + first, &sums[i], sizeof sums[i]);
  }
}

/// Fills in the errors of choices: of `scales` scales with `zeros` zero points each.
COG_INLINE void cog_measure_choices(
    const CogWeightTile *tile, CogRange range, const size_t scales, const size_t zeros, CogChoice *choices) {
  if (tile->is_weighted) {
    cog_sum_errors(tile, range, true, scales, zeros, choices);
  } else {
    cog_sum_errors(tile, range, false, scales, zeros, choices);
  }
}

/// Fills in the error of a single choice.
COG_KERNEL void cog_measure_choice(const CogWeightTile *tile, CogRange range, CogChoice *choice) {
  cog_measure_choices(tile, range, 1, 1, choice);
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

/// Measures choices as cog_measure_choices does and keeps, row by row, the best of them and `best`; among
/// equals the first.
COG_INLINE void cog_try_choices(
    const CogWeightTile *tile, CogRange range, const size_t scales, const size_t zeros, CogChoice *choices,
    CogChoice *restrict best) {
  cog_measure_choices(tile, range, scales, zeros, choices);
  for (size_t i = 0; i < scales * zeros; i++) cog_keep_better(&choices[i], best);
}

/// The same for a single choice.
COG_INLINE void cog_try_choice(
    const CogWeightTile *tile, CogRange range, CogChoice *choice, CogChoice *restrict best) {
  cog_measure_choice(tile, range, choice);
  cog_keep_better(choice, best);
}

/// The sums of least squares over the q of a choice: scale = sum of weight * q / sum of q * q.
typedef struct CogScaleSums {
  float products[COG_PANEL_ROWS];
  float squares[COG_PANEL_ROWS];
} CogScaleSums;

/// Sums over the q of a choice, and measures it where `measures` says so.
COG_INLINE void cog_sum_products(
    const CogWeightTile *tile, CogRange range, const bool is_weighted, const bool measures,
    CogChoice *restrict choice, CogScaleSums *restrict sums) {
  for (size_t first = 0; first < COG_PANEL_ROWS; first += COG_SEARCH_ROWS) {
    const CogTrial trial = cog_load_trial(choice, range, first);
    cog_search_rows errors = 0.0f, products = 0.0f, squares = 0.0f;
    for (size_t c = 0; c < tile->columns; c++) {
      const cog_search_rows weights = cog_load_search_rows(tile->weights[c] + first);
      const cog_search_rows quanta = cog_clamp_quanta(cog_round_quotients(weights, &trial), &trial);
      const cog_search_rows counted = cog_count_rows(tile, c, is_weighted, quanta);
      if (measures) errors = cog_add_errors(tile, c, is_weighted, &trial, weights, quanta, errors);
      products = __builtin_elementwise_fma(weights, counted, products);
      squares = __builtin_elementwise_fma(quanta, counted, squares);
    }
    if (measures) memcpy(choice->error + first, &errors, sizeof errors);
    memcpy(sums->products + first, &products, sizeof products);
    memcpy(sums->squares + first, &squares, sizeof squares);
  }
}

COG_INLINE void cog_fit_scales(
    const CogWeightTile *tile, CogRange range, const bool measures, CogChoice *choice, CogScaleSums *sums) {
  if (tile->is_weighted) {
    cog_sum_products(tile, range, true, measures, choice, sums);
  } else {
    cog_sum_products(tile, range, false, measures, choice, sums);
  }
}

/// Takes the scales that the sums give; a row without any keeps its own.
COG_INLINE void cog_take_scales(const CogScaleSums *sums, CogChoice *choice) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const float squares = sums->squares[r];
    const float scale = cog_round_scale(sums->products[r] / (squares > 0 ? squares : 1.0f));
    choice->scale[r] = squares > 0 ? scale : choice->scale[r];
  }
}

/// Tries the scales that minimize the squared error for the q of `best` (least squares), twice.
///
/// The second time is for the rows that the first one made better, whose q were summed while it was measured.
/// A row that it did not keeps its choice: its q, and so what least squares says of them, are the same again.
COG_KERNEL void cog_refine_choice(const CogWeightTile *tile, CogRange range, CogChoice *restrict best) {
  CogScaleSums sums;
  CogChoice choice = *best;
  cog_fit_scales(tile, range, false, &choice, &sums);
  cog_take_scales(&sums, &choice);
  cog_fit_scales(tile, range, true, &choice, &sums);
  CogChoice second = choice;
  cog_take_scales(&sums, &second);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const float first_scale = choice.scale[r], second_scale = second.scale[r];
    second.scale[r] = choice.error[r] < best->error[r] ? second_scale : first_scale;
  }
  cog_keep_better(&choice, best);
  cog_try_choice(tile, range, &second, best);
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
  CogChoice choices[2] = {*best, *best};
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    choices[0].scale[r] = cog_round_scale(best->scale[r] * 1.025f);
    choices[1].scale[r] = cog_round_scale(best->scale[r] * 0.975f);
  }
  cog_try_choices(tile, range, 2, 1, choices, best);
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

/// The two zero points beside the exact one, the nearest first, for two scales.
COG_INLINE void cog_choose_zeros(const CogTileLimits *restrict limits, CogChoice choices[restrict 2][2]) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const float exact = limits->exact[r];
    const float zero = cog_clamp(-limits->least[r] / (exact > 0 ? exact : 1.0f), 0, 15);
    const float rounded = cog_round_integer(zero);
    choices[0][0].zero[r] = choices[1][0].zero[r] = rounded;
    choices[0][1].zero[r] = choices[1][1].zero[r] =
        cog_clamp(rounded > zero ? rounded - 1.0f : rounded + 1.0f, 0, 15);
  }
}

/// COG_LEAST_SQUARES in int4: that first, then narrower and wider ranges with the zero points on both sides
/// of the exact one, then the neighbors of the best, then least squares.
COG_KERNEL void cog_search_int4(
    const CogWeightTile *restrict tile, const CogTileLimits *restrict limits, CogChoice *restrict best) {
  const CogRange range = cog_code_range(true);
  CogChoice choices[2][2];  // [scale][zero point]
  cog_choose_absmax(limits, true, best->scale, best->zero);
  cog_measure_choice(tile, range, best);
  cog_try_next_scale(tile, range, limits->exact, best);
  cog_choose_zeros(limits, choices);
  for (int shrink = 0; shrink < 6; shrink += 2) {
    for (int i = 0; i < 2; i++) {
      const float factor = 1.04f - 0.05f * (float)(shrink + i);
      for (size_t r = 0; r < COG_PANEL_ROWS; r++)
        choices[i][0].scale[r] = choices[i][1].scale[r] = cog_round_scale(limits->exact[r] * factor);
    }
    cog_try_choices(tile, range, 2, 2, choices[0], best);
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
  for (int shrink = 0; shrink < 8; shrink += 4) {
    CogChoice choices[4] = {*best, *best, *best, *best};
    for (int i = 0; i < 4; i++) {
      const float factor = 1.001f - 0.003f * (float)(shrink + i);
      for (size_t r = 0; r < COG_PANEL_ROWS; r++)
        choices[i].scale[r] = cog_round_scale(limits->exact[r] * factor);
    }
    cog_try_choices(tile, range, 4, 1, choices, best);
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
