// Rounds the weights of a group to codes, given the scales and zero points of its rows, and measures what
// was lost. The rows are the lanes of every inner loop, so no sum crosses lanes and every instruction set
// gives the same bits.

#ifndef COG_PANEL_ROUNDING_INL_H
#define COG_PANEL_ROUNDING_INL_H

#include "weight_tile-inl.h"

/// How 16 rows of a group are quantized: code = clamp(round(weight / scale) + zero), and
/// weight ~ scale * (code - zero).
typedef struct CogGroupScales {
  float scale[COG_PANEL_ROWS];  ///< representable in F16
  float zero[COG_PANEL_ROWS];   ///< a whole number in the codes' range; 0 in int8
} CogGroupScales;

/// The codes of one group of a panel, [column][row]: 0 to 15 in int4, -127 to 127 in int8. Whole numbers, but
/// floats: bytes would have to be widened and narrowed again, which costs AVX2 a tenth of all its time here.
typedef struct CogGroupCodes {
  float codes[COG_LARGEST_GROUP][COG_PANEL_ROWS];
  size_t columns;  ///< columns of the group, padding included
} CogGroupCodes;

/// The codes that exist.
typedef struct CogRange {
  float least, most;
} CogRange;

COG_KERNEL inline CogRange cog_code_range(const bool is_int4) {
  return is_int4 ? (CogRange){0, 15} : (CogRange){-127, 127};
}

/// A positive scale as F16 holds it: rounded half to even, kept from the least subnormal to the largest
/// number.
COG_KERNEL inline float cog_round_scale(float scale) {
  scale = scale < 65504.0f ? scale : 65504.0f;
  const uint32_t bits = cog_bits_of_float(scale);
  const float normal = cog_float_of_bits((bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFFu);
  const float subnormal = (scale + 0.5f) - 0.5f;  // float32 from 0.5 to 1 are multiples of 2^-24
  const float rounded = scale < 0x1p-14f ? subnormal : normal;
  return rounded > 0x1p-24f ? rounded : 0x1p-24f;
}

COG_KERNEL inline float cog_clamp(float value, float least, float most) {
  value = value > least ? value : least;
  return value < most ? value : most;
}

COG_KERNEL inline float cog_round_integer(float value) { return (value + cog_rounder) - cog_rounder; }

/// A weight divided by its scale, rounded half to even: exact below 2^22, and beyond any range above.
COG_KERNEL inline float cog_round_quotient(float weight, float inverse) {
  return fmaf(weight, inverse, cog_rounder) - cog_rounder;
}

/// The nearest value that code - zero can take.
COG_KERNEL inline float cog_clamp_quantum(float quotient, float zero, CogRange range) {
  return cog_clamp(quotient, range.least - zero, range.most - zero);
}

/// code - zero of a weight, given the inverse of its scale; NaN gets a code too.
COG_KERNEL inline float cog_quantum(float weight, float inverse, float zero, CogRange range) {
  return cog_clamp_quantum(cog_round_quotient(weight, inverse), zero, range);
}

/// Rounds a group's weights to the nearest codes.
COG_KERNEL void cog_round_tile(
    const CogWeightTile *restrict tile, CogRange range, const CogGroupScales *restrict scales,
    CogGroupCodes *restrict codes) {
  float inverse[COG_PANEL_ROWS];
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / scales->scale[r];
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float zero = scales->zero[r];
      codes->codes[c][r] = cog_quantum(tile->weights[c][r], inverse[r], zero, range) + zero;
    }
  }
  codes->columns = tile->columns;
}

/// What the rows of a group lost, in double.
typedef struct CogGroupLoss {
  double squared_error[COG_PANEL_ROWS];
  double squared_sum[COG_PANEL_ROWS];
} CogGroupLoss;

COG_KERNEL void cog_measure_loss(
    const CogWeightTile *restrict tile, const CogGroupScales *restrict scales,
    const CogGroupCodes *restrict codes, CogGroupLoss *restrict loss) {
  memset(loss, 0, sizeof *loss);
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float weight = tile->weights[c][r];
      const float quantum = codes->codes[c][r] - scales->zero[r];
      const double lost = (double)weight - (double)(scales->scale[r] * quantum);
      loss->squared_error[r] = fma(lost, lost, loss->squared_error[r]);
      loss->squared_sum[r] = fma((double)weight, (double)weight, loss->squared_sum[r]);
    }
  }
}

/// Adds what a group lost to `error`. False where a weight is not finite, with its row in `error`: no sum of
/// squares of finite numbers is beyond the range of double.
COG_KERNEL bool cog_add_loss(const CogGroupLoss *loss, size_t group, CogPanelError *restrict error) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    if (!isfinite(loss->squared_sum[r])) {
      error->worst_row = r;
      error->worst_group = group;
      return false;
    }
    error->squared_error += loss->squared_error[r];
    error->squared_sum += loss->squared_sum[r];
    const double relative =
        loss->squared_sum[r] > 0 ? sqrt(loss->squared_error[r] / loss->squared_sum[r]) : 0;
    if (relative > error->worst_relative_error) {
      error->worst_relative_error = relative;
      error->worst_row = r;
      error->worst_group = group;
    }
  }
  return true;
}

#endif
