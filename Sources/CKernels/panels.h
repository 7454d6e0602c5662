// Quantized panels (Formats/int4.md) in plain C, compiled like elementwise.h, which must stand before it with
// conversions.h.

enum { COG_PANEL_ROWS = 16, COG_LINE_BYTES = 64 };

/// What the SIMD dot products take: one group of one panel with the same group of several tokens.
typedef struct CogGroupInput {
  const uint8_t *lines;
  size_t columns;
  const int8_t *values;  ///< of the first token
  size_t stride;
} CogGroupInput;

/// Asks for the line 2048 bytes ahead: with one token, memory is what limits, and the processor's own
/// prefetching left a fifth of it unused. The address is a hint that may lie beyond the weights; it is
/// never read.
COG_KERNEL inline void cog_prefetch_line(const uint8_t *line) {
  __builtin_prefetch((const void *)((uintptr_t)line + 2048));
}

/// Columns of a group that exist, padding included: a row's last group may be short.
COG_KERNEL inline size_t cog_group_columns(const CogPanelMatrix *matrix, size_t group) {
  const size_t first = group * matrix->group_size;
  const size_t left = matrix->padded_columns - first;
  return left < matrix->group_size ? left : matrix->group_size;
}

COG_KERNEL inline const uint8_t *cog_panel(const CogPanelMatrix *matrix, size_t panel) {
  return matrix->panels + panel * matrix->panel_bytes;
}

/// Rows of a panel that are rows of the matrix.
COG_KERNEL inline size_t cog_panel_rows(const CogPanelMatrix *matrix, size_t panel) {
  const size_t left = matrix->rows - panel * COG_PANEL_ROWS;
  return left < COG_PANEL_ROWS ? left : COG_PANEL_ROWS;
}

COG_KERNEL inline float cog_panel_scale(const uint8_t *panel, size_t group, size_t row) {
  uint16_t half;
  memcpy(&half, panel + (group * COG_PANEL_ROWS + row) * 2, sizeof half);
  return cog_float_of_f16(half);
}

COG_KERNEL inline uint8_t
cog_panel_zero(const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, size_t row) {
  return panel[matrix->group_count * COG_PANEL_ROWS * 2 + group * COG_PANEL_ROWS + row];
}

COG_KERNEL void cog_quantize_activations(
    const float *restrict x, size_t columns, size_t padded_columns, size_t group_size,
    int8_t *restrict values, float *restrict scales, int32_t *restrict sums) {
  for (size_t first = 0, group = 0; first < padded_columns; first += group_size, group++) {
    const size_t end = first + group_size < columns ? first + group_size : columns;
    const size_t padded_end = first + group_size < padded_columns ? first + group_size : padded_columns;
    // The bits of |x| order as the numbers do, and NaN and infinity come last.
    uint32_t largest = 0;
    for (size_t i = first; i < end; i++) {
      const uint32_t magnitude = cog_bits_of_float(x[i]) & 0x7FFFFFFF;
      largest = magnitude > largest ? magnitude : largest;
    }
    const bool finite = largest < 0x7F800000;
    const float scale = finite ? cog_float_of_bits(largest) / 127.0f : NAN;
    scales[group] = scale;
    sums[group] = 0;
    if (!finite || scale == 0.0f) {
      memset(values + first, 0, padded_end - first);
      continue;
    }
    int32_t sum = 0;
    for (size_t i = first; i < end; i++) {
      // Only a subnormal scale is coarse enough for a ratio beyond 127.
      float ratio = x[i] / scale;
      ratio = ratio > 127.0f ? 127.0f : ratio;
      ratio = ratio < -127.0f ? -127.0f : ratio;
      const float shifted = ratio + cog_rounder;
      const int32_t q = (int32_t)(cog_bits_of_float(shifted) - cog_bits_of_float(cog_rounder));
      values[i] = (int8_t)q;
      sum += q;
    }
    if (end < padded_end) memset(values + end, 0, padded_end - end);
    sums[group] = sum;
  }
}

COG_KERNEL void cog_dequantize_int4(
    const CogPanelMatrix *matrix, size_t first_row, size_t end_row, size_t columns, float *restrict output,
    size_t output_stride) {
  for (size_t row = first_row; row < end_row; row++) {
    const uint8_t *panel = cog_panel(matrix, row / COG_PANEL_ROWS);
    const size_t lane = row % COG_PANEL_ROWS;
    float *out = output + (row - first_row) * output_stride;
    for (size_t group = 0; group < matrix->group_count; group++) {
      const float scale = cog_panel_scale(panel, group, lane);
      const int32_t zero = cog_panel_zero(matrix, panel, group, lane);
      const size_t first = group * matrix->group_size;
      const size_t limit = first + cog_group_columns(matrix, group);
      const size_t end = limit < columns ? limit : columns;
      for (size_t column = first; column < end; column++) {
        const size_t in_line = column % 8;
        const uint8_t byte =
            panel[matrix->header_bytes + column / 8 * COG_LINE_BYTES + lane * 4 + in_line % 4];
        const int32_t q = in_line < 4 ? byte & 15 : byte >> 4;
        out[column] = scale * (float)(q - zero);
      }
    }
  }
}

COG_KERNEL void cog_dequantize_int8(
    const CogPanelMatrix *matrix, size_t first_row, size_t end_row, size_t columns, float *restrict output,
    size_t output_stride) {
  for (size_t row = first_row; row < end_row; row++) {
    const uint8_t *panel = cog_panel(matrix, row / COG_PANEL_ROWS);
    const size_t lane = row % COG_PANEL_ROWS;
    float *out = output + (row - first_row) * output_stride;
    for (size_t group = 0; group < matrix->group_count; group++) {
      const float scale = cog_panel_scale(panel, group, lane);
      const size_t first = group * matrix->group_size;
      const size_t limit = first + cog_group_columns(matrix, group);
      const size_t end = limit < columns ? limit : columns;
      for (size_t column = first; column < end; column++) {
        const uint8_t byte =
            panel[matrix->header_bytes + column / 4 * COG_LINE_BYTES + lane * 4 + column % 4];
        out[column] = scale * (float)(int8_t)byte;
      }
    }
  }
}
