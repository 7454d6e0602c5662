// Where the parts of quantized panels lie (Formats/int4.md, "Sizes" and "A panel").

#ifndef COG_PANEL_LAYOUT_H
#define COG_PANEL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CogPanels.h"

enum { COG_PANEL_ROWS = 16, COG_LINE_BYTES = 64, COG_LARGEST_GROUP = 128 };
/// Groups of a block, and the bytes of their scales, behind which the zero points lie.
enum { COG_BLOCK_GROUPS = 4, COG_BLOCK_SCALE_BYTES = COG_BLOCK_GROUPS * COG_PANEL_ROWS * 2 };

/// How many of `count` things lie in the part that begins with `first` and holds `most`.
static inline size_t cog_part_size(size_t first, size_t most, size_t count) {
  const size_t left = count > first ? count - first : 0;
  return left < most ? left : most;
}

/// How many of `count` things a part holds at most where as few parts as hold `most` each are about alike.
static inline size_t cog_even_part_size(size_t count, size_t most) {
  const size_t parts = (count + most - 1) / most;
  return (count + parts - 1) / parts;
}

/// Columns of a group that exist, padding included: a row's last group may be short.
static inline size_t cog_group_columns(const CogPanelMatrix *matrix, size_t group) {
  return cog_part_size(group * matrix->group_size, matrix->group_size, matrix->padded_columns);
}

static inline const uint8_t *cog_panel(const CogPanelMatrix *matrix, size_t panel) {
  return matrix->panels + panel * matrix->panel_bytes;
}

/// Where the scales of a group lie in a panel.
static inline size_t cog_scales_offset(const CogPanelMatrix *matrix, size_t group) {
  return group / COG_BLOCK_GROUPS * matrix->block_bytes + group % COG_BLOCK_GROUPS * COG_PANEL_ROWS * 2;
}

/// Where the zero points of a group lie in a panel (int4 only).
static inline size_t cog_zeros_offset(const CogPanelMatrix *matrix, size_t group) {
  return group / COG_BLOCK_GROUPS * matrix->block_bytes + COG_BLOCK_SCALE_BYTES +
         group % COG_BLOCK_GROUPS * COG_PANEL_ROWS;
}

/// Where the lines of a group lie in a panel.
static inline size_t cog_lines_offset(const CogPanelMatrix *matrix, size_t group, bool is_int4) {
  const size_t lines = group % COG_BLOCK_GROUPS * matrix->group_size / (is_int4 ? 8 : 4);
  return group / COG_BLOCK_GROUPS * matrix->block_bytes + matrix->header_bytes + lines * COG_LINE_BYTES;
}

/// Rows of a panel that are rows of the matrix.
static inline size_t cog_panel_rows(const CogPanelMatrix *matrix, size_t panel) {
  return cog_part_size(panel * COG_PANEL_ROWS, COG_PANEL_ROWS, matrix->rows);
}

#endif
