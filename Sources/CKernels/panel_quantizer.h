// Quantizes 16 rows of weights at once: the rows are the lanes of every inner loop, so no sum crosses lanes
// and every instruction set takes the same choices. Compiled like elementwise.h; panels.h must stand before
// it.



/// The weights of one group of a panel, [column][row]; rows and columns that do not exist are zero.
typedef struct CogTile {
  float weights[COG_LARGEST_GROUP][COG_PANEL_ROWS];
  size_t columns;  ///< columns of the group, padding included
} CogTile;

/// How each row of a group is quantized:
/// q = clamp(round(weight / scale + zero)), weight ~ scale * (q - zero).
typedef struct CogChoice {
  float scale[COG_PANEL_ROWS];  ///< representable in F16
  float zero[COG_PANEL_ROWS];   ///< a whole number
  float error[COG_PANEL_ROWS];  ///< sum of squared errors
} CogChoice;

/// The values that q may take.
typedef struct CogRange {
  float least, most;
} CogRange;

/// A positive scale as F16 holds it: rounded half to even, kept from the least subnormal to the largest
/// number.
COG_KERNEL inline float cog_round_scale(float scale) {
  scale = scale < 65504.0f ? scale : 65504.0f;
  const uint32_t bits = cog_bits_of_float(scale);
  const float normal = cog_float_of_bits((bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFFu);
  const float subnormal = (scale + 0.5f) - 0.5f;  // float32 from 0.5 to 1 has steps of 2^-24
  const float rounded = scale < 0x1p-14f ? subnormal : normal;
  return rounded > 0x1p-24f ? rounded : 0x1p-24f;
}

COG_KERNEL inline float cog_clamp(float value, float least, float most) {
  value = value > least ? value : least;
  return value < most ? value : most;
}

COG_KERNEL inline float cog_round_integer(float value) { return (value + cog_rounder) - cog_rounder; }

/// q of a weight, given the inverse of its scale.
COG_KERNEL inline float cog_quantum(float weight, float inverse, float zero, CogRange range) {
  return cog_round_integer(cog_clamp(fmaf(weight, inverse, zero), range.least, range.most));
}

/// Fills in the error of a choice.
COG_KERNEL inline void
cog_measure_choice(const CogTile *restrict tile, CogRange range, CogChoice *restrict choice) {
  float inverse[COG_PANEL_ROWS], sums[COG_PANEL_ROWS] = {0};
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / choice->scale[r];
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float q = cog_quantum(tile->weights[c][r], inverse[r], choice->zero[r], range);
      const float error = fmaf(-choice->scale[r], q - choice->zero[r], tile->weights[c][r]);
      sums[r] = fmaf(error, error, sums[r]);
    }
  }
  memcpy(choice->error, sums, sizeof sums);
}

/// Measures a choice and keeps, row by row, the better of it and `best`.
COG_KERNEL inline void cog_try_choice(
    const CogTile *restrict tile, CogRange range, CogChoice *restrict choice, CogChoice *restrict best) {
  cog_measure_choice(tile, range, choice);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const bool better = choice->error[r] < best->error[r];
    best->scale[r] = better ? choice->scale[r] : best->scale[r];
    best->zero[r] = better ? choice->zero[r] : best->zero[r];
    best->error[r] = better ? choice->error[r] : best->error[r];
  }
}

/// Tries the scales that minimize the squared error for the q of `best` (least squares), twice.
COG_KERNEL void cog_refine_choice(const CogTile *restrict tile, CogRange range, CogChoice *restrict best) {
  for (int round = 0; round < 2; round++) {
    CogChoice choice = *best;
    float inverse[COG_PANEL_ROWS], products[COG_PANEL_ROWS] = {0}, squares[COG_PANEL_ROWS] = {0};
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / best->scale[r];
    for (size_t c = 0; c < tile->columns; c++) {
      for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
        const float steps =
            cog_quantum(tile->weights[c][r], inverse[r], best->zero[r], range) - best->zero[r];
        products[r] = fmaf(tile->weights[c][r], steps, products[r]);
        squares[r] = fmaf(steps, steps, squares[r]);
      }
    }
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float scale = cog_round_scale(products[r] / (squares[r] > 0 ? squares[r] : 1.0f));
      choice.scale[r] = squares[r] > 0 ? scale : best->scale[r];
    }
    cog_try_choice(tile, range, &choice, best);
  }
}

/// Tries the scale one subnormal step above `step`: below 2^-14 the steps of F16 are coarse, and a scale
/// that was rounded down would clip the largest weights.
COG_KERNEL void cog_try_next_scale(
    const CogTile *restrict tile, CogRange range, const float *restrict step, CogChoice *restrict best) {
  CogChoice choice = *best;
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) choice.scale[r] = cog_round_scale(step[r] + 0x1p-24f);
  cog_try_choice(tile, range, &choice, best);
}

/// The least and the largest weight of each row, 0 included.
COG_KERNEL void cog_tile_limits(const CogTile *restrict tile, float *restrict least, float *restrict most) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) least[r] = most[r] = 0;
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float weight = tile->weights[c][r];
      least[r] = weight < least[r] ? weight : least[r];
      most[r] = weight > most[r] ? weight : most[r];
    }
  }
}

/// Plain min-max quantization first, then narrower and wider ranges with the zero points on both sides of the
/// exact one, then least squares.
COG_KERNEL void cog_choose_int4(const CogTile *restrict tile, CogChoice *restrict best) {
  const CogRange range = {0, 15};
  float least[COG_PANEL_ROWS], most[COG_PANEL_ROWS], step[COG_PANEL_ROWS], zero[COG_PANEL_ROWS];
  cog_tile_limits(tile, least, most);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    step[r] = most[r] / 15.0f - least[r] / 15.0f;
    best->scale[r] = cog_round_scale(step[r]);
    best->zero[r] = cog_round_integer(cog_clamp(-least[r] / best->scale[r], 0, 15));
    zero[r] = cog_clamp(-least[r] / (step[r] > 0 ? step[r] : 1.0f), 0, 15);
  }
  cog_measure_choice(tile, range, best);
  cog_try_next_scale(tile, range, step, best);
  for (int shrink = 0; shrink < 12; shrink++) {
    const float factor = 1.04f - 0.025f * (float)shrink;
    for (int side = 0; side < 2; side++) {
      CogChoice choice;
      for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
        const float nearest = cog_round_integer(zero[r]);
        const float other = nearest > zero[r] ? nearest - 1.0f : nearest + 1.0f;
        choice.scale[r] = cog_round_scale(step[r] * factor);
        choice.zero[r] = side == 0 ? nearest : cog_clamp(other, 0, 15);
      }
      cog_try_choice(tile, range, &choice, best);
    }
  }
  cog_refine_choice(tile, range, best);
}

/// The scale of the largest weight, a few smaller ones, then least squares.
COG_KERNEL void cog_choose_int8(const CogTile *restrict tile, CogChoice *restrict best) {
  const CogRange range = {-127, 127};
  float least[COG_PANEL_ROWS], most[COG_PANEL_ROWS], step[COG_PANEL_ROWS];
  cog_tile_limits(tile, least, most);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    step[r] = (most[r] > -least[r] ? most[r] : -least[r]) / 127.0f;
    best->scale[r] = cog_round_scale(step[r]);
    best->zero[r] = 0;
  }
  cog_measure_choice(tile, range, best);
  cog_try_next_scale(tile, range, step, best);
  for (int shrink = 0; shrink < 8; shrink++) {
    CogChoice choice = *best;
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      choice.scale[r] = cog_round_scale(step[r] * (1.001f - 0.003f * (float)shrink));
    }
    cog_try_choice(tile, range, &choice, best);
  }
  cog_refine_choice(tile, range, best);
}

/// Copies a group of weights; false where one is not finite, with its row in `error`.
COG_KERNEL bool cog_load_tile(
    CogTile *restrict tile, const float *restrict weights, size_t stride, size_t rows, size_t columns,
    size_t first, CogPanelError *restrict error) {
  const size_t left = columns > first ? columns - first : 0;
  const size_t existing = left < tile->columns ? left : tile->columns;
  memset(tile->weights, 0, sizeof tile->weights);
  for (size_t r = 0; r < rows; r++) {
    uint32_t largest = 0;
    for (size_t c = 0; c < existing; c++) {
      const float weight = weights[r * stride + first + c];
      const uint32_t magnitude = cog_bits_of_float(weight) & 0x7FFFFFFF;
      largest = magnitude > largest ? magnitude : largest;
      tile->weights[c][r] = weight;
    }
    if (largest >= 0x7F800000) {
      error->worst_row = r;
      return false;
    }
  }
  return true;
}

/// What the rows of a group lost, in double, and the largest |q - zero| of each.
typedef struct CogGroupLoss {
  double squared_error[COG_PANEL_ROWS];
  double squared_sum[COG_PANEL_ROWS];
  float most_steps[COG_PANEL_ROWS];
} CogGroupLoss;

COG_KERNEL void cog_measure_loss(
    const CogTile *restrict tile, CogRange range, const CogChoice *restrict choice,
    CogGroupLoss *restrict loss) {
  float inverse[COG_PANEL_ROWS];
  memset(loss, 0, sizeof *loss);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / choice->scale[r];
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float weight = tile->weights[c][r];
      const float steps = cog_quantum(weight, inverse[r], choice->zero[r], range) - choice->zero[r];
      const double lost = (double)weight - (double)(choice->scale[r] * steps);
      loss->squared_error[r] += lost * lost;
      loss->squared_sum[r] += (double)weight * (double)weight;
      loss->most_steps[r] = fabsf(steps) > loss->most_steps[r] ? fabsf(steps) : loss->most_steps[r];
    }
  }
}

/// Adds what a group lost to `error`, and makes rows that became zeros the canonical zeros.
COG_KERNEL void cog_finish_choice(
    const CogTile *restrict tile, CogRange range, size_t group, CogChoice *restrict choice,
    CogPanelError *restrict error) {
  CogGroupLoss loss;
  cog_measure_loss(tile, range, choice, &loss);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    if (loss.most_steps[r] == 0) choice->scale[r] = choice->zero[r] = 0;
    error->squared_error += loss.squared_error[r];
    error->squared_sum += loss.squared_sum[r];
    const double relative =
        loss.squared_sum[r] > 0 ? sqrt(loss.squared_error[r] / loss.squared_sum[r]) : 0;
    if (relative > error->worst_relative_error) {
      error->worst_relative_error = relative;
      error->worst_row = r;
      error->worst_group = group;
    }
  }
}

COG_KERNEL void cog_store_header(
    const CogPanelMatrix *matrix, const CogChoice *choice, size_t group, bool has_zeros, uint8_t *panel) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const uint16_t scale = cog_f16_of_float(choice->scale[r]);
    memcpy(panel + (group * COG_PANEL_ROWS + r) * 2, &scale, sizeof scale);
    if (has_zeros) {
      panel[matrix->group_count * COG_PANEL_ROWS * 2 + group * COG_PANEL_ROWS + r] = (uint8_t)choice->zero[r];
    }
  }
}

/// q of a whole tile, [column][row].
COG_KERNEL void cog_quantize_tile(
    const CogTile *restrict tile, CogRange range, const CogChoice *restrict choice,
    int8_t quanta[COG_LARGEST_GROUP][COG_PANEL_ROWS]) {
  float inverse[COG_PANEL_ROWS];
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = choice->scale[r] > 0 ? 1.0f / choice->scale[r] : 0;
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      quanta[c][r] = (int8_t)cog_quantum(tile->weights[c][r], inverse[r], choice->zero[r], range);
    }
  }
}

COG_KERNEL bool cog_is_panel_input(const CogPanelMatrix *matrix, size_t rows, size_t columns) {
  return matrix->group_size <= COG_LARGEST_GROUP && matrix->group_size % 8 == 0 && matrix->group_size > 0 &&
         rows <= COG_PANEL_ROWS && columns <= matrix->padded_columns;
}

/// Writes the lines of a group: two columns to a byte in int4, one in int8.
COG_KERNEL void cog_store_lines(
    int8_t quanta[COG_LARGEST_GROUP][COG_PANEL_ROWS], size_t columns, bool is_int4, uint8_t *lines) {
  const size_t columns_in_line = is_int4 ? 8 : 4;
  for (size_t i = 0; i < columns / columns_in_line * COG_LINE_BYTES; i++) {
    const size_t column = i / COG_LINE_BYTES * columns_in_line + i % 4, row = i % COG_LINE_BYTES / 4;
    lines[i] =
        (uint8_t)(is_int4 ? quanta[column][row] | quanta[column + 4][row] << 4 : quanta[column][row]);
  }
}

COG_KERNEL inline CogStatus cog_quantize_panel(
    const CogPanelMatrix *matrix, bool is_int4, const float *weights, size_t weight_stride, size_t rows,
    size_t columns, uint8_t *panel, CogPanelError *error) {
  const CogRange range = is_int4 ? (CogRange){0, 15} : (CogRange){-127, 127};
  memset(error, 0, sizeof *error);
  if (!cog_is_panel_input(matrix, rows, columns)) return COG_BAD_ARGUMENT;
  memset(panel, 0, matrix->header_bytes);
  for (size_t group = 0; group < matrix->group_count; group++) {
    CogTile tile;
    CogChoice choice;
    int8_t quanta[COG_LARGEST_GROUP][COG_PANEL_ROWS];
    const size_t first = group * matrix->group_size;
    tile.columns = cog_group_columns(matrix, group);
    if (!cog_load_tile(&tile, weights, weight_stride, rows, columns, first, error)) {
      error->worst_group = group;
      return COG_NOT_FINITE;
    }
    if (is_int4) {
      cog_choose_int4(&tile, &choice);
    } else {
      cog_choose_int8(&tile, &choice);
    }
    cog_finish_choice(&tile, range, group, &choice, error);
    cog_store_header(matrix, &choice, group, is_int4, panel);
    cog_quantize_tile(&tile, range, &choice, quanta);
    uint8_t *lines = panel + matrix->header_bytes + first / (is_int4 ? 8 : 4) * COG_LINE_BYTES;
    cog_store_lines(quanta, tile.columns, is_int4, lines);
  }
  return COG_OK;
}

COG_KERNEL CogStatus cog_quantize_int4(
    const CogPanelMatrix *matrix, const float *weights, size_t weight_stride, size_t rows, size_t columns,
    uint8_t *panel, CogPanelError *error) {
  return cog_quantize_panel(matrix, true, weights, weight_stride, rows, columns, panel, error);
}

COG_KERNEL CogStatus cog_quantize_int8(
    const CogPanelMatrix *matrix, const float *weights, size_t weight_stride, size_t rows, size_t columns,
    uint8_t *panel, CogPanelError *error) {
  return cog_quantize_panel(matrix, false, weights, weight_stride, rows, columns, panel, error);
}
