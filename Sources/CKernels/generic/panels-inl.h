// Reads quantized panels (Formats/int4.md).

#ifndef COG_PANELS_INL_H
#define COG_PANELS_INL_H

#include "conversions-inl.h"
#include "panel_layout.h"

COG_KERNEL inline float cog_panel_scale(
    const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, size_t row) {
  uint16_t half;
  memcpy(&half, panel + cog_scales_offset(matrix, group) + row * 2, sizeof half);
  return cog_float_of_f16(half);
}

COG_KERNEL inline uint8_t cog_panel_zero(
    const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, size_t row) {
  return panel[cog_zeros_offset(matrix, group) + row];
}

/// Column `j` of those that a row has in a line: its code, out of the row's four bytes there.
COG_INLINE int32_t cog_panel_code(const uint8_t *bytes, size_t j, const bool is_int4) {
  if (!is_int4) return (int8_t)bytes[j];
  return j < 4 ? bytes[j] & 15 : bytes[j - 4] >> 4;
}

/// Writes a row's `count` columns of a group whose lines begin with `bytes`, the row's first.
COG_INLINE void cog_dequantize_group(
    const uint8_t *restrict bytes, const bool is_int4, size_t count, float scale, int32_t zero,
    float *restrict output) {
  const size_t columns_in_line = is_int4 ? 8 : 4;
  for (; count >= columns_in_line; count -= columns_in_line, bytes += COG_LINE_BYTES) {
    COG_UNROLL for (size_t j = 0; j < columns_in_line; j++) {
      output[j] = scale * (float)(cog_panel_code(bytes, j, is_int4) - zero);
    }
    output += columns_in_line;
  }
  for (size_t j = 0; j < count; j++) output[j] = scale * (float)(cog_panel_code(bytes, j, is_int4) - zero);
}

COG_INLINE void cog_dequantize_rows(
    const CogPanelMatrix *matrix, const bool is_int4, size_t first_row, size_t end_row, size_t columns,
    float *restrict output, size_t output_stride) {
  for (size_t row = first_row; row < end_row; row++) {
    const uint8_t *panel = cog_panel(matrix, row / COG_PANEL_ROWS);
    const size_t lane = row % COG_PANEL_ROWS;
    float *out = output + (row - first_row) * output_stride;
    for (size_t group = 0; group < matrix->group_count; group++) {
      const size_t first = group * matrix->group_size;
      cog_dequantize_group(
          panel + cog_lines_offset(matrix, group, is_int4) + lane * 4, is_int4,
          cog_part_size(first, matrix->group_size, columns), cog_panel_scale(matrix, panel, group, lane),
          is_int4 ? cog_panel_zero(matrix, panel, group, lane) : 0, out + first);
    }
  }
}

COG_KERNEL void cog_dequantize(
    const CogPanelMatrix *matrix, size_t first_row, size_t end_row, size_t columns, float *restrict output,
    size_t output_stride) {
  if (matrix->bits == 4) {
    cog_dequantize_rows(matrix, true, first_row, end_row, columns, output, output_stride);
  } else {
    cog_dequantize_rows(matrix, false, first_row, end_row, columns, output, output_stride);
  }
}

#endif
