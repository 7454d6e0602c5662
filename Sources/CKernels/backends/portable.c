// Plain C: what every other backend is tested against.

#include "CogBackends.h"

#define COG_KERNEL static

#include "../generic/kernel_table-inl.h"
#include "../products/tiles_plain-inl.h"

#include "../products/tiled-inl.h"

enum { TILE_TOKENS = 4 };

/// Adds one group to the sums of 16 rows: activation scale * (weight scale * (dot - zero * sum)), with one
/// rounding of the inner product and one of the sum.
static inline void cog_add_group(
    const int32_t *restrict dots, const int32_t *restrict zeros, const float *restrict weight_scales,
    float activation_scale, int32_t activation_sum, float *restrict sums) {
  for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
    const float product = weight_scales[r] * (float)(dots[r] - zeros[r] * activation_sum);
    sums[r] = fmaf(product, activation_scale, sums[r]);
  }
}

static inline void cog_store_rows(
    const float *sums, const float *bias, size_t first_row, size_t rows, float *output) {
  for (size_t r = 0; r < rows; r++) {
    output[first_row + r] = bias ? sums[r] + bias[first_row + r] : sums[r];
  }
}

/// Dot products of 16 rows with one token of a tile, whose values lie `tokens` quadruples apart.
static inline void cog_dots_int4(
    const uint8_t *restrict line, const int8_t *restrict x, size_t tokens, size_t columns,
    int32_t *restrict dots) {
  for (size_t c = 0; c < columns; c += 8, line += COG_LINE_BYTES) {
    const int8_t *left = x + c * tokens, *right = left + 4 * tokens;
    for (size_t i = 0; i < COG_LINE_BYTES; i++) {
      dots[i / 4] += (line[i] & 15) * left[i % 4] + (line[i] >> 4) * right[i % 4];
    }
  }
}

static inline void cog_dots_int8(
    const uint8_t *restrict line, const int8_t *restrict x, size_t tokens, size_t columns,
    int32_t *restrict dots) {
  for (size_t c = 0; c < columns; c += 4, line += COG_LINE_BYTES) {
    for (size_t i = 0; i < COG_LINE_BYTES; i++) dots[i / 4] += (int8_t)line[i] * x[c * tokens + i % 4];
  }
}

/// The sums of 16 rows for one token of a tile.
static inline void cog_row_sums(
    const CogPanelMatrix *matrix, const uint8_t *panel, bool is_int4, const CogTokenTile *tile, size_t token,
    float *sums) {
  for (size_t group = 0; group < matrix->group_count; group++) {
    const size_t columns = cog_group_columns(matrix, group);
    const uint8_t *line = panel + cog_lines_offset(matrix, group, is_int4);
    const CogTileGroup activations = cog_tile_group(matrix, tile, group, tile->tokens);
    const int8_t *x = activations.values + token * 4;
    int32_t dots[COG_PANEL_ROWS] = {0}, zeros[COG_PANEL_ROWS] = {0};
    float scales[COG_PANEL_ROWS];
    if (is_int4) {
      cog_dots_int4(line, x, tile->tokens, columns, dots);
    } else {
      cog_dots_int8(line, x, tile->tokens, columns, dots);
    }
    for (size_t r = 0; r < COG_PANEL_ROWS; r++) {
      scales[r] = cog_panel_scale(matrix, panel, group, r);
      if (is_int4) zeros[r] = cog_panel_zero(matrix, panel, group, r);
    }
    cog_add_group(dots, zeros, scales, activations.scales[token], activations.sums[token], sums);
  }
}

static void cog_multiply_portable(
    const CogOperands *operands, const bool is_int4, float *output, size_t output_stride) {
  const CogPanelMatrix *matrix = &operands->matrix;
  const CogActivations *activations = &operands->activations;
  for (size_t panel = operands->first_panel; panel < operands->end_panel; panel++) {
    for (size_t token = 0; token < activations->tokens; token++) {
      const size_t in_tile = token % activations->tile_tokens;
      const CogTokenTile tile = cog_tile(matrix, activations, token - in_tile);
      float sums[COG_PANEL_ROWS] = {0};
      cog_row_sums(matrix, cog_panel(matrix, panel), is_int4, &tile, in_tile, sums);
      cog_store_rows(
          sums, operands->bias, panel * COG_PANEL_ROWS, cog_panel_rows(matrix, panel),
          output + token * output_stride);
    }
  }
}

static void cog_multiply_int4(const CogOperands *operands, float *output, size_t output_stride) {
  cog_multiply_portable(operands, true, output, output_stride);
}

static void cog_multiply_int8(const CogOperands *operands, float *output, size_t output_stride) {
  cog_multiply_portable(operands, false, output, output_stride);
}

// MARK: Limits

#define COG_PEAK_CHAINS 16
#define COG_PEAK_PRODUCTS 4
#if defined(__x86_64__)
#define COG_ANY_REGISTER "x"
#elif defined(__aarch64__)
#define COG_ANY_REGISTER "w"
#else
#define COG_ANY_REGISTER "m"
#endif
typedef uint32_t cog_ints __attribute__((ext_vector_type(4)));
typedef cog_4_lanes cog_floats;

COG_INLINE cog_ints cog_peak_bytes(void) { return 0x03030303; }

COG_INLINE cog_floats cog_peak_floats(void) { return 1; }

/// The products of numbers, not of bytes.
COG_INLINE cog_ints cog_peak_dot(cog_ints sums, cog_ints weights, cog_ints values) {
  return sums + weights * values;
}

COG_INLINE cog_floats cog_peak_fma(cog_floats sums, cog_floats weights, cog_floats values) {
  return sums + weights * values;
}

#include "../generic/limits-inl.h"

// MARK: The backend

static bool runs_here(void) { return true; }

static const CogProduct int4_product = COG_TILE_PRODUCT(4, TILE_TOKENS);
static const CogProduct int8_product = COG_TILE_PRODUCT(8, TILE_TOKENS);

// The twins of products on tiles.
static const CogProduct int4_tiled_product = COG_TILED_PRODUCT(4, true);
static const CogProduct int8_tiled_product = COG_TILED_PRODUCT(8, true);

static bool never_pays(void) { return false; }

static const CogProduct *const products[] = {
    &int4_tiled_product, &int8_tiled_product, &int4_product, &int8_product};

const CogBackend cog_portable_backend = {
    .name = "portable",
    .option_name = "portable-tiles",
    .runs_here = runs_here,
    .option_pays_here = never_pays,
    COG_BACKEND_TABLES,
};
