// int4 matrix products by pairing (pair_operands_avx512-inl.h): packed weights are unpacked a block at a
// time, which stays in the second-level cache while tile after tile of tokens is multiplied with it. For
// weights in groups of COG_PAIR_GROUP.

#ifndef COG_PAIRS_AVX512_INL_H
#define COG_PAIRS_AVX512_INL_H

#include "pair_group_avx512-inl.h"

enum {
  /// Groups of a row, and panels, that are unpacked together and meet all tokens before the next are: half a
  /// megabyte, which stays in the second-level cache.
  COG_PAIR_BLOCK_GROUPS = 64,
  COG_PAIR_BLOCK_PANELS = 7,
  /// Unpacked groups of a block, at most.
  COG_PAIR_BLOCK = COG_PAIR_BLOCK_PANELS * COG_PAIR_BLOCK_GROUPS,
  /// Panels whose outputs are quantized together, at most.
  COG_PAIR_OUTPUT_PANELS = 16,
};

/// A block's scratch memory, aligned to 64 bytes.
typedef struct CogPairScratch {
  CogPairGroup groups[COG_PAIR_BLOCK];
  bool at_once[COG_PAIR_BLOCK];
} CogPairScratch;

/// Some groups of some panels, unpacked: [panel - first_panel][group - first_group].
typedef struct CogPairBlock {
  const CogPanelMatrix *matrix;
  size_t first_panel, end_panel;
  size_t first_group, end_group;
  const CogPairGroup *groups;
  const bool *at_once;  ///< which of them are finished at once
} CogPairBlock;

/// Where products go; the bias is added with a row's last group.
typedef struct CogPairOutput {
  const float *bias;
  float *output;
  size_t stride;
  const CogNextActivations *next;  ///< where they go instead of the output, or NULL
  size_t next_group;               ///< the group there that begins with the first row
} CogPairOutput;

/// The sums of a panel that an earlier block of its groups has left in the output, or zeros.
COG_INLINE void cog_load_pair_sums(
    const CogPairBlock *block, size_t panel, const float *output, size_t stride, const size_t tokens,
    cog_floats sums[][COG_REGISTERS]) {
  if (block->first_group == 0) {
    COG_UNROLL for (size_t token = 0; token < tokens; token++)
      sums[token][0] = cog_no_floats();
    return;
  }
  const unsigned rows = (1u << cog_panel_rows(block->matrix, panel)) - 1;
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    sums[token][0] = _mm512_maskz_loadu_ps((__mmask16)rows, output + token * stride + panel * COG_PANEL_ROWS);
  }
}

/// The next tile's part of a block's groups, of which a few cache lines are asked for with each group of each
/// panel: with many tokens they are in the third-level cache or in memory. Hints beyond its end do no harm.
typedef struct CogPairPrefetch {
  const uint8_t *tile;  ///< the one before
  size_t bytes;         ///< from its first to the next ones to be asked for
  size_t lines;         ///< for each group of each panel
} CogPairPrefetch;

COG_INLINE CogPairPrefetch cog_pair_prefetch(const CogPairBlock *block, const CogTokenTile *tile) {
  const size_t panel_bytes = (block->end_panel - block->first_panel) * COG_LINE_BYTES;
  const size_t group = block->matrix->group_count + block->first_group;
  const CogPairPrefetch result = {
      tile->groups, group * tile->group_bytes, (tile->group_bytes + panel_bytes - 1) / panel_bytes};
  return result;
}

COG_INLINE void cog_prefetch_lines(CogPairPrefetch *prefetch) {
  for (size_t i = 0; i < prefetch->lines; i++, prefetch->bytes += COG_LINE_BYTES) {
    __builtin_prefetch(cog_address(prefetch->tile, prefetch->bytes), 0, 3);
  }
}

/// The products of a tile of `tokens` (a constant) tokens with a block's groups of one panel.
COG_INLINE void cog_multiply_pair_panel(
    const CogPairBlock *block, const CogTokenTile *tile, const size_t tokens, size_t panel,
    CogPairPrefetch *prefetch, cog_floats sums[][COG_REGISTERS]) {
  const size_t count = block->end_group - block->first_group;
  const size_t first = (panel - block->first_panel) * count;
  const CogPairGroup *weights = block->groups + first;
  const bool *at_once = block->at_once + first;
  const bool is_short = block->end_group * COG_PAIR_GROUP > block->matrix->padded_columns;
  const size_t group_bytes = tokens * cog_token_bytes(COG_PAIR_GROUP);
  const uint8_t *values = tile->groups + block->first_group * group_bytes;
  for (size_t i = 0; i < count - is_short; i++, values += group_bytes) {
    cog_prefetch_lines(prefetch);
    const CogTileGroup activations = cog_group_at(values, COG_PAIR_GROUP, tokens);
    if (__builtin_expect(at_once[i], true)) {
      cog_multiply_pair_group(weights + i, true, &activations, tokens, sums);
    } else {
      cog_multiply_pair_group(weights + i, false, &activations, tokens, sums);
    }
  }
  if (!is_short) return;
  const CogTileGroup activations = cog_group_at(values, COG_PAIR_GROUP, tokens);
  const size_t lines = cog_group_columns(block->matrix, block->end_group - 1) / 8;
  cog_multiply_short_pair_group(weights + count - 1, lines, &activations, tokens, sums);
}

/// The products of a tile of `tokens` (a constant) tokens with a block.
COG_INLINE void cog_multiply_pair_tile(
    const CogPairBlock *block, const CogTokenTile *tile, const size_t tokens, const CogPairOutput *target) {
  const CogPanelMatrix *matrix = block->matrix;
  const float *bias = block->end_group == matrix->group_count ? target->bias : NULL;
  float *output = target->output + tile->first_token * target->stride;
  CogPairPrefetch prefetch = cog_pair_prefetch(block, tile);
  for (size_t panel = block->first_panel; panel < block->end_panel; panel++) {
    cog_floats sums[COG_TILE_TOKENS][COG_REGISTERS];
    cog_load_pair_sums(block, panel, output, target->stride, tokens, sums);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      const float *own = output + token * target->stride + panel * COG_PANEL_ROWS;
      __builtin_prefetch(cog_address(own, COG_PANEL_ROWS * sizeof *own), 1, 3);
    }
    cog_multiply_pair_panel(block, tile, tokens, panel, &prefetch, sums);
    cog_store_tile(matrix, panel, tokens, sums, bias, output, target->stride);
  }
}

typedef void CogPairTile(const CogPairBlock *block, const CogTokenTile *tile, const CogPairOutput *target);

/// The widths of a tile that is paired, COG_FEWEST_PAIR_TOKENS to COG_TILE_TOKENS.
#define COG_PAIR_WIDTHS(X) X(8) X(9) X(10) X(11) X(12)

/// A function for each width, called cog_pair_tile_12 and the like.
#define COG_PAIR_TILE_FUNCTION(width)                                                                        \
  COG_KERNEL __attribute__((noinline)) void cog_pair_tile_##width(                                           \
      const CogPairBlock *block, const CogTokenTile *tile, const CogPairOutput *target) {                    \
    cog_multiply_pair_tile(block, tile, width, target);                                                      \
  }
COG_PAIR_WIDTHS(COG_PAIR_TILE_FUNCTION)
#undef COG_PAIR_TILE_FUNCTION

#define COG_PAIR_TILE(width) cog_pair_tile_##width,
static CogPairTile *const cog_pair_tiles[] = {COG_PAIR_WIDTHS(COG_PAIR_TILE)};
#undef COG_PAIR_TILE

_Static_assert(
    sizeof cog_pair_tiles / sizeof *cog_pair_tiles == COG_TILE_TOKENS - COG_FEWEST_PAIR_TOKENS + 1,
    "a function for each width that is paired");

/// The products of a tile of any number of tokens with a block.
COG_KERNEL void cog_multiply_any_pair_tile(
    const CogPairBlock *block, const CogTokenTile *tile, const CogPairOutput *target) {
  if (cog_are_pairs(tile->tokens)) {
    cog_pair_tiles[tile->tokens - COG_FEWEST_PAIR_TOKENS](block, tile, target);
  } else if (block->first_group == 0) {
    cog_int4_tiles[tile->tokens - 1](
        block->matrix, block->first_panel, block->end_panel, tile, target->bias, target->output,
        target->stride);
  }
}

/// The same with a block of whole rows, the first ones of its matrix, whose outputs are mapped and quantized
/// while they are in the first-level cache.
COG_KERNEL void cog_quantize_pair_products(
    const CogPairBlock *block, const CogTokenTile *tile, const CogPairOutput *target) {
  const CogNextActivations *next = target->next;
  const size_t stride = block->end_panel * COG_PANEL_ROWS;
  float outputs[COG_TILE_TOKENS * COG_PAIR_OUTPUT_PANELS * COG_PANEL_ROWS] = {0};
  const CogPairOutput here = {target->bias, outputs, stride, NULL, 0};
  const CogTokenTile first = {tile->groups, tile->group_bytes, 0, tile->tokens};
  cog_multiply_any_pair_tile(block, &first, &here);
  next->map(outputs, tile->tokens * stride);
  const size_t groups_before = tile->first_token * next->group_count + target->next_group * tile->tokens;
  cog_quantize_pair_activations(
      outputs, stride, tile->tokens, cog_part_size(0, stride, block->matrix->rows),
      cog_part_size(target->next_group * COG_PAIR_GROUP, stride, next->padded_columns), COG_PAIR_GROUP,
      (uint8_t *)next->tiles + groups_before * cog_token_bytes(COG_PAIR_GROUP));
}

/// Unpacks a block, then multiplies it with tile after tile.
COG_KERNEL void cog_multiply_pair_block(
    CogPairBlock block, const CogActivations *activations, const CogPairOutput *target,
    CogPairScratch *scratch) {
  size_t next = 0;
  for (size_t panel = block.first_panel; panel < block.end_panel; panel++) {
    for (size_t group = block.first_group; group < block.end_group; group++, next++) {
      const uint8_t *bytes = cog_panel(block.matrix, panel);
      scratch->at_once[next] = cog_unpack_pairs(block.matrix, bytes, group, &scratch->groups[next]);
    }
  }
  block.groups = scratch->groups;
  block.at_once = scratch->at_once;
  for (size_t token = 0; token < activations->tokens; token += activations->tile_tokens) {
    const CogTokenTile tile = cog_tile(block.matrix, activations, token);
    if (target->next) {
      cog_quantize_pair_products(&block, &tile, target);
    } else {
      cog_multiply_any_pair_tile(&block, &tile, target);
    }
  }
}

/// CogMultiply by pairing.
COG_KERNEL void cog_multiply_pairs(const CogOperands *operands, float *output, size_t output_stride) {
  const CogPairOutput target = {operands->bias, output, output_stride, NULL, 0};
  const size_t groups = operands->matrix.group_count;
  const size_t groups_at_once = cog_even_part_size(groups, COG_PAIR_BLOCK_GROUPS);
  const size_t panels_at_once = COG_PAIR_BLOCK / groups_at_once;
  for (size_t panel = operands->first_panel; panel < operands->end_panel; panel += panels_at_once) {
    const size_t end = panel + cog_part_size(panel, panels_at_once, operands->end_panel);
    for (size_t group = 0; group < groups; group += groups_at_once) {
      const size_t end_group = group + cog_part_size(group, groups_at_once, groups);
      const CogPairBlock block = {&operands->matrix, panel, end, group, end_group, NULL, NULL};
      cog_multiply_pair_block(block, &operands->activations, &target, operands->scratch);
    }
  }
}

enum { NEXT_ROWS = COG_NEXT_PANELS * COG_PANEL_ROWS };
_Static_assert(NEXT_ROWS == COG_NEXT_ROWS, "so many panels have so many rows");
_Static_assert(COG_NEXT_ROWS == COG_PAIR_GROUP, "their outputs are a group");
_Static_assert(
    COG_PAIR_BLOCK >= COG_NEXT_MOST_GROUPS * COG_NEXT_PANELS,
    "a block of the longest rows makes a whole group");

/// CogMultiplyNext by pairing.
COG_KERNEL void cog_multiply_next_pairs(const CogOperands *operands, const CogNextActivations *next) {
  const CogPanelMatrix *matrix = &operands->matrix;
  const size_t fitting = COG_PAIR_BLOCK / matrix->group_count;
  const size_t bounded = fitting < COG_PAIR_OUTPUT_PANELS ? fitting : COG_PAIR_OUTPUT_PANELS;
  const size_t panels_at_once = bounded / COG_NEXT_PANELS * COG_NEXT_PANELS;
  for (size_t panel = operands->first_panel; panel < operands->end_panel; panel += panels_at_once) {
    // The rest of the matrix, of which the block's panels are the first ones.
    CogPanelMatrix rest = *matrix;
    rest.panels = cog_panel(matrix, panel);
    rest.rows -= panel * COG_PANEL_ROWS;
    const size_t panels = cog_part_size(panel, panels_at_once, operands->end_panel);
    const CogPairBlock block = {&rest, 0, panels, 0, matrix->group_count, NULL, NULL};
    const CogPairOutput target = {
        operands->bias ? operands->bias + panel * COG_PANEL_ROWS : NULL, NULL, 0, next,
        panel / COG_NEXT_PANELS};
    cog_multiply_pair_block(block, &operands->activations, &target, operands->scratch);
  }
}

#endif
