// Quantized panels (Formats/int4.md) in plain C, compiled like elementwise.h, which must stand before it with
// conversions.h.

#include "panel_layout.h"

/// What the SIMD dot products take: one group of one panel with the same group of a tile's tokens.
typedef struct CogGroupInput {
  const uint8_t *lines;
  size_t columns;
  const int8_t *values;  ///< [columns / 4][tokens][4]
} CogGroupInput;

/// With a token or a few, memory is what limits. A panel is read from its first byte to its last, which the
/// processor's own prefetching is best at; but that ends with a page, and waits for the translation of the
/// next one's address. So every two kilobytes a line of each of the next two pages is asked for, into the
/// second-level cache; more hints than these get in its way. `bytes` are read from `line` on before the next
/// call. The addresses may lie beyond the weights; they are never read.
COG_KERNEL inline void cog_prefetch_pages(const uint8_t *line, size_t bytes) {
  enum { PAGE_BYTES = 4096, STEP_BYTES = 2048 };
  const uintptr_t address = (uintptr_t)line;
  if (address % STEP_BYTES >= bytes) return;
  __builtin_prefetch((const void *)(address + PAGE_BYTES), 0, 1);
  __builtin_prefetch((const void *)(address + 2 * PAGE_BYTES), 0, 1);
}

COG_KERNEL inline float
cog_panel_scale(const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, size_t row) {
  uint16_t half;
  memcpy(&half, panel + cog_scales_offset(matrix, group) + row * 2, sizeof half);
  return cog_float_of_f16(half);
}

COG_KERNEL inline uint8_t
cog_panel_zero(const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, size_t row) {
  return panel[cog_zeros_offset(matrix, group) + row];
}

COG_KERNEL void cog_dequantize_int4(
    const CogPanelMatrix *matrix, size_t first_row, size_t end_row, size_t columns, float *restrict output,
    size_t output_stride) {
  for (size_t row = first_row; row < end_row; row++) {
    const uint8_t *panel = cog_panel(matrix, row / COG_PANEL_ROWS);
    const size_t lane = row % COG_PANEL_ROWS;
    float *out = output + (row - first_row) * output_stride;
    for (size_t group = 0; group < matrix->group_count; group++) {
      const float scale = cog_panel_scale(matrix, panel, group, lane);
      const int32_t zero = cog_panel_zero(matrix, panel, group, lane);
      const uint8_t *lines = panel + cog_lines_offset(matrix, group, true);
      const size_t first = group * matrix->group_size;
      const size_t limit = first + cog_group_columns(matrix, group);
      const size_t end = limit < columns ? limit : columns;
      for (size_t column = first; column < end; column++) {
        const size_t in_line = column % 8;
        const uint8_t byte = lines[(column - first) / 8 * COG_LINE_BYTES + lane * 4 + in_line % 4];
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
      const float scale = cog_panel_scale(matrix, panel, group, lane);
      const uint8_t *lines = panel + cog_lines_offset(matrix, group, false);
      const size_t first = group * matrix->group_size;
      const size_t limit = first + cog_group_columns(matrix, group);
      const size_t end = limit < columns ? limit : columns;
      for (size_t column = first; column < end; column++) {
        const uint8_t byte = lines[(column - first) / 4 * COG_LINE_BYTES + lane * 4 + column % 4];
        out[column] = scale * (float)(int8_t)byte;
      }
    }
  }
}
