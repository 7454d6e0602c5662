// Products of quantized weights on tiles (tiles_amx-inl.h, tiles_plain-inl.h): two tiles of 16 tokens with
// the rows of two panels, a group at a time, which makes four products of four loads. A group's sums are
// exact integers, which are scaled and added up in float32 as everywhere: all products give the same bits.
// While one group is scaled, the next one is multiplied and the one behind it loaded.
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

// MARK: Products

/// What two tiles of tokens and two panels make: [tile of tokens][panel][token].
typedef struct CogTiledSums {
  cog_lanes sums[2][2][COG_TILED_TOKENS];
  /// The products of a group; anything finite where there is no token.
  cog_int_lanes dots[2][2][COG_TILED_TOKENS];
} CogTiledSums;

/// The activations of the tokens that come next, [tile of tokens]: they are asked for while others are
/// multiplied, so many lines with each group; a tile's loads wait for what is not in the second-level cache.
typedef struct CogTiledAhead {
  const uint8_t *next[2], *end[2];
  size_t lines;
} CogTiledAhead;

COG_INLINE void cog_ask_for_tokens(CogTiledAhead *ahead) {
  for (size_t i = 0; i < 2; i++) {
    for (size_t line = 0; line < ahead->lines && ahead->next[i] < ahead->end[i]; line++) {
      __builtin_prefetch(ahead->next[i], 0, 2);
      ahead->next[i] += COG_LINE_BYTES;
    }
  }
}

/// What is multiplied: one or two tiles of tokens with a block's groups of one or two panels.
typedef struct CogTiledPair {
  const CogTiledBlock *block;
  const CogTokenTile *tiles;
  size_t first_panel;
  CogTiledSums *sums;
  CogTiledAhead *ahead;
} CogTiledPair;

/// What is known where the functions below are inlined.
typedef struct CogTiledKind {
  size_t group_size;
  bool is_int4;
  size_t tiles, panels;  ///< of a pair: 1 or 2
} CogTiledKind;

/// A group's weights, [column / 4][row][4].
COG_INLINE const int8_t *cog_tiled_weights(
    const CogTiledBlock *block, const CogTiledKind kind, size_t panel, size_t group) {
  const CogPanelMatrix *matrix = block->matrix;
  if (cog_is_multiplied_in_place(matrix, COG_FOUR_COLUMNS, kind.is_int4, group)) {
    return (const int8_t *)cog_panel(matrix, panel) + cog_lines_offset(matrix, group, false);
  }
  return block->scratch->weights + cog_expanded_offset(block, panel, group);
}

/// Adds a group's products of one tile of tokens with one panel, times the scales of rows and tokens.
COG_INLINE void cog_add_tiled_group(
    const CogTiledPair *pair, const CogTiledKind kind, size_t tile_index, size_t panel_index, size_t group) {
  const CogTiledBlock *block = pair->block;
  const CogTokenTile *tile = &pair->tiles[tile_index];
  const CogTileGroup x =
      cog_group_at(tile->groups + group * tile->group_bytes, kind.group_size, tile->tokens);
  const size_t place = pair->first_panel + panel_index - block->first_panel,
               index = group - block->first_group;
  cog_int_lanes *dots = pair->sums->dots[tile_index][panel_index];
  cog_lanes *sums = pair->sums->sums[tile_index][panel_index];
  float padded[COG_TILED_TOKENS];
  const float *token_scales = x.scales;
  if (__builtin_expect(tile->tokens < COG_TILED_TOKENS, false)) {
    memset(padded, 0, sizeof padded);
    memcpy(padded, x.scales, tile->tokens * sizeof *padded);
    token_scales = padded;
  }
  if (__builtin_expect(kind.is_int4 && block->scratch->has_offsets[place], false)) {
    const cog_int_lanes offsets = block->scratch->offsets[place][index];
    for (size_t token = 0; token < tile->tokens; token++) dots[token] -= offsets * x.sums[token];
  }
  const cog_lanes row_scales = block->scratch->scales[place][index];
  COG_UNROLL for (size_t token = 0; token < COG_TILED_TOKENS; token++) {
    const cog_lanes products = row_scales * __builtin_convertvector(dots[token], cog_lanes);
    sums[token] = __builtin_elementwise_fma(products, (cog_lanes)token_scales[token], sums[token]);
  }
}

/// Where the tiles of a group's columns begin, for each tile of tokens and each panel of a pair.
typedef struct CogTiledColumns {
  const int8_t *tokens[2], *rows[2];
} CogTiledColumns;

COG_INLINE CogTiledColumns
cog_tiled_columns(const CogTiledPair *pair, const CogTiledKind kind, size_t group, size_t column) {
  CogTiledColumns columns = {{NULL, NULL}, {NULL, NULL}};
  for (size_t i = 0; i < kind.tiles; i++) {
    columns.tokens[i] = (const int8_t *)pair->tiles[i].groups + group * pair->tiles[i].group_bytes + column;
  }
  for (size_t i = 0; i < kind.panels; i++) {
    columns.rows[i] =
        cog_tiled_weights(pair->block, kind, pair->first_panel + i, group) + column * COG_PANEL_ROWS;
  }
  return columns;
}

/// The up to four products of a pair, the numbers of the tiles being constants.
#define COG_TILED_CORNERS(corner)                                                                            \
  corner(0, 0, SUMS_00, TOKENS_0, ROWS_0) corner(0, 1, SUMS_01, TOKENS_0, ROWS_1)                            \
      corner(1, 0, SUMS_10, TOKENS_1, ROWS_0) corner(1, 1, SUMS_11, TOKENS_1, ROWS_1)

/// Loads what comes next into the tiles that this product is the first one to read.
#define COG_TILED_LOAD(tile, panel, sums_tile, tokens_tile, rows_tile)                                       \
  if (tile < kind.tiles && panel < kind.panels) {                                                            \
    if (panel == 0) cog_load_tile(tiles, tokens_tile, next.tokens[tile], kind.group_size);                   \
    if (tile == 0) cog_load_tile(tiles, rows_tile, next.rows[panel], COG_LINE_BYTES);                        \
  }

/// Multiplies columns that are loaded, and loads what comes next into the tiles that this product is the last
/// one to read. With a group's first columns the sums of the group before it are stored and added: they have
/// rested for a step, so that nothing waits for them.
#define COG_TILED_MULTIPLY(tile, panel, sums_tile, tokens_tile, rows_tile)                                   \
  if (tile < kind.tiles && panel < kind.panels) {                                                            \
    if (column == 0 && has_sums) {                                                                           \
      cog_store_tile_rows(tiles, sums_tile, pair->sums->dots[tile][panel], COG_LINE_BYTES);                  \
    }                                                                                                        \
    if (column == 0) cog_zero_tile(tiles, sums_tile);                                                        \
    cog_dot_tiles(tiles, sums_tile, tokens_tile, rows_tile);                                                 \
    if (panel + 1 == kind.panels) cog_load_tile(tiles, tokens_tile, next.tokens[tile], kind.group_size);     \
    if (tile + 1 == kind.tiles) cog_load_tile(tiles, rows_tile, next.rows[panel], COG_LINE_BYTES);           \
    if (column == 0 && has_sums) cog_add_tiled_group(pair, kind, tile, panel, group - 1);                    \
  }

/// Stores and adds the sums of the last group.
#define COG_TILED_ADD(tile, panel, sums_tile, tokens_tile, rows_tile)                                        \
  if (tile < kind.tiles && panel < kind.panels) {                                                            \
    cog_store_tile_rows(tiles, sums_tile, pair->sums->dots[tile][panel], COG_LINE_BYTES);                    \
    cog_add_tiled_group(pair, kind, tile, panel, group - 1);                                                 \
  }

/// Multiplies a group of a pair, and adds the products of the group before it if there is one.
COG_INLINE void cog_step_tiled_pair(
    CogTiles *tiles, const CogTiledPair *pair, const CogTiledKind kind, size_t group, const bool has_sums) {
  (void)tiles;
  const CogTiledBlock *block = pair->block;
  cog_ask_for_tokens(pair->ahead);
  COG_UNROLL for (size_t column = 0; column < kind.group_size; column += COG_TILE_BYTES) {
    const bool is_last = column + COG_TILE_BYTES >= kind.group_size;
    // Behind the last group the first one is loaded once more, which nobody reads.
    const size_t next_group = !is_last                       ? group
                              : group + 1 < block->end_group ? group + 1
                                                             : block->first_group;
    const CogTiledColumns next =
        cog_tiled_columns(pair, kind, next_group, is_last ? 0 : column + COG_TILE_BYTES);
    COG_TILED_CORNERS(COG_TILED_MULTIPLY)
  }
}

/// Adds the products of all of a block's groups to a pair's sums.
COG_INLINE void cog_multiply_tiled_pair(CogTiles *tiles, const CogTiledPair *pair, const CogTiledKind kind) {
  size_t group = pair->block->first_group;
  const CogTiledColumns next = cog_tiled_columns(pair, kind, group, 0);
  COG_TILED_CORNERS(COG_TILED_LOAD)
  cog_step_tiled_pair(tiles, pair, kind, group, false);
  while (++group < pair->block->end_group) cog_step_tiled_pair(tiles, pair, kind, group, true);
  COG_TILED_CORNERS(COG_TILED_ADD)
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

/// The products of one or two tiles of tokens with one or two panels of a block.
COG_INLINE void cog_multiply_tiled_tiles(
    CogTiles *tiles, const CogTiledPair *pair, const CogTiledKind kind, const CogTiledOutput *target) {
  const CogTiledBlock *block = pair->block;
  const float *bias = block->end_group == block->matrix->group_count ? target->bias : NULL;
  COG_UNROLL for (size_t i = 0; i < kind.tiles; i++) {
    const size_t tokens = pair->tiles[i].tokens;
    const float *output = target->output + pair->tiles[i].first_token * target->stride;
    COG_UNROLL for (size_t j = 0; j < kind.panels; j++) {
      const size_t panel = pair->first_panel + j;
      cog_load_tiled_sums(block, panel, tokens, output, target->stride, pair->sums->sums[i][j]);
      if (panel + kind.panels < block->end_panel) {
        cog_ask_for_tiled_sums(panel + kind.panels, tokens, output, target->stride);
      }
    }
  }
  cog_multiply_tiled_pair(tiles, pair, kind);
  COG_UNROLL for (size_t i = 0; i < kind.tiles; i++) {
    float *output = target->output + pair->tiles[i].first_token * target->stride;
    COG_UNROLL for (size_t j = 0; j < kind.panels; j++) {
      cog_store_tiled_sums(
          block->matrix, pair->first_panel + j, bias, pair->tiles[i].tokens, output, target->stride,
          pair->sums->sums[i][j]);
    }
  }
}

/// The products of one or two tiles of tokens, `kind.tiles`, with a block.
COG_INLINE void cog_multiply_tiled_panels(
    CogTiles *tiles, const CogTiledBlock *block, const CogTokenTile *token_tiles, CogTiledKind kind,
    CogTiledSums *sums, CogTiledAhead *ahead, const CogTiledOutput *target) {
  CogTiledPair pair = {block, token_tiles, block->first_panel, sums, ahead};
  kind.panels = 2;
  for (; pair.first_panel + 2 <= block->end_panel; pair.first_panel += 2) {
    cog_multiply_tiled_tiles(tiles, &pair, kind, target);
  }
  kind.panels = 1;
  if (pair.first_panel < block->end_panel) cog_multiply_tiled_tiles(tiles, &pair, kind, target);
}

/// What to ask for while the tiles before `token` are multiplied with a block.
COG_INLINE CogTiledAhead
cog_tokens_ahead(const CogTiledBlock *block, const CogActivations *activations, size_t token) {
  CogTiledAhead ahead = {.lines = 0};
  const size_t groups = block->end_group - block->first_group;
  const size_t steps = (block->end_panel - block->first_panel + 1) / 2 * groups;
  for (size_t i = 0; i < 2 && token < activations->tokens; i++, token += COG_TILED_TOKENS) {
    const CogTokenTile tile = cog_tile(block->matrix, activations, token);
    ahead.next[i] = tile.groups + block->first_group * tile.group_bytes;
    ahead.end[i] = ahead.next[i] + groups * tile.group_bytes;
    if (i == 0) ahead.lines = groups * tile.group_bytes / COG_LINE_BYTES / steps + 1;
  }
  return ahead;
}

/// The products of all tokens with a block, for groups of a constant size.
COG_INLINE void cog_multiply_tiled_block(
    const CogTiledBlock *block, const CogActivations *activations, const size_t group_size,
    const bool is_int4, const CogTiledOutput *target) {
  CogTiles tiles;
  CogTiledSums sums = {0};
  CogTiledKind kind = {.group_size = group_size, .is_int4 = is_int4, .tiles = 2};
  CogTileShapes shapes = cog_tiled_shapes(block->matrix, COG_TILED_TOKENS, COG_TILED_TOKENS);
  cog_configure_tiles(&tiles, &shapes);
  size_t token = 0;
  for (; token + COG_TILED_TOKENS < activations->tokens; token += 2 * COG_TILED_TOKENS) {
    const CogTokenTile both[2] = {
        cog_tile(block->matrix, activations, token),
        cog_tile(block->matrix, activations, token + COG_TILED_TOKENS)};
    if (both[1].tokens < COG_TILED_TOKENS) {
      shapes = cog_tiled_shapes(block->matrix, COG_TILED_TOKENS, both[1].tokens);
      cog_configure_tiles(&tiles, &shapes);
    }
    CogTiledAhead ahead = cog_tokens_ahead(block, activations, token + 2 * COG_TILED_TOKENS);
    cog_multiply_tiled_panels(&tiles, block, both, kind, &sums, &ahead, target);
  }
  if (token < activations->tokens) {
    const CogTokenTile one = cog_tile(block->matrix, activations, token);
    shapes = cog_tiled_shapes(block->matrix, one.tokens, one.tokens);
    cog_configure_tiles(&tiles, &shapes);
    kind.tiles = 1;
    CogTiledAhead none = {.lines = 0};
    cog_multiply_tiled_panels(&tiles, block, &one, kind, &sums, &none, target);
  }
  cog_release_tiles(&tiles);
}

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

/// The functions of the encodings, called cog_multiply_tiled_int4 and the like.
#define COG_TILED_PRODUCTS(weight_bits)                                                                      \
  COG_KERNEL void cog_multiply_tiled_int##weight_bits(                                                       \
      const CogOperands *operands, float *output, size_t output_stride) {                                    \
    const size_t size = operands->matrix.group_size;                                                         \
    cog_multiply_blocks(                                                                                     \
        operands, COG_FOUR_COLUMNS, COG_TILED_COLUMNS,                                                       \
        size == 64   ? cog_multiply_tiled_##weight_bits##_64                                                 \
        : size == 32 ? cog_multiply_tiled_##weight_bits##_32                                                 \
                     : cog_multiply_tiled_##weight_bits##_128,                                               \
        output, output_stride);                                                                              \
  }
COG_TILED_PRODUCTS(4)
COG_TILED_PRODUCTS(8)
#undef COG_TILED_PRODUCTS

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
