// Weights expanded to bytes, once for all tokens of a product, a block at a time, which stays in the
// second-level cache: for products whose instructions take more than one token at once.

#ifndef COG_TILED_BLOCKS_INL_H
#define COG_TILED_BLOCKS_INL_H

#include "../generic/activations-inl.h"
#include "../generic/panels-inl.h"
#include "../generic/transpose-inl.h"

enum {
  COG_TILED_COLUMNS = 4096,  ///< of a block, at most
  COG_TILED_MOST_GROUPS = COG_TILED_COLUMNS / 32,
  COG_TILED_PANELS = 16,  ///< of a block, at most
  /// Expanded weights of a block, which stay in the second-level cache while all tokens pass.
  COG_TILED_WEIGHTS = 1 << 19,
  COG_TILED_MOST_ZERO = 15,
  /// How far ahead weights are asked for while others are expanded: a page, where the processor's own
  /// prefetching ends.
  COG_TILED_BYTES_AHEAD = 4096,
};

/// How expanded weights lie.
typedef enum CogTiledOrder {
  COG_FOUR_COLUMNS,   ///< [column / 4][row][4], as int8 panels do, whose whole groups are read in place
  COG_EIGHT_COLUMNS,  ///< [column / 8][row][8]
} CogTiledOrder;

/// A block's scratch memory, aligned to 64 bytes.
typedef struct CogTiledScratch {
  cog_lanes scales[COG_TILED_PANELS][COG_TILED_MOST_GROUPS];
  /// What zero points have above COG_TILED_MOST_ZERO, which no weight that is written by the format has.
  cog_int_lanes offsets[COG_TILED_PANELS][COG_TILED_MOST_GROUPS];
  bool has_offsets[COG_TILED_PANELS];
  /// Of one panel after another, with zeros behind a short last group's.
  int8_t weights[COG_TILED_WEIGHTS];
} CogTiledScratch;

/// Some groups of some panels.
typedef struct CogTiledBlock {
  const CogPanelMatrix *matrix;
  size_t first_panel, end_panel;
  size_t first_group, end_group;
  size_t panel_weights;  ///< expanded weights of a panel
  const CogTiledScratch *scratch;
} CogTiledBlock;

/// Where products go; the bias is added with a row's last group.
typedef struct CogTiledOutput {
  const float *bias;
  float *output;
  size_t stride;
} CogTiledOutput;

typedef uint8_t cog_line __attribute__((ext_vector_type(COG_LINE_BYTES), aligned(1)));
typedef uint8_t cog_row_bytes __attribute__((ext_vector_type(COG_PANEL_ROWS)));

/// Each of 16 bytes four times, as a line has those of a row.
#define COG_FOUR_TIMES(bytes)                                                                                \
  __builtin_shufflevector(                                                                                   \
      bytes, bytes, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7,   \
      7, 7, 7, 8, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14,   \
      14, 14, 14, 15, 15, 15, 15)

/// Stores eight columns of all rows, of which `left` has the first four and `right` the others.
COG_INLINE void cog_store_eight_columns(
    const cog_line *left, const cog_line *right, const CogTiledOrder order, int8_t *weights) {
  if (order == COG_FOUR_COLUMNS) {
    memcpy(weights, left, sizeof *left);
    memcpy(weights + COG_LINE_BYTES, right, sizeof *right);
    return;
  }
  cog_int_lanes a, b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  const cog_int_lanes upper_rows = COG_INTERLEAVE_LOW(a, b), lower_rows = COG_INTERLEAVE_HIGH(a, b);
  memcpy(weights, &upper_rows, sizeof upper_rows);
  memcpy(weights + COG_LINE_BYTES, &lower_rows, sizeof lower_rows);
}

/// Expands a group of int4 weights, less their zero points as far as bytes have room for them; the rest goes
/// into `offsets`. Whether there is any.
COG_INLINE bool cog_expand_int4_group(
    const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, const CogTiledOrder order,
    int8_t *weights, cog_int_lanes *offsets) {
  const uint8_t *line = panel + cog_lines_offset(matrix, group, true);
  cog_row_bytes row_zeros;
  memcpy(&row_zeros, panel + cog_zeros_offset(matrix, group), sizeof row_zeros);
  const cog_row_bytes taken = __builtin_elementwise_min(row_zeros, (cog_row_bytes)COG_TILED_MOST_ZERO);
  *offsets = __builtin_convertvector(row_zeros - taken, cog_int_lanes);
  const cog_line zeros = COG_FOUR_TIMES(taken);
  const size_t lines = cog_group_columns(matrix, group) / 8;
  for (size_t i = 0; i < lines; i++, line += COG_LINE_BYTES, weights += 2 * COG_LINE_BYTES) {
    __builtin_prefetch(cog_address(line, COG_TILED_BYTES_AHEAD), 0, 2);
    cog_line both;
    memcpy(&both, line, sizeof both);
    const cog_line left = (both & 15) - zeros, right = (both >> 4) - zeros;
    cog_store_eight_columns(&left, &right, order, weights);
  }
  return __builtin_reduce_max(row_zeros) > COG_TILED_MOST_ZERO;
}

/// Brings a group of int8 weights into an order.
COG_INLINE void cog_expand_int8_group(
    const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, const CogTiledOrder order,
    int8_t *weights) {
  const uint8_t *line = panel + cog_lines_offset(matrix, group, false);
  const size_t pairs = cog_group_columns(matrix, group) / 8;
  for (size_t i = 0; i < pairs; i++, line += 2 * COG_LINE_BYTES, weights += 2 * COG_LINE_BYTES) {
    cog_line left, right;
    memcpy(&left, line, sizeof left);
    memcpy(&right, line + COG_LINE_BYTES, sizeof right);
    cog_store_eight_columns(&left, &right, order, weights);
  }
}

/// Whether a group's weights are multiplied where they lie: those of whole groups of int8.
COG_INLINE bool cog_is_multiplied_in_place(
    const CogPanelMatrix *matrix, const CogTiledOrder order, const bool is_int4, size_t group) {
  return order == COG_FOUR_COLUMNS && !is_int4 && (group + 1) * matrix->group_size <= matrix->padded_columns;
}

/// Where a group's weights lie in the scratch memory of its block.
COG_INLINE size_t cog_expanded_offset(const CogTiledBlock *block, size_t panel, size_t group) {
  return (panel - block->first_panel) * block->panel_weights +
         (group - block->first_group) * block->matrix->group_size * COG_PANEL_ROWS;
}

/// Fills the scratch memory of a block.
COG_INLINE void cog_expand_block(
    const CogTiledBlock *block, const CogTiledOrder order, CogTiledScratch *scratch) {
  const CogPanelMatrix *matrix = block->matrix;
  const size_t group_bytes = matrix->group_size * COG_PANEL_ROWS;
  for (size_t panel = block->first_panel; panel < block->end_panel; panel++) {
    const uint8_t *bytes = cog_panel(matrix, panel);
    const size_t place = panel - block->first_panel;
    scratch->has_offsets[place] = false;
    for (size_t group = block->first_group; group < block->end_group; group++) {
      const size_t index = group - block->first_group;
      uint16_t scales[COG_PANEL_ROWS];
      memcpy(scales, bytes + cog_scales_offset(matrix, group), sizeof scales);
      cog_widen(scales, COG_PANEL_ROWS, &scratch->scales[place][index]);
      int8_t *weights = scratch->weights + cog_expanded_offset(block, panel, group);
      if (matrix->bits == 4) {
        scratch->has_offsets[place] |=
            cog_expand_int4_group(matrix, bytes, group, order, weights, &scratch->offsets[place][index]);
      } else if (!cog_is_multiplied_in_place(matrix, order, false, group)) {
        cog_expand_int8_group(matrix, bytes, group, order, weights);
      }
      const size_t written = cog_group_columns(matrix, group) * COG_PANEL_ROWS;
      if (written < group_bytes) memset(weights + written, 0, group_bytes - written);
    }
  }
}

/// The products of all tokens with a block.
typedef void CogTiledBlockFunction(
    const CogTiledBlock *block, const CogActivations *activations, const CogTiledOutput *target);

/// CogMultiply by blocks of at most so many columns: one is expanded, then multiplied with all tokens.
COG_INLINE void cog_multiply_blocks(
    const CogOperands *operands, const CogTiledOrder order, const size_t most_columns,
    CogTiledBlockFunction *const function, float *output, size_t output_stride) {
  const CogPanelMatrix *matrix = &operands->matrix;
  const CogTiledOutput target = {operands->bias, output, output_stride};
  CogTiledScratch *scratch = operands->scratch;
  const size_t groups = cog_even_part_size(matrix->group_count, most_columns / matrix->group_size);
  const size_t weights = groups * matrix->group_size * COG_PANEL_ROWS;
  const size_t fitting = COG_TILED_WEIGHTS / weights / 2 * 2;  // panels are multiplied in pairs
  const size_t panels = fitting < COG_TILED_PANELS ? fitting : COG_TILED_PANELS;
  for (size_t panel = operands->first_panel; panel < operands->end_panel; panel += panels) {
    const size_t end = panel + cog_part_size(panel, panels, operands->end_panel);
    for (size_t group = 0; group < matrix->group_count; group += groups) {
      const size_t end_group = group + cog_part_size(group, groups, matrix->group_count);
      const CogTiledBlock block = {matrix, panel, end, group, end_group, weights, scratch};
      cog_expand_block(&block, order, scratch);
      function(&block, &operands->activations, &target);
    }
  }
}

#endif
