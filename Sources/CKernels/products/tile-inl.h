// Products of quantized weights with tiles of a few tokens: the loops that the SIMD instruction sets share. A
// panel is read from its first byte to its last while the sums of all tokens of a tile are in registers.
//
// The backend defines, before it includes this header,
//
//   cog_ints, cog_floats   a register of 32-bit integers, or of floats
//   COG_REGISTERS          how many of them hold 16 numbers, those of 16 rows
//   COG_TILE_TOKENS        the most tokens of a tile: so many sums fit the registers, 4 or 12
//   COG_FEW_TOKENS         up to so many tokens the processor waits for memory
//
// and, before it or after it, the functions that are declared below.
//
// All loops over tokens and registers have constant bounds after inlining and are unrolled (COG_UNROLL), so
// that dots and sums stay in registers: a loop that indexes them would put them into memory.

#ifndef COG_TILE_INL_H
#define COG_TILE_INL_H

#include "../generic/activations-inl.h"
#include "CogProcessor.h"

#ifndef COG_TILE_TOKENS  // in a header that is opened alone
#include "../backends/registers_256-inl.h"
#endif

/// The widths of a tile, 1 to COG_TILE_TOKENS.
#define COG_WIDTHS_1_TO_4(X) X(1) X(2) X(3) X(4)
#if COG_TILE_TOKENS == 4
#define COG_TILE_WIDTHS(X) COG_WIDTHS_1_TO_4(X)
#elif COG_TILE_TOKENS == 12
#define COG_TILE_WIDTHS(X) COG_WIDTHS_1_TO_4(X) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#else
#error "list the widths of such a tile here"
#endif

_Static_assert(COG_REGISTERS * sizeof(cog_ints) == COG_LINE_BYTES, "a line of 16 rows fills the registers");
_Static_assert(sizeof(cog_floats) == sizeof(cog_ints), "sums and dot products lie in the same lanes");

// MARK: What the backend defines

/// What dot products take: one group of one panel with the same group of a tile's tokens.
typedef struct CogGroupInput {
  const uint8_t *lines;  ///< 8 columns of 16 rows each in int4, 4 in int8
  size_t columns;        ///< of the group, a multiple of 8
  const int8_t *values;  ///< [columns / 4][tokens][4]
  size_t bytes_ahead;    ///< see cog_prefetch_ahead
} CogGroupInput;

/// Registers of zeros.
COG_INLINE cog_ints cog_no_ints(void);
COG_INLINE cog_floats cog_no_floats(void);
/// Adds the dot products of a group's rows with `tokens` (a constant) tokens to dots[token][register].
COG_INLINE void cog_dot_int4(const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]);
COG_INLINE void cog_dot_int8(const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]);
/// Register `reg` of a group's scales, out of the 16 rows' F16 numbers.
COG_INLINE cog_floats cog_group_scales(const uint8_t *scales, size_t reg);
/// Likewise of its zero points, out of the 16 rows' bytes.
COG_INLINE cog_ints cog_group_zeros(const uint8_t *zeros, size_t reg);
/// What dot products carry too much where a token's values have that sum: in int4 zero points * sum.
COG_INLINE cog_ints cog_int4_offset(cog_ints zeros, int32_t sum);
COG_INLINE cog_ints cog_int8_offset(int32_t sum);
/// sums + activation scale * (scales * (dots - offset)), rounded as Formats/int4.md has it.
COG_INLINE cog_floats
cog_add_scaled(cog_floats sums, cog_ints dots, cog_ints offset, cog_floats scales, float activation_scale);
/// Stores the sums of register `reg` of 16 rows, with their bias added unless it is NULL.
COG_INLINE void cog_store_register(cog_floats sums, const float *bias, size_t reg, float *output);

// MARK: Loads

/// With a token or a few, memory is what limits. A panel is read from its first byte to its last, which the
/// processor's own prefetching is best at; but that ends with a page, and waits for the translation of the
/// next one's address. So every two kilobytes a cache line of each of the next two pages is asked for, into
/// the second-level cache; more hints than these get in its way. `bytes` are read from `line` on before the
/// next call. The addresses may lie beyond the weights; they are never read.
COG_KERNEL inline void cog_prefetch_pages(const uint8_t *line, size_t bytes) {
  enum { PAGE_BYTES = 4096, HINT_BYTES = 2048 };
  if ((uintptr_t)line % HINT_BYTES >= bytes) return;
  __builtin_prefetch(cog_address(line, PAGE_BYTES), 0, 1);
  __builtin_prefetch(cog_address(line, 2 * PAGE_BYTES), 0, 1);
}

/// Some processors fetch better when, besides, each line is asked for that lies some bytes behind one that is
/// read, into the first-level cache; to others that is in the way, and so is even a look at how many bytes
/// with each line: so whether they are 0 is known where this is inlined.
COG_INLINE void cog_prefetch_ahead(const CogGroupInput *input, const uint8_t *line) {
  if (input->bytes_ahead) __builtin_prefetch(cog_address(line, input->bytes_ahead), 0, 3);
}

/// Both, where tokens are few, for a line that is read.
COG_INLINE void cog_prefetch_line(const CogGroupInput *input, const uint8_t *line, const size_t tokens) {
  if (tokens > COG_FEW_TOKENS) return;
  cog_prefetch_pages(line, COG_LINE_BYTES);
  cog_prefetch_ahead(input, line);
}

// MARK: Stores

/// Writes the sums of a whole panel.
COG_INLINE void cog_store_whole_panel(
    size_t panel, const size_t tokens, cog_floats sums[][COG_REGISTERS], const float *bias, float *output,
    size_t output_stride) {
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      cog_store_register(
          sums[token][reg], bias, reg, output + token * output_stride + panel * COG_PANEL_ROWS);
    }
  }
}

/// Writes the sums of a panel that may be the last one, whose rows do not all exist.
COG_INLINE void cog_store_tile(
    const CogPanelMatrix *matrix, size_t panel, const size_t tokens, cog_floats sums[][COG_REGISTERS],
    const float *bias, float *output, size_t output_stride) {
  const size_t count = cog_panel_rows(matrix, panel);
  if (bias) bias += panel * COG_PANEL_ROWS;
  if (count == COG_PANEL_ROWS) {
    cog_store_whole_panel(panel, tokens, sums, bias, output, output_stride);
    return;
  }
  float rows[COG_PANEL_ROWS] = {0};
  if (bias) memcpy(rows, bias, count * sizeof(float));
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    float partial[COG_PANEL_ROWS];
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      cog_store_register(sums[token][reg], bias ? rows : NULL, reg, partial);
    }
    memcpy(output + token * output_stride + panel * COG_PANEL_ROWS, partial, count * sizeof(float));
  }
}

// MARK: Products

/// Adds a group's products to the sums of a tile of `tokens` (a constant) tokens.
COG_INLINE void cog_multiply_group(
    const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, bool is_int4, const CogTokenTile *tile,
    const size_t tokens, const size_t bytes_ahead, cog_floats sums[][COG_REGISTERS]) {
  const CogTileGroup activations = cog_tile_group(matrix, tile, group, tokens);
  const CogGroupInput input = {
      panel + cog_lines_offset(matrix, group, is_int4), cog_group_columns(matrix, group), activations.values,
      bytes_ahead};
  cog_ints dots[COG_TILE_TOKENS][COG_REGISTERS];
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++)
      dots[token][reg] = cog_no_ints();
  }
  if (is_int4) {
    cog_dot_int4(&input, tokens, dots);
  } else {
    cog_dot_int8(&input, tokens, dots);
  }
  const uint8_t *group_scales = panel + cog_scales_offset(matrix, group);
  const uint8_t *group_zeros = panel + cog_zeros_offset(matrix, group);
  COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
    const cog_floats weight_scales = cog_group_scales(group_scales, reg);
    const cog_ints zeros = is_int4 ? cog_group_zeros(group_zeros, reg) : cog_no_ints();
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      const cog_ints offset = is_int4 ? cog_int4_offset(zeros, activations.sums[token])
                                      : cog_int8_offset(activations.sums[token]);
      sums[token][reg] = cog_add_scaled(
          sums[token][reg], dots[token][reg], offset, weight_scales, activations.scales[token]);
    }
  }
}

/// The products of a tile of `tokens` (a constant) tokens with a range of panels: the tokens' values stay in
/// the first-level cache while the panels pass.
COG_INLINE void cog_multiply_panels(
    const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, bool is_int4,
    const CogTokenTile *tile, const size_t tokens, const size_t bytes_ahead, const float *bias, float *output,
    size_t output_stride) {
  for (size_t panel = first_panel; panel < end_panel; panel++) {
    cog_floats sums[COG_TILE_TOKENS][COG_REGISTERS];
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++)
        sums[token][reg] = cog_no_floats();
    }
    for (size_t group = 0; group < matrix->group_count; group++) {
      cog_multiply_group(matrix, cog_panel(matrix, panel), group, is_int4, tile, tokens, bytes_ahead, sums);
    }
    cog_store_tile(
        matrix, panel, tokens, sums, bias, output + tile->first_token * output_stride, output_stride);
  }
}

/// The same, with what the processor wants to be asked for.
COG_INLINE void cog_multiply_tile(
    const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, bool is_int4,
    const CogTokenTile *tile, const size_t tokens, const float *bias, float *output, size_t output_stride) {
  const size_t bytes_ahead = tokens <= COG_FEW_TOKENS ? cog_bytes_ahead(cog_processor_family()) : 0;
  if (bytes_ahead) {
    cog_multiply_panels(
        matrix, first_panel, end_panel, is_int4, tile, tokens, bytes_ahead, bias, output, output_stride);
  } else {
    cog_multiply_panels(
        matrix, first_panel, end_panel, is_int4, tile, tokens, 0, bias, output, output_stride);
  }
}

/// That for one width; `output` is the first token's of all tiles.
typedef void CogTileProduct(
    const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogTokenTile *tile,
    const float *bias, float *output, size_t output_stride);

/// The functions of a width, called cog_int4_tile_12 and the like.
#define COG_TILE_FUNCTIONS(width)                                                                            \
  COG_KERNEL __attribute__((noinline)) void cog_int4_tile_##width(                                           \
      const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogTokenTile *tile,          \
      const float *bias, float *output, size_t output_stride) {                                              \
    cog_multiply_tile(matrix, first_panel, end_panel, true, tile, width, bias, output, output_stride);       \
  }                                                                                                          \
  COG_KERNEL __attribute__((noinline)) void cog_int8_tile_##width(                                           \
      const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogTokenTile *tile,          \
      const float *bias, float *output, size_t output_stride) {                                              \
    cog_multiply_tile(matrix, first_panel, end_panel, false, tile, width, bias, output, output_stride);      \
  }
COG_TILE_WIDTHS(COG_TILE_FUNCTIONS)
#undef COG_TILE_FUNCTIONS

#define COG_INT4_TILE(width) cog_int4_tile_##width,
#define COG_INT8_TILE(width) cog_int8_tile_##width,
static CogTileProduct *const cog_int4_tiles[] = {COG_TILE_WIDTHS(COG_INT4_TILE)};  // [tokens - 1]
static CogTileProduct *const cog_int8_tiles[] = {COG_TILE_WIDTHS(COG_INT8_TILE)};
#undef COG_INT4_TILE
#undef COG_INT8_TILE

_Static_assert(
    sizeof cog_int4_tiles / sizeof *cog_int4_tiles == COG_TILE_TOKENS, "a function for each width");

/// CogMultiply: tile after tile.
COG_KERNEL inline void cog_multiply_tiles(
    const CogOperands *operands, CogTileProduct *const tiles[], float *output, size_t output_stride) {
  const CogActivations *activations = &operands->activations;
  for (size_t token = 0; token < activations->tokens; token += activations->tile_tokens) {
    const CogTokenTile tile = cog_tile(&operands->matrix, activations, token);
    tiles[tile.tokens - 1](
        &operands->matrix, operands->first_panel, operands->end_panel, &tile, operands->bias, output,
        output_stride);
  }
}

COG_KERNEL void cog_multiply_int4(const CogOperands *operands, float *output, size_t output_stride) {
  cog_multiply_tiles(operands, cog_int4_tiles, output, output_stride);
}

COG_KERNEL void cog_multiply_int8(const CogOperands *operands, float *output, size_t output_stride) {
  cog_multiply_tiles(operands, cog_int8_tiles, output, output_stride);
}

// MARK: What the backend lists

static const CogProduct cog_int4_tile_product = COG_TILE_PRODUCT(4, COG_TILE_TOKENS);
static const CogProduct cog_int8_tile_product = COG_TILE_PRODUCT(8, COG_TILE_TOKENS);

#endif
