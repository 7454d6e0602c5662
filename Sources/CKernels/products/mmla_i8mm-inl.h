// Products of quantized weights by smmla (arm64 with i8mm), which multiplies two tokens with two rows, eight
// columns of each, where sdot takes one token with four rows and four columns: half as many instructions.
//
// Weights are expanded once for all tokens (tiled_blocks-inl.h), eight columns of a row side by side. Six
// tokens are multiplied with half a panel, a group at a time: twelve registers hold its sums of two tokens by
// two rows, twelve the float32 sums of the groups before, and seven loads are good for twelve products. (With
// 24 sums of integers in registers and those in float32 in memory ten loads are good for 24 products: as many
// instructions.) A group's sums are exact integers, scaled and added up as everywhere: all products give the
// same bits.

#ifndef COG_MMLA_I8MM_INL_H
#define COG_MMLA_I8MM_INL_H

#include "../backends/neon-inl.h"
#include "tiled_blocks-inl.h"

enum {
  COG_MMLA_TOKENS = 6,  ///< of a tile
  COG_MMLA_PAIRS = COG_MMLA_TOKENS / 2,
  COG_MMLA_ROWS = 8,  ///< half a panel
  COG_MMLA_ROW_PAIRS = COG_MMLA_ROWS / 2,
  COG_MMLA_COLUMNS = 1024,  ///< of a block, at most
  /// Tokens whose activations stay in the first-level cache with a panel of a block.
  COG_MMLA_CACHED_TOKENS = 4 * COG_MMLA_TOKENS,
  /// Tokens that are worth expanding the weights for.
  COG_MANY_MMLA_TOKENS = COG_MMLA_TOKENS,
};

/// Registers of two tokens by two rows each, [pair of tokens][pair of rows].
typedef int32x4_t cog_mmla_dots[COG_MMLA_PAIRS][COG_MMLA_ROW_PAIRS];
typedef float32x4_t cog_mmla_sums[COG_MMLA_PAIRS][COG_MMLA_ROW_PAIRS];

/// What is multiplied: a block's groups of a panel and of a tile of tokens.
typedef struct CogMmlaPanel {
  const int8_t *weights;         ///< [column / 8][row][8]
  const cog_lanes *scales;       ///< of each group
  const cog_int_lanes *offsets;  ///< likewise, or NULL where there are none
  const uint8_t *values;         ///< of each group [column / 8][token][8] and the rest (CogActivations)
  size_t groups;
  bool has_sums;  ///< those that earlier blocks have left in the output
} CogMmlaPanel;

// MARK: Activations

/// As [column / 8][token][8]: a short group is multiplied as a whole one.
COG_INLINE void cog_store_mmla_group(
    const CogActivationGroup *source, size_t group_size, CogTileGroupTarget target, size_t token,
    size_t tokens) {
  for (size_t i = 0; i < group_size; i += 8) {
    memcpy(target.values + i * tokens + token * 8, source->values + i, 8);
  }
  target.scales[token] = source->scale;
  target.sums[token] = source->sum;
}

COG_KERNEL void cog_quantize_mmla_activations(
    const float *restrict x, size_t stride, size_t tokens, size_t columns, size_t padded_columns,
    size_t group_size, void *restrict tile) {
  cog_quantize_tile(x, stride, tokens, columns, padded_columns, group_size, tile, cog_store_mmla_group);
}

// MARK: Products of a group

/// Eight columns of a pair of tokens; zeros for the token that an odd number of them lacks.
COG_INLINE int8x16_t cog_load_token_pair(const int8_t *values, size_t pair, const size_t tokens) {
  if (2 * pair + 1 < tokens) return vld1q_s8(values + 16 * pair);
  return vcombine_s8(vld1_s8(values + 16 * pair), vdup_n_s8(0));
}

/// [a, a, b, b] of two tokens' numbers.
COG_INLINE int32x4_t cog_token_lanes(const void *numbers, size_t pair, const size_t tokens) {
  int32_t both[2] = {0};
  memcpy(both, (const int32_t *)numbers + 2 * pair, (2 * pair + 1 < tokens ? 2 : 1) * sizeof *both);
  const int32x2_t loaded = vld1_s32(both);
  return vcombine_s32(vdup_lane_s32(loaded, 0), vdup_lane_s32(loaded, 1));
}

/// [a, b, a, b] of two rows' numbers.
COG_INLINE int32x4_t cog_row_lanes(const void *numbers, size_t pair) {
  const int32x2_t both = vld1_s32((const int32_t *)numbers + 2 * pair);
  return vcombine_s32(both, both);
}

/// Adds the products of eight columns; `weights` are those of the first pair of rows.
COG_INLINE void cog_dot_eight_columns(
    const int8_t *weights, const int8_t *values, const size_t tokens, cog_mmla_dots dots) {
  int8x16_t rows[COG_MMLA_ROW_PAIRS];
  COG_UNROLL for (size_t row = 0; row < COG_MMLA_ROW_PAIRS; row++)
    rows[row] = vld1q_s8(weights + 16 * row);
  COG_UNROLL for (size_t pair = 0; pair < (tokens + 1) / 2; pair++) {
    const int8x16_t both = cog_load_token_pair(values, pair, tokens);
    COG_UNROLL for (size_t row = 0; row < COG_MMLA_ROW_PAIRS; row++) {
      dots[pair][row] = vmmlaq_s32(dots[pair][row], both, rows[row]);
    }
  }
}

/// Takes out what zero points have above the ones that expanded weights are less.
COG_INLINE void cog_subtract_offsets(
    const int32_t *row_offsets, const int32_t *token_sums, const size_t tokens, cog_mmla_dots dots) {
  COG_UNROLL for (size_t pair = 0; pair < (tokens + 1) / 2; pair++) {
    const int32x4_t sums = cog_token_lanes(token_sums, pair, tokens);
    COG_UNROLL for (size_t row = 0; row < COG_MMLA_ROW_PAIRS; row++) {
      dots[pair][row] = vmlsq_s32(dots[pair][row], cog_row_lanes(row_offsets, row), sums);
    }
  }
}

/// Adds the products of a group with the rows of half a panel to sums[pair of tokens][pair of rows].
COG_INLINE void cog_add_mmla_group(
    const CogMmlaPanel *panel, size_t group, size_t first_row, const size_t group_size, const size_t tokens,
    cog_mmla_sums sums) {
  const size_t pairs = (tokens + 1) / 2;
  const int8_t *weights = panel->weights + group * group_size * COG_PANEL_ROWS + 8 * first_row;
  const CogTileGroup x =
      cog_group_at(panel->values + group * tokens * cog_token_bytes(group_size), group_size, tokens);
  cog_mmla_dots dots;
  COG_UNROLL for (size_t pair = 0; pair < pairs; pair++) {
    COG_UNROLL for (size_t row = 0; row < COG_MMLA_ROW_PAIRS; row++)
      dots[pair][row] = vdupq_n_s32(0);
  }
  COG_UNROLL for (size_t column = 0; column < group_size; column += 8) {
    cog_dot_eight_columns(weights + column * COG_PANEL_ROWS, x.values + column * tokens, tokens, dots);
  }
  if (__builtin_expect(panel->offsets != NULL, false)) {
    cog_subtract_offsets((const int32_t *)&panel->offsets[group] + first_row, x.sums, tokens, dots);
  }
  const float *scales = (const float *)&panel->scales[group] + first_row;
  float32x4_t row_scales[COG_MMLA_ROW_PAIRS];
  COG_UNROLL for (size_t row = 0; row < COG_MMLA_ROW_PAIRS; row++)
    row_scales[row] = vreinterpretq_f32_s32(cog_row_lanes(scales, row));
  COG_UNROLL for (size_t pair = 0; pair < pairs; pair++) {
    const float32x4_t both = vreinterpretq_f32_s32(cog_token_lanes(x.scales, pair, tokens));
    COG_UNROLL for (size_t row = 0; row < COG_MMLA_ROW_PAIRS; row++) {
      const float32x4_t product = vmulq_f32(row_scales[row], vcvtq_f32_s32(dots[pair][row]));
      sums[pair][row] = vfmaq_f32(sums[pair][row], product, both);
    }
  }
}

// MARK: Sums

/// Two registers of two tokens by four rows become two pairs of rows, and the other way round.
COG_INLINE float32x4_t cog_lower_halves(float32x4_t a, float32x4_t b) {
  return vreinterpretq_f32_f64(vzip1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

COG_INLINE float32x4_t cog_upper_halves(float32x4_t a, float32x4_t b) {
  return vreinterpretq_f32_f64(vzip2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

/// The sums that an earlier block of a row's groups has left in the output.
COG_INLINE void cog_load_mmla_sums(
    const float *output, size_t stride, const size_t tokens, cog_mmla_sums sums) {
  COG_UNROLL for (size_t token = 0; token < tokens; token += 2) {
    COG_UNROLL for (size_t row = 0; row < COG_MMLA_ROW_PAIRS; row += 2) {
      const float *first = output + token * stride + 2 * row;
      const float32x4_t a = vld1q_f32(first);
      const float32x4_t b = token + 1 < tokens ? vld1q_f32(first + stride) : vdupq_n_f32(0);
      sums[token / 2][row] = cog_lower_halves(a, b);
      sums[token / 2][row + 1] = cog_upper_halves(a, b);
    }
  }
}

/// Stores sums, with the rows' bias added unless it is NULL.
COG_INLINE void cog_store_mmla_sums(
    cog_mmla_sums sums, const float *bias, const size_t tokens, float *output, size_t stride) {
  COG_UNROLL for (size_t token = 0; token < tokens; token += 2) {
    COG_UNROLL for (size_t row = 0; row < COG_MMLA_ROW_PAIRS; row += 2) {
      float *first = output + token * stride + 2 * row;
      float32x4_t a = cog_lower_halves(sums[token / 2][row], sums[token / 2][row + 1]);
      float32x4_t b = cog_upper_halves(sums[token / 2][row], sums[token / 2][row + 1]);
      if (bias) {
        const float32x4_t added = vld1q_f32(bias + 2 * row);
        a = vaddq_f32(a, added);
        b = vaddq_f32(b, added);
      }
      vst1q_f32(first, a);
      if (token + 1 < tokens) vst1q_f32(first + stride, b);
    }
  }
}

// MARK: Products of a block

/// The products of a tile of `tokens` (a constant) tokens with a panel, in groups of a constant size. All of
/// its 16 rows have a place in `output`.
COG_INLINE void cog_multiply_mmla_panel(
    const CogMmlaPanel *panel, const size_t tokens, const size_t group_size, const float *bias, float *output,
    size_t stride) {
  for (size_t row = 0; row < COG_PANEL_ROWS; row += COG_MMLA_ROWS) {
    cog_mmla_sums sums = {{0}};
    if (panel->has_sums) cog_load_mmla_sums(output + row, stride, tokens, sums);
    for (size_t group = 0; group < panel->groups; group++) {
      cog_add_mmla_group(panel, group, row, group_size, tokens, sums);
    }
    cog_store_mmla_sums(sums, bias ? bias + row : NULL, tokens, output + row, stride);
  }
}

typedef void CogMmlaFunction(const CogMmlaPanel *panel, const float *bias, float *output, size_t stride);

/// Functions for each width of a tile, called cog_mmla_64_6 and the like.
#define COG_MMLA_FUNCTION(group_size, width)                                                                 \
  COG_KERNEL __attribute__((noinline)) void cog_mmla_##group_size##_##width(                                 \
      const CogMmlaPanel *panel, const float *bias, float *output, size_t stride) {                          \
    cog_multiply_mmla_panel(panel, width, group_size, bias, output, stride);                                 \
  }
#define COG_MMLA_ENTRY(group_size, width) cog_mmla_##group_size##_##width,
#define COG_MMLA_WIDTHS(X, group_size)                                                                       \
  X(group_size, 1) X(group_size, 2) X(group_size, 3) X(group_size, 4) X(group_size, 5) X(group_size, 6)
COG_MMLA_WIDTHS(COG_MMLA_FUNCTION, 32)
COG_MMLA_WIDTHS(COG_MMLA_FUNCTION, 64)
COG_MMLA_WIDTHS(COG_MMLA_FUNCTION, 128)

/// [width - 1]
static CogMmlaFunction *const cog_mmla_32[] = {COG_MMLA_WIDTHS(COG_MMLA_ENTRY, 32)};
static CogMmlaFunction *const cog_mmla_64[] = {COG_MMLA_WIDTHS(COG_MMLA_ENTRY, 64)};
static CogMmlaFunction *const cog_mmla_128[] = {COG_MMLA_WIDTHS(COG_MMLA_ENTRY, 128)};
#undef COG_MMLA_WIDTHS
#undef COG_MMLA_ENTRY
#undef COG_MMLA_FUNCTION

_Static_assert(sizeof cog_mmla_64 / sizeof *cog_mmla_64 == COG_MMLA_TOKENS, "a function for each width");

COG_KERNEL CogMmlaFunction *cog_mmla_function(size_t group_size, size_t tokens) {
  return (group_size == 64 ? cog_mmla_64 : group_size == 32 ? cog_mmla_32 : cog_mmla_128)[tokens - 1];
}

/// The same for a panel whose rows do not all exist, by way of a buffer.
COG_KERNEL void cog_multiply_last_mmla_panel(
    CogMmlaFunction *const function, const CogMmlaPanel *panel, size_t rows, size_t tokens, const float *bias,
    float *output, size_t stride) {
  float padded[COG_MMLA_TOKENS * COG_PANEL_ROWS] = {0}, padded_bias[COG_PANEL_ROWS] = {0};
  const size_t bytes = rows * sizeof(float);
  if (bias) memcpy(padded_bias, bias, bytes);
  for (size_t token = 0; token < tokens && panel->has_sums; token++) {
    memcpy(padded + token * COG_PANEL_ROWS, output + token * stride, bytes);
  }
  function(panel, bias ? padded_bias : NULL, padded, COG_PANEL_ROWS);
  for (size_t token = 0; token < tokens; token++) {
    memcpy(output + token * stride, padded + token * COG_PANEL_ROWS, bytes);
  }
}

/// The products of a tile with a panel of a block.
COG_KERNEL void cog_multiply_any_mmla_panel(
    const CogTiledBlock *block, const CogTokenTile *tile, size_t number, const CogTiledOutput *target) {
  const CogPanelMatrix *matrix = block->matrix;
  const CogTiledScratch *scratch = block->scratch;
  const size_t place = number - block->first_panel, rows = cog_panel_rows(matrix, number);
  const CogMmlaPanel panel = {
      .weights = scratch->weights + cog_expanded_offset(block, number, block->first_group),
      .scales = scratch->scales[place],
      .offsets = scratch->has_offsets[place] ? scratch->offsets[place] : NULL,
      .values = tile->groups + block->first_group * tile->group_bytes,
      .groups = block->end_group - block->first_group,
      .has_sums = block->first_group > 0};
  const bool adds_bias = target->bias && block->end_group == matrix->group_count;
  const float *bias = adds_bias ? target->bias + number * COG_PANEL_ROWS : NULL;
  float *output = target->output + tile->first_token * target->stride + number * COG_PANEL_ROWS;
  CogMmlaFunction *const function = cog_mmla_function(matrix->group_size, tile->tokens);
  if (rows == COG_PANEL_ROWS) {
    function(&panel, bias, output, target->stride);
  } else {
    cog_multiply_last_mmla_panel(function, &panel, rows, tile->tokens, bias, output, target->stride);
  }
}

/// The products of all tokens with a block.
COG_KERNEL void cog_multiply_mmla_block(
    const CogTiledBlock *block, const CogActivations *activations, const CogTiledOutput *target) {
  for (size_t first = 0; first < activations->tokens; first += COG_MMLA_CACHED_TOKENS) {
    const size_t end = first + cog_part_size(first, COG_MMLA_CACHED_TOKENS, activations->tokens);
    for (size_t panel = block->first_panel; panel < block->end_panel; panel++) {
      for (size_t token = first; token < end; token += COG_MMLA_TOKENS) {
        const CogTokenTile tile = cog_tile(block->matrix, activations, token);
        cog_multiply_any_mmla_panel(block, &tile, panel, target);
      }
    }
  }
}

COG_KERNEL void cog_multiply_mmla(const CogOperands *operands, float *output, size_t output_stride) {
  cog_multiply_blocks(
      operands, COG_EIGHT_COLUMNS, COG_MMLA_COLUMNS, cog_multiply_mmla_block, output, output_stride);
}

// MARK: Limits

#define COG_TILE_PEAK cog_mmla_peak

/// As cog_int8_peak (generic/limits-inl.h).
COG_KERNEL double cog_mmla_peak(size_t rounds) {
  enum { PRODUCTS = 2 * 2 * 8 };
  int32x4_t sums[COG_PEAK_CHAINS];
  int8x16_t rows = vdupq_n_s8(3), both = rows;
  COG_UNROLL for (size_t i = 0; i < COG_PEAK_CHAINS; i++)
    sums[i] = vdupq_n_s32(0);
  for (size_t round = 0; round < rounds; round++) {
    COG_UNROLL for (size_t i = 0; i < COG_PEAK_CHAINS; i++) {
      __asm__ volatile("" : "+w"(both));  // unknown to the compiler
      sums[i] = vmmlaq_s32(sums[i], both, rows);
    }
  }
  COG_UNROLL for (size_t i = 0; i < COG_PEAK_CHAINS; i++)
    __asm__ volatile("" : "+w"(sums[i]));
  return (double)rounds * COG_PEAK_CHAINS * PRODUCTS * 2;
}

// MARK: What the backend lists

#define COG_MMLA_PRODUCT(weight_bits)                                                                        \
  {                                                                                                          \
      .bits = weight_bits,                                                                                   \
      .group_sizes = 32 | 64 | 128,                                                                          \
      .fewest_tokens = COG_MANY_MMLA_TOKENS,                                                                 \
      .tile_tokens = COG_MMLA_TOKENS,                                                                        \
      .fewest_panels = COG_TILED_PANELS,                                                                     \
      .prepare = cog_quantize_mmla_activations,                                                              \
      .multiply = cog_multiply_mmla,                                                                         \
      .scratch_bytes = sizeof(CogTiledScratch),                                                              \
  }

#endif
