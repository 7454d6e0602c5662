// Products of quantized weights on tiles (tiles_amx-inl.h, tiles_plain-inl.h): 16 tokens with the 16 rows of
// a panel, a group at a time. A group's sums are exact integers, which are scaled and added up in float32 as
// everywhere: all products give the same bits.
//
// The weights of a panel lie as a tile wants them, [column / 4][row][4]: int8 is read in place, int4 is
// expanded to bytes less its zero point, once for all tokens, a block at a time, which stays in the
// second-level cache.

#ifndef COG_TILED_INL_H
#define COG_TILED_INL_H

#include "tiled_operands-inl.h"

#ifndef COG_TILES_AMX_INL_H  // in a header that is opened alone
#include "tiles_plain-inl.h"
#endif

/// Where products go; the bias is added with a row's last group.
typedef struct CogTiledOutput {
  const float *bias;
  float *output;
  size_t stride;
} CogTiledOutput;

// MARK: Products

/// What is multiplied: a tile of tokens with a block's groups of one panel. The constants are known where the
/// functions below are inlined.
typedef struct CogTiledPanel {
  const CogTiledBlock *block;
  const CogTokenTile *tile;
  const uint8_t *lines;          ///< the panel, where its weights are multiplied in place
  const int8_t *expanded;        ///< its weights otherwise: the block's first group
  const cog_lanes *scales;       ///< of the block's first group
  const cog_int_lanes *offsets;  ///< likewise, or NULL where there are none
} CogTiledPanel;

/// A group's weights, [column / 4][row][4].
COG_INLINE const int8_t *cog_tiled_weights(
    const CogTiledPanel *panel, const size_t group_size, const bool is_int4, size_t group) {
  if (!is_int4) {
    return (const int8_t *)panel->lines + cog_lines_offset(panel->block->matrix, group, false);
  }
  return panel->expanded + (group - panel->block->first_group) * group_size * COG_PANEL_ROWS;
}

/// Multiplies one part of a group's columns, at most a tile; the tiles are constants.
#define COG_MULTIPLY_TILE(tiles, sums, left, right, activations, weights, column, group_size)                \
  do {                                                                                                       \
    cog_load_tile(tiles, left, (activations)->values + (column), group_size);                                \
    cog_load_tile(tiles, right, (weights) + (column) * COG_PANEL_ROWS, COG_LINE_BYTES);                      \
    cog_dot_tiles(tiles, sums, left, right);                                                                 \
  } while (0)

/// Multiplies a whole group and stores its sums; the tiles are constants, `x`, `weights` and the like those
/// of the function below.
#define COG_MULTIPLY_GROUP(tiles, sums, left, right)                                                         \
  do {                                                                                                       \
    cog_zero_tile(tiles, sums);                                                                              \
    COG_MULTIPLY_TILE(tiles, sums, left, right, &x, weights, 0, group_size);                                 \
    if (group_size == 128) COG_MULTIPLY_TILE(tiles, sums, left, right, &x, weights, 64, group_size);         \
    cog_store_tile_rows(tiles, sums, dots, COG_LINE_BYTES);                                                  \
  } while (0)

/// The products of one whole group, left in `dots`. Neighbors take the other set of tiles, so that a group is
/// multiplied while the one before it is scaled.
COG_INLINE void cog_multiply_tiled_group(
    CogTiles *tiles, const CogTiledPanel *panel, const size_t group_size, const bool is_int4, size_t group,
    const bool is_odd, cog_int_lanes *dots) {
  (void)tiles;
  const CogTokenTile *tile = panel->tile;
  const CogTileGroup x = cog_group_at(tile->groups + group * tile->group_bytes, group_size, tile->tokens);
  const int8_t *weights = cog_tiled_weights(panel, group_size, is_int4, group);
  if (is_odd) {
    COG_MULTIPLY_GROUP(tiles, SUMS_1, TOKENS_1, ROWS_1);
  } else {
    COG_MULTIPLY_GROUP(tiles, SUMS_0, TOKENS_0, ROWS_0);
  }
}

/// The same for a row's last group, which is short.
COG_INLINE void cog_multiply_short_tiled_group(
    CogTiles *tiles, const CogTiledPanel *panel, const size_t group_size, const bool is_int4, size_t group,
    cog_int_lanes *dots) {
  (void)tiles;
  const CogTokenTile *tile = panel->tile;
  const CogTileGroup x = cog_group_at(tile->groups + group * tile->group_bytes, group_size, tile->tokens);
  const int8_t *weights = cog_tiled_weights(panel, group_size, is_int4, group);
  const size_t columns = cog_group_columns(panel->block->matrix, group);
  cog_zero_tile(tiles, SUMS_0);
  size_t column = 0;
  if (columns >= COG_TILE_BYTES) {
    COG_MULTIPLY_TILE(tiles, SUMS_0, TOKENS_0, ROWS_0, &x, weights, 0, group_size);
    column = COG_TILE_BYTES;
  }
  if (column < columns) {
    COG_MULTIPLY_TILE(tiles, SUMS_0, LAST_TOKENS, LAST_ROWS, &x, weights, column, group_size);
  }
  cog_store_tile_rows(tiles, SUMS_0, dots, COG_LINE_BYTES);
}

/// Adds a group's products, times the scales of rows and tokens, to the sums.
COG_INLINE void cog_add_tiled_group(
    const CogTiledPanel *panel, const size_t group_size, const bool is_full, size_t group,
    cog_int_lanes *dots, cog_lanes *sums) {
  const CogTokenTile *tile = panel->tile;
  const size_t tokens = is_full ? COG_TILED_TOKENS : tile->tokens;
  const CogTileGroup x = cog_group_at(tile->groups + group * tile->group_bytes, group_size, tokens);
  const cog_lanes row_scales = panel->scales[group - panel->block->first_group];
  float padded[COG_TILED_TOKENS] = {0};
  if (!is_full) memcpy(padded, x.scales, tokens * sizeof *padded);
  const float *token_scales = is_full ? x.scales : padded;
  if (__builtin_expect(panel->offsets != NULL, false)) {
    for (size_t token = 0; token < tokens; token++) {
      dots[token] -= panel->offsets[group - panel->block->first_group] * x.sums[token];
    }
  }
  COG_UNROLL for (size_t token = 0; token < COG_TILED_TOKENS; token++) {
    const cog_lanes products = row_scales * __builtin_convertvector(dots[token], cog_lanes);
    sums[token] = __builtin_elementwise_fma(products, (cog_lanes)token_scales[token], sums[token]);
  }
}

/// Adds the products of all of a block's groups to `sums` [COG_TILED_TOKENS].
COG_INLINE void cog_multiply_tiled_panel(
    CogTiles *tiles, const CogTiledPanel *panel, const size_t group_size, const bool is_int4,
    const bool is_full, cog_lanes *sums) {
  // Of tokens that do not exist there are no products: these stay zeros.
  cog_int_lanes even[COG_TILED_TOKENS] = {0}, odd[COG_TILED_TOKENS] = {0};
  const CogTiledBlock *block = panel->block;
  const bool is_short = block->end_group * group_size > block->matrix->padded_columns;
  const size_t end = block->end_group - is_short;
  size_t group = block->first_group;
  if (group < end) cog_multiply_tiled_group(tiles, panel, group_size, is_int4, group, false, even);
  for (; group + 2 < end; group += 2) {
    cog_multiply_tiled_group(tiles, panel, group_size, is_int4, group + 1, true, odd);
    cog_add_tiled_group(panel, group_size, is_full, group, even, sums);
    cog_multiply_tiled_group(tiles, panel, group_size, is_int4, group + 2, false, even);
    cog_add_tiled_group(panel, group_size, is_full, group + 1, odd, sums);
  }
  if (group + 1 < end) { cog_multiply_tiled_group(tiles, panel, group_size, is_int4, group + 1, true, odd); }
  if (group < end) cog_add_tiled_group(panel, group_size, is_full, group, even, sums);
  if (group + 1 < end) cog_add_tiled_group(panel, group_size, is_full, group + 1, odd, sums);
  if (!is_short) return;
  cog_multiply_short_tiled_group(tiles, panel, group_size, is_int4, end, even);
  cog_add_tiled_group(panel, group_size, is_full, end, even, sums);
}

// MARK: Sums

/// Whether a tile's outputs are whole registers.
COG_INLINE bool cog_are_whole_outputs(const CogPanelMatrix *matrix, size_t panel, size_t tokens) {
  return tokens == COG_TILED_TOKENS && cog_panel_rows(matrix, panel) == COG_PANEL_ROWS;
}

/// The sums that an earlier block of a row's groups has left in the output, or zeros; `output` is the first
/// token's.
COG_INLINE void cog_load_tiled_sums(
    const CogTiledBlock *block, size_t panel, size_t tokens, const float *output, size_t stride,
    cog_lanes *sums) {
  COG_UNROLL for (size_t token = 0; token < COG_TILED_TOKENS; token++)
    sums[token] = 0;
  if (block->first_group == 0) return;
  output += panel * COG_PANEL_ROWS;
  if (cog_are_whole_outputs(block->matrix, panel, tokens)) {
    COG_UNROLL for (size_t token = 0; token < COG_TILED_TOKENS; token++) {
      memcpy(&sums[token], output + token * stride, sizeof sums[token]);
    }
    return;
  }
  float some[COG_TILED_TOKENS][COG_PANEL_ROWS] = {{0}};
  const size_t bytes = cog_panel_rows(block->matrix, panel) * sizeof(float);
  for (size_t token = 0; token < tokens; token++) memcpy(some[token], output + token * stride, bytes);
  COG_UNROLL for (size_t token = 0; token < COG_TILED_TOKENS; token++) {
    memcpy(&sums[token], some[token], sizeof sums[token]);
  }
}

/// Asks for the outputs of a panel that comes next: they lie in as many pages as there are tokens.
COG_INLINE void cog_ask_for_tiled_sums(size_t panel, size_t tokens, const float *output, size_t stride) {
  output += panel * COG_PANEL_ROWS;
  for (size_t token = 0; token < tokens; token++) __builtin_prefetch(output + token * stride, 1);
}

/// Stores sums, with the bias added unless it is NULL.
COG_INLINE void cog_store_tiled_sums(
    const CogPanelMatrix *matrix, size_t panel, const float *bias, size_t tokens, float *output,
    size_t stride, cog_lanes *sums) {
  const size_t rows = cog_panel_rows(matrix, panel);
  output += panel * COG_PANEL_ROWS;
  if (bias) {
    cog_lanes added;
    cog_load_lanes(bias + panel * COG_PANEL_ROWS, rows, &added);
    COG_UNROLL for (size_t token = 0; token < COG_TILED_TOKENS; token++)
      sums[token] += added;
  }
  if (cog_are_whole_outputs(matrix, panel, tokens)) {
    COG_UNROLL for (size_t token = 0; token < COG_TILED_TOKENS; token++) {
      memcpy(output + token * stride, &sums[token], sizeof sums[token]);
    }
    return;
  }
  float some[COG_TILED_TOKENS][COG_PANEL_ROWS];
  COG_UNROLL for (size_t token = 0; token < COG_TILED_TOKENS; token++) {
    memcpy(some[token], &sums[token], sizeof some[token]);
  }
  for (size_t token = 0; token < tokens; token++) {
    memcpy(output + token * stride, some[token], rows * sizeof(float));
  }
}

// MARK: Blocks

/// The products of a tile of tokens with a block.
COG_INLINE void cog_multiply_tiled_tile(
    CogTiles *tiles, const CogTiledBlock *block, const CogTokenTile *tile, const size_t group_size,
    const bool is_int4, const bool is_full, const CogTiledOutput *target) {
  const CogPanelMatrix *matrix = block->matrix;
  const float *bias = block->end_group == matrix->group_count ? target->bias : NULL;
  float *output = target->output + tile->first_token * target->stride;
  for (size_t panel = block->first_panel; panel < block->end_panel; panel++) {
    const size_t place = panel - block->first_panel;
    const CogTiledPanel operand = {
        block,
        tile,
        cog_panel(matrix, panel),
        block->scratch->weights[place],
        block->scratch->scales[place],
        is_int4 && block->scratch->has_offsets[place] ? block->scratch->offsets[place] : NULL};
    cog_lanes sums[COG_TILED_TOKENS];
    cog_load_tiled_sums(block, panel, tile->tokens, output, target->stride, sums);
    if (panel + 1 < block->end_panel) {
      cog_ask_for_tiled_sums(panel + 1, tile->tokens, output, target->stride);
    }
    cog_multiply_tiled_panel(tiles, &operand, group_size, is_int4, is_full, sums);
    cog_store_tiled_sums(matrix, panel, bias, tile->tokens, output, target->stride, sums);
  }
}

/// The products of all tokens with a block, for groups of a constant size.
COG_INLINE void cog_multiply_tiled_block(
    const CogTiledBlock *block, const CogActivations *activations, const size_t group_size,
    const bool is_int4, const CogTiledOutput *target) {
  CogTiles tiles;
  CogTileShapes shapes = cog_tiled_shapes(block->matrix, COG_TILED_TOKENS);
  cog_configure_tiles(&tiles, &shapes);
  size_t token = 0;
  for (; token + COG_TILED_TOKENS <= activations->tokens; token += COG_TILED_TOKENS) {
    const CogTokenTile tile = cog_tile(block->matrix, activations, token);
    cog_multiply_tiled_tile(&tiles, block, &tile, group_size, is_int4, true, target);
  }
  if (token < activations->tokens) {
    const CogTokenTile tile = cog_tile(block->matrix, activations, token);
    shapes = cog_tiled_shapes(block->matrix, tile.tokens);
    cog_configure_tiles(&tiles, &shapes);
    cog_multiply_tiled_tile(&tiles, block, &tile, group_size, is_int4, false, target);
  }
  cog_release_tiles(&tiles);
}

typedef void CogTiledBlockFunction(
    const CogTiledBlock *block, const CogActivations *activations, const CogTiledOutput *target);

/// A function for each encoding, called cog_multiply_tiled_4_64 and the like.
#define COG_TILED_FUNCTION(weight_bits, group_size)                                                          \
  COG_KERNEL __attribute__((noinline)) void cog_multiply_tiled_##weight_bits##_##group_size(                 \
      const CogTiledBlock *block, const CogActivations *activations, const CogTiledOutput *target) {         \
    cog_multiply_tiled_block(block, activations, group_size, weight_bits == 4, target);                      \
  }
COG_TILED_FUNCTION(4, 32)
COG_TILED_FUNCTION(4, 64)
COG_TILED_FUNCTION(4, 128)
COG_TILED_FUNCTION(8, 32)
COG_TILED_FUNCTION(8, 64)
COG_TILED_FUNCTION(8, 128)
#undef COG_TILED_FUNCTION

/// CogMultiply on tiles: a block is expanded, then multiplied with all tokens.
COG_INLINE void cog_multiply_tiled(
    const CogOperands *operands, CogTiledBlockFunction *const function, float *output, size_t output_stride) {
  const CogPanelMatrix *matrix = &operands->matrix;
  const CogTiledOutput target = {operands->bias, output, output_stride};
  CogTiledScratch *scratch = operands->scratch;
  const size_t groups_at_once = COG_TILED_COLUMNS / matrix->group_size;
  for (size_t panel = operands->first_panel; panel < operands->end_panel; panel += COG_TILED_PANELS) {
    const size_t end = panel + cog_part_size(panel, COG_TILED_PANELS, operands->end_panel);
    for (size_t group = 0; group < matrix->group_count; group += groups_at_once) {
      const size_t end_group = group + cog_part_size(group, groups_at_once, matrix->group_count);
      const CogTiledBlock block = {matrix, panel, end, group, end_group, scratch};
      cog_expand_tiled_block(&block, scratch);
      function(&block, &operands->activations, &target);
    }
  }
}

/// The functions of the encodings, called cog_multiply_tiled_int4 and the like.
#define COG_TILED_MULTIPLY(weight_bits)                                                                      \
  COG_KERNEL void cog_multiply_tiled_int##weight_bits(                                                       \
      const CogOperands *operands, float *output, size_t output_stride) {                                    \
    const size_t size = operands->matrix.group_size;                                                         \
    cog_multiply_tiled(                                                                                      \
        operands,                                                                                            \
        size == 64   ? cog_multiply_tiled_##weight_bits##_64                                                 \
        : size == 32 ? cog_multiply_tiled_##weight_bits##_32                                                 \
                     : cog_multiply_tiled_##weight_bits##_128,                                               \
        output, output_stride);                                                                              \
  }
COG_TILED_MULTIPLY(4)
COG_TILED_MULTIPLY(8)
#undef COG_TILED_MULTIPLY

// MARK: What the backend lists

#define COG_TILED_PRODUCT(weight_bits, optional)                                                             \
  {                                                                                                          \
      .is_optional = optional,                                                                               \
      .bits = weight_bits,                                                                                   \
      .group_sizes = 32 | 64 | 128,                                                                          \
      .fewest_tokens = COG_MANY_TILED_TOKENS,                                                                \
      .tile_tokens = COG_TILED_TOKENS,                                                                       \
      .fewest_panels = COG_TILED_PANELS,                                                                     \
      .prepare = cog_quantize_tiled_activations,                                                             \
      .multiply = cog_multiply_tiled_int##weight_bits,                                                       \
      .scratch_bytes = sizeof(CogTiledScratch),                                                              \
  }

#endif
