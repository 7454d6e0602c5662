// Quantized matrix products: the loops that the SIMD instruction sets share. The including file defines
// COG_KERNEL as for elementwise.h, and for one line of 16 rows:
//
//   COG_PARTS               registers that hold 16 32-bit numbers
//   COG_TILE_TOKENS         tokens that share one load of the weights, 4 or 12
//   cog_ints, cog_floats    a register of 32-bit integers or floats
//   cog_dot_int4/int8       adds the dot products of some lines of a group to dots[token][part]
//   cog_group_scales        the scales of a group, from those of 16 rows
//   cog_group_zeros         the zero points of a group, likewise
//   cog_int4_offset         zero points * sum: what int4 dot products carry too much
//   cog_int8_offset         what int8 dot products carry too much
//   cog_add_scaled          sums + activation scale * (scales * (dots - offset)), as in Formats/int4.md
//   cog_store_part          adds the bias and stores the sums of a part
//
// All loops over tokens and parts have constant bounds after inlining and are unrolled (COG_UNROLL), so that
// dots and sums stay in registers: a loop that indexes them would put them into memory.

/// Writes the sums of a whole panel.
COG_INLINE void cog_store_whole_panel(
    size_t panel, const size_t tokens, cog_floats sums[][COG_PARTS], const float *bias, float *output,
    size_t output_stride) {
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    COG_UNROLL for (size_t part = 0; part < COG_PARTS; part++) {
      cog_store_part(sums[token][part], bias, part, output + token * output_stride + panel * COG_PANEL_ROWS);
    }
  }
}

/// Writes the sums of a panel that may be the last one, whose rows do not all exist.
COG_INLINE void cog_store_tile(
    const CogPanelMatrix *matrix, size_t panel, const size_t tokens, cog_floats sums[][COG_PARTS],
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
    COG_UNROLL for (size_t part = 0; part < COG_PARTS; part++) {
      cog_store_part(sums[token][part], bias ? rows : NULL, part, partial);
    }
    memcpy(output + token * output_stride + panel * COG_PANEL_ROWS, partial, count * sizeof(float));
  }
}

/// Adds a group's products to the sums of a tile of `tokens` (a constant) tokens.
COG_INLINE void cog_multiply_group(
    const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, bool is_int4, const CogTokenTile *tile,
    const size_t tokens, cog_floats sums[][COG_PARTS]) {
  const CogTileGroup activations = cog_tile_group(matrix, tile, group, tokens);
  const CogGroupInput input = {
      panel + cog_lines_offset(matrix, group, is_int4), cog_group_columns(matrix, group), activations.values};
  cog_ints dots[COG_TILE_TOKENS][COG_PARTS];
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    COG_UNROLL for (size_t part = 0; part < COG_PARTS; part++)
      dots[token][part] = cog_no_ints();
  }
  if (is_int4) {
    cog_dot_int4(&input, tokens, dots);
  } else {
    cog_dot_int8(&input, tokens, dots);
  }
  const uint8_t *group_scales = panel + cog_scales_offset(matrix, group);
  const uint8_t *group_zeros = panel + cog_zeros_offset(matrix, group);
  COG_UNROLL for (size_t part = 0; part < COG_PARTS; part++) {
    const cog_floats weight_scales = cog_group_scales(group_scales, part);
    const cog_ints zeros = is_int4 ? cog_group_zeros(group_zeros, part) : cog_no_ints();
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      const cog_ints offset = is_int4 ? cog_int4_offset(zeros, activations.sums[token])
                                      : cog_int8_offset(activations.sums[token]);
      sums[token][part] = cog_add_scaled(
          sums[token][part], dots[token][part], offset, weight_scales, activations.scales[token]);
    }
  }
}

/// The products of a tile of `tokens` (a constant) tokens with a range of panels: the tokens' values stay in
/// the first-level cache while the panels pass.
COG_INLINE void cog_multiply_tile(
    const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, bool is_int4,
    const CogTokenTile *tile, const size_t tokens, const float *bias, float *output, size_t output_stride) {
  for (size_t panel = first_panel; panel < end_panel; panel++) {
    cog_floats sums[COG_TILE_TOKENS][COG_PARTS];
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      COG_UNROLL for (size_t part = 0; part < COG_PARTS; part++)
        sums[token][part] = cog_no_floats();
    }
    for (size_t group = 0; group < matrix->group_count; group++) {
      cog_multiply_group(matrix, cog_panel(matrix, panel), group, is_int4, tile, tokens, sums);
    }
    cog_store_tile(
        matrix, panel, tokens, sums, bias, output + tile->first_token * output_stride, output_stride);
  }
}

/// A function for each width of a tile, called cog_tile_int4_12 and the like.
#define COG_TILE_FUNCTION(suffix, is_int4, width)                                                            \
  COG_KERNEL __attribute__((noinline)) void cog_tile_##suffix##_##width(                                     \
      const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogTokenTile *tile,          \
      const float *bias, float *output, size_t output_stride) {                                              \
    cog_multiply_tile(matrix, first_panel, end_panel, is_int4, tile, width, bias, output, output_stride);    \
  }

#define COG_TILE_CASE(suffix, width)                                                                         \
  case width:                                                                                                \
    cog_tile_##suffix##_##width(matrix, first_panel, end_panel, tile, bias, output, output_stride);          \
    break;

#if COG_WIDE_TILES
#define COG_FOR_EACH_WIDTH(...)                                                                              \
  COG_EACH(1, __VA_ARGS__)                                                                                   \
  COG_EACH(2, __VA_ARGS__) COG_EACH(3, __VA_ARGS__) COG_EACH(4, __VA_ARGS__) COG_EACH(5, __VA_ARGS__)        \
      COG_EACH(6, __VA_ARGS__) COG_EACH(7, __VA_ARGS__) COG_EACH(8, __VA_ARGS__) COG_EACH(9, __VA_ARGS__)    \
          COG_EACH(10, __VA_ARGS__) COG_EACH(11, __VA_ARGS__) COG_EACH(12, __VA_ARGS__)
#else
#define COG_FOR_EACH_WIDTH(...)                                                                              \
  COG_EACH(1, __VA_ARGS__) COG_EACH(2, __VA_ARGS__) COG_EACH(3, __VA_ARGS__) COG_EACH(4, __VA_ARGS__)
#endif

/// Multiplies one tile, or tile after tile.
#define COG_MATMUL_FUNCTIONS(suffix)                                                                         \
  COG_KERNEL void cog_multiply_##suffix##_tile(                                                              \
      const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogTokenTile *tile,          \
      const float *bias, float *output, size_t output_stride) {                                              \
    switch (tile->tokens) { COG_FOR_EACH_WIDTH(suffix) default : break; }                                    \
  }                                                                                                          \
  COG_KERNEL void cog_matmul_##suffix(                                                                       \
      const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogActivations *activations, \
      const float *bias, float *output, size_t output_stride) {                                              \
    for (size_t token = 0; token < activations->tokens; token += activations->tile_tokens) {                 \
      const CogTokenTile tile = cog_tile(matrix, activations, token);                                        \
      cog_multiply_##suffix##_tile(matrix, first_panel, end_panel, &tile, bias, output, output_stride);      \
    }                                                                                                        \
  }

#define COG_EACH(width, suffix, is_int4) COG_TILE_FUNCTION(suffix, is_int4, width)
COG_FOR_EACH_WIDTH(int4, true)
COG_FOR_EACH_WIDTH(int8, false)
#undef COG_EACH
#define COG_EACH(width, suffix) COG_TILE_CASE(suffix, width)
COG_MATMUL_FUNCTIONS(int4)
COG_MATMUL_FUNCTIONS(int8)

#undef COG_EACH
#undef COG_MATMUL_FUNCTIONS
#undef COG_FOR_EACH_WIDTH
#undef COG_TILE_CASE
#undef COG_TILE_FUNCTION
