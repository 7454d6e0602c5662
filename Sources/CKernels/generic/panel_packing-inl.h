// Packs codes, scales and zero points into the bytes of a panel (Formats/int4.md), wherever the codes come
// from.

#ifndef COG_PANEL_PACKING_INL_H
#define COG_PANEL_PACKING_INL_H

#include "conversions-inl.h"
#include "panel_rounding-inl.h"

/// Makes rows that hold zeros the canonical zeros: scale, zero point and codes 0.
COG_KERNEL void cog_clear_zero_rows(CogGroupScales *restrict scales, CogGroupCodes *restrict codes) {
  float largest[COG_PANEL_ROWS] = {0};
  for (size_t c = 0; c < codes->columns; c++) {
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      const float magnitude = fabsf(codes->codes[c][r] - scales->zero[r]);
      largest[r] = magnitude > largest[r] ? magnitude : largest[r];
    }
  }
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    if (largest[r] > 0 && scales->scale[r] > 0) continue;
    scales->scale[r] = scales->zero[r] = 0;
    for (size_t c = 0; c < codes->columns; c++) codes->codes[c][r] = 0;
  }
}

COG_KERNEL void cog_pack_scales(
    const CogPanelMatrix *matrix, const CogGroupScales *scales, size_t group, bool has_zeros,
    uint8_t *panel) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const uint16_t scale = cog_f16_of_float(scales->scale[r]);
    memcpy(panel + cog_scales_offset(matrix, group) + r * 2, &scale, sizeof scale);
    if (has_zeros) panel[cog_zeros_offset(matrix, group) + r] = (uint8_t)scales->zero[r];
  }
}

/// Writes the lines of a group: each row's 32-bit word holds 8 columns in int4 and 4 in int8.
COG_INLINE void cog_pack_codes(
    const CogGroupCodes *restrict codes, const bool is_int4, uint8_t *restrict lines) {
  const size_t columns_in_line = is_int4 ? 8 : 4;
  for (size_t first = 0; first < codes->columns; first += columns_in_line, lines += COG_LINE_BYTES) {
    uint32_t words[COG_PANEL_ROWS] = {0};
    COG_UNROLL for (size_t j = 0; j < columns_in_line; j++) {
      const uint32_t shift = (uint32_t)(j < 4 ? 8 * j : 8 * (j - 4) + 4);
      for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
        words[r] |= ((uint32_t)(int32_t)codes->codes[first + j][r] & 0xFF) << shift;
      }
    }
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      COG_UNROLL for (size_t byte = 0; byte < 4; byte++)
        lines[r * 4 + byte] = (uint8_t)(words[r] >> 8 * byte);
    }
  }
}

/// Writes one group of a panel; groups come in order, so that the first of a block clears its header.
COG_INLINE void cog_pack_group(
    const CogPanelMatrix *matrix, const bool is_int4, size_t group, CogGroupScales *restrict scales,
    CogGroupCodes *restrict codes, uint8_t *restrict panel) {
  if (group % COG_BLOCK_GROUPS == 0)
    memset(panel + cog_scales_offset(matrix, group), 0, matrix->header_bytes);
  cog_clear_zero_rows(scales, codes);
  cog_pack_scales(matrix, scales, group, is_int4, panel);
  cog_pack_codes(codes, is_int4, panel + cog_lines_offset(matrix, group, is_int4));
}

COG_KERNEL bool cog_is_panel_input(const CogPanelMatrix *matrix, size_t rows, size_t columns) {
  return matrix->group_size <= COG_LARGEST_GROUP && matrix->group_size % 8 == 0 && matrix->group_size > 0 &&
         (matrix->bits == 4 || matrix->bits == 8) && rows <= COG_PANEL_ROWS &&
         columns <= matrix->padded_columns;
}

/// A group's codes, scales and zero points out of those of whole rows; false where the format has no such
/// number.
COG_KERNEL bool cog_load_codes(
    const CogPanelMatrix *matrix, const CogPanelCodes *source, size_t group, CogRange range,
    CogGroupScales *restrict scales, CogGroupCodes *restrict codes) {
  const size_t first = group * matrix->group_size, columns = cog_group_columns(matrix, group);
  const size_t existing = cog_part_size(first, columns, source->columns);
  bool is_valid = true;
  memset(scales, 0, sizeof *scales);
  memset(codes->codes, 0, columns * sizeof codes->codes[0]);
  codes->columns = columns;
  for (size_t r = 0; r < source->rows; r++) {
    const float scale = source->scales[r * matrix->group_count + group];
    const uint8_t zero = source->zeros ? source->zeros[r * matrix->group_count + group] : 0;
    is_valid &= scale >= 0 && cog_float_of_f16(cog_f16_of_float(scale)) == scale && scale <= 65504.0f;
    is_valid &= matrix->bits == 4 ? zero <= 15 : zero == 0;
    scales->scale[r] = scale;
    scales->zero[r] = zero;
    for (size_t c = 0; c < columns; c++) {
      const float code = c < existing ? source->codes[r * source->columns + first + c] : zero;
      is_valid &= code >= range.least && code <= range.most;
      codes->codes[c][r] = code;
    }
  }
  return is_valid;
}

COG_INLINE CogStatus cog_pack_panel_codes(
    const CogPanelMatrix *matrix, const bool is_int4, const CogPanelCodes *source, uint8_t *panel) {
  for (size_t group = 0; group < matrix->group_count; group++) {
    CogGroupScales scales;
    CogGroupCodes codes;
    if (!cog_load_codes(matrix, source, group, cog_code_range(is_int4), &scales, &codes))
      return COG_BAD_ARGUMENT;
    cog_pack_group(matrix, is_int4, group, &scales, &codes, panel);
  }
  return COG_OK;
}

COG_KERNEL CogStatus
cog_pack_panel(const CogPanelMatrix *matrix, const CogPanelCodes *source, uint8_t *panel) {
  if (!cog_is_panel_input(matrix, source->rows, source->columns)) return COG_BAD_ARGUMENT;
  return matrix->bits == 4 ? cog_pack_panel_codes(matrix, true, source, panel)
                           : cog_pack_panel_codes(matrix, false, source, panel);
}

#endif
