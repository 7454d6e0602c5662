// Quantizes 16 rows of weights at once: the rows are the lanes of every inner loop, so no sum crosses lanes
// and every instruction set takes the same choices. Compiled like elementwise.h; panel_tile.h must stand
// before it.

/// How each row of a group is quantized:
/// q = clamp(round(weight / scale) + zero), weight ~ scale * (q - zero).
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

/// A weight in steps of its scale, rounded half to even: exact below 2^22, and beyond any range above.
COG_KERNEL inline float cog_steps(float weight, float inverse) {
  return fmaf(weight, inverse, cog_rounder) - cog_rounder;
}

/// The nearest steps that q - zero can take.
COG_KERNEL inline float cog_allowed_steps(float steps, float zero, CogRange range) {
  return cog_clamp(steps, range.least - zero, range.most - zero);
}

/// q - zero of a weight, given the inverse of its scale.
COG_KERNEL inline float cog_quantum(float weight, float inverse, float zero, CogRange range) {
  return cog_allowed_steps(cog_steps(weight, inverse), zero, range);
}

/// Fills in the error of a choice.
COG_KERNEL inline void
cog_measure_choice(const CogTile *restrict tile, CogRange range, CogChoice *restrict choice) {
  float inverse[COG_PANEL_ROWS], sums[COG_PANEL_ROWS] = {0};
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / choice->scale[r];
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float weight = tile->weights[c][r];
      const float steps = cog_quantum(weight, inverse[r], choice->zero[r], range);
      const float error = fmaf(-choice->scale[r], steps, weight);
      sums[r] = fmaf(error, error, sums[r]);
    }
  }
  memcpy(choice->error, sums, sizeof sums);
}

/// Fills in the errors of two choices with the same scales: both begin with the same steps.
COG_KERNEL inline void
cog_measure_pair(const CogTile *restrict tile, CogRange range, CogChoice *restrict a, CogChoice *restrict b) {
  float inverse[COG_PANEL_ROWS], sums_a[COG_PANEL_ROWS] = {0}, sums_b[COG_PANEL_ROWS] = {0};
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / a->scale[r];
  for (size_t c = 0; c < tile->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float weight = tile->weights[c][r];
      const float steps = cog_steps(weight, inverse[r]);
      const float error_a = fmaf(-a->scale[r], cog_allowed_steps(steps, a->zero[r], range), weight);
      const float error_b = fmaf(-a->scale[r], cog_allowed_steps(steps, b->zero[r], range), weight);
      sums_a[r] = fmaf(error_a, error_a, sums_a[r]);
      sums_b[r] = fmaf(error_b, error_b, sums_b[r]);
    }
  }
  memcpy(a->error, sums_a, sizeof sums_a);
  memcpy(b->error, sums_b, sizeof sums_b);
}

/// Keeps, row by row, the better of a choice and `best`.
COG_KERNEL inline void cog_keep_better(const CogChoice *restrict choice, CogChoice *restrict best) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    // Values, not places, are chosen between: that is a blend of registers.
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
    const CogTile *restrict tile, CogRange range, CogChoice *restrict choice, CogChoice *restrict best) {
  cog_measure_choice(tile, range, choice);
  cog_keep_better(choice, best);
}

/// Tries the scales that minimize the squared error for the q of `best` (least squares), twice.
COG_KERNEL void cog_refine_choice(const CogTile *restrict tile, CogRange range, CogChoice *restrict best) {
  for (int round = 0; round < 2; round++) {
    CogChoice choice = *best;
    float inverse[COG_PANEL_ROWS], products[COG_PANEL_ROWS] = {0}, squares[COG_PANEL_ROWS] = {0};
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = 1.0f / best->scale[r];
    for (size_t c = 0; c < tile->columns; c++) {
      for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
        const float weight = tile->weights[c][r];
        const float steps = cog_quantum(weight, inverse[r], best->zero[r], range);
        products[r] = fmaf(weight, steps, products[r]);
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
  bool is_subnormal = false;
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    choice.scale[r] = cog_round_scale(step[r] + 0x1p-24f);
    is_subnormal |= step[r] < 0x1p-14f;
  }
  if (is_subnormal) cog_try_choice(tile, range, &choice, best);
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

/// Tries scales a little wider and narrower than the best.
COG_KERNEL void cog_try_neighbors(const CogTile *restrict tile, CogRange range, CogChoice *restrict best) {
  CogChoice wider = *best, narrower = *best;
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    wider.scale[r] = cog_round_scale(best->scale[r] * 1.025f);
    narrower.scale[r] = cog_round_scale(best->scale[r] * 0.975f);
  }
  cog_try_choice(tile, range, &wider, best);
  cog_try_choice(tile, range, &narrower, best);
}

/// Plain min-max quantization first, then narrower and wider ranges with the zero points on both sides of the
/// exact one, then the neighbors of the best, then least squares.
COG_KERNEL void cog_choose_int4(const CogTile *restrict tile, CogChoice *restrict best) {
  const CogRange range = {0, 15};
  float least[COG_PANEL_ROWS], most[COG_PANEL_ROWS], step[COG_PANEL_ROWS];
  CogChoice nearest, other;  // the zero points on the two sides of the exact one
  cog_tile_limits(tile, least, most);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    step[r] = most[r] / 15.0f - least[r] / 15.0f;
    best->scale[r] = cog_round_scale(step[r]);
    best->zero[r] = cog_round_integer(cog_clamp(-least[r] / best->scale[r], 0, 15));
    const float zero = cog_clamp(-least[r] / (step[r] > 0 ? step[r] : 1.0f), 0, 15);
    nearest.zero[r] = cog_round_integer(zero);
    other.zero[r] = cog_clamp(nearest.zero[r] > zero ? nearest.zero[r] - 1.0f : nearest.zero[r] + 1.0f, 0, 15);
  }
  cog_measure_choice(tile, range, best);
  cog_try_next_scale(tile, range, step, best);
  for (int shrink = 0; shrink < 6; shrink++) {
    const float factor = 1.04f - 0.05f * (float)shrink;
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      nearest.scale[r] = other.scale[r] = cog_round_scale(step[r] * factor);
    }
    cog_measure_pair(tile, range, &nearest, &other);
    cog_keep_better(&nearest, best);
    cog_keep_better(&other, best);
  }
  cog_try_neighbors(tile, range, best);
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
      const float steps = cog_quantum(weight, inverse[r], choice->zero[r], range);
      const double lost = (double)weight - (double)(choice->scale[r] * steps);
      loss->squared_error[r] = fma(lost, lost, loss->squared_error[r]);
      loss->squared_sum[r] = fma((double)weight, (double)weight, loss->squared_sum[r]);
      loss->most_steps[r] = fabsf(steps) > loss->most_steps[r] ? fabsf(steps) : loss->most_steps[r];
    }
  }
}

/// Adds what a group lost to `error`, and makes rows that became zeros the canonical zeros. False where a
/// weight is not finite, with its row in `error`: no sum of squares of finite numbers is beyond the range of
/// double.
COG_KERNEL bool cog_finish_choice(
    const CogTile *restrict tile, CogRange range, size_t group, CogChoice *restrict choice,
    CogPanelError *restrict error) {
  CogGroupLoss loss;
  cog_measure_loss(tile, range, choice, &loss);
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    if (!isfinite(loss.squared_sum[r])) {
      error->worst_row = r;
      error->worst_group = group;
      return false;
    }
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
  return true;
}

COG_KERNEL void cog_store_header(
    const CogPanelMatrix *matrix, const CogChoice *choice, size_t group, bool has_zeros, uint8_t *panel) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const uint16_t scale = cog_f16_of_float(choice->scale[r]);
    memcpy(panel + cog_scales_offset(matrix, group) + r * 2, &scale, sizeof scale);
    if (has_zeros) panel[cog_zeros_offset(matrix, group) + r] = (uint8_t)choice->zero[r];
  }
}

COG_KERNEL bool cog_is_panel_input(const CogPanelMatrix *matrix, size_t rows, size_t columns) {
  return matrix->group_size <= COG_LARGEST_GROUP && matrix->group_size % 8 == 0 && matrix->group_size > 0 &&
         rows <= COG_PANEL_ROWS && columns <= matrix->padded_columns;
}

/// Writes the lines of a group: each row's 32-bit word holds 8 columns in int4 and 4 in int8.
COG_INLINE void cog_store_lines(
    const CogTile *restrict tile, CogRange range, const CogChoice *restrict choice, const bool is_int4,
    uint8_t *restrict lines) {
  const size_t columns_in_line = is_int4 ? 8 : 4;
  float inverse[COG_PANEL_ROWS];
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) inverse[r] = choice->scale[r] > 0 ? 1.0f / choice->scale[r] : 0;
  for (size_t first = 0; first < tile->columns; first += columns_in_line, lines += COG_LINE_BYTES) {
    uint32_t words[COG_PANEL_ROWS] = {0};
    COG_UNROLL for (size_t j = 0; j < columns_in_line; j++) {
      const uint32_t shift = (uint32_t)(j < 4 ? 8 * j : 8 * (j - 4) + 4);
      for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
        const float zero = choice->zero[r];
        const float steps = cog_quantum(tile->weights[first + j][r], inverse[r], zero, range);
        words[r] |= ((uint32_t)(int32_t)(steps + zero) & 0xFF) << shift;
      }
    }
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      COG_UNROLL for (size_t byte = 0; byte < 4; byte++) lines[r * 4 + byte] = (uint8_t)(words[r] >> 8 * byte);
    }
  }
}

COG_INLINE CogStatus cog_quantize_panel(
    const CogPanelMatrix *matrix, const bool is_int4, const float *weights, size_t weight_stride, size_t rows,
    size_t columns, uint8_t *panel, CogPanelError *error) {
  const CogRange range = is_int4 ? (CogRange){0, 15} : (CogRange){-127, 127};
  memset(error, 0, sizeof *error);
  if (!cog_is_panel_input(matrix, rows, columns)) return COG_BAD_ARGUMENT;
  for (size_t group = 0; group < matrix->group_count; group++) {
    CogTile tile;
    CogChoice choice;
    const size_t first = group * matrix->group_size;
    if (group % COG_BLOCK_GROUPS == 0) memset(panel + cog_scales_offset(matrix, group), 0, matrix->header_bytes);
    tile.columns = cog_group_columns(matrix, group);
    cog_load_tile(&tile, weights, weight_stride, rows, columns, first);
    if (is_int4) {
      cog_choose_int4(&tile, &choice);
    } else {
      cog_choose_int8(&tile, &choice);
    }
    if (!cog_finish_choice(&tile, range, group, &choice, error)) return COG_NOT_FINITE;
    cog_store_header(matrix, &choice, group, is_int4, panel);
    cog_store_lines(&tile, range, &choice, is_int4, panel + cog_lines_offset(matrix, group, is_int4));
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
