// Quantized matrix products: the loops that the SIMD instruction sets share. The including file defines
// COG_KERNEL as for elementwise.h, COG_INLINE (the same, always inlined), and for one line of 16 rows:
//
//   COG_PARTS               registers that hold 16 32-bit numbers
//   COG_TOKENS_AT_ONCE      tokens that share one load of the weights
//   cog_ints, cog_floats    a register of 32-bit integers or floats
//   cog_dot_int4/int8       adds the dot products of some lines of a group to dots[token][part]
//   cog_group_scales        the 16 scales of a group
//   cog_group_zeros         the zero points of a group; cog_int8_zeros what int8 dot products carry too much
//   cog_add_scaled          sums + activation scale * scales * (dots - zeros * sum), as in Formats/int4.md
//   cog_store_part          adds the bias and stores the sums of a part
//
// All loops over tokens and parts have constant bounds after inlining, so that dots stay in registers.

COG_INLINE void cog_store_tile(
    const CogPanelMatrix *matrix, size_t panel, size_t tokens, cog_floats sums[][COG_PARTS],
    const float *bias, float *output, size_t output_stride) {
  float rows[COG_PANEL_ROWS] = {0};
  const size_t count = cog_panel_rows(matrix, panel);
  const bool whole = count == COG_PANEL_ROWS;
  if (bias) memcpy(rows, bias + panel * COG_PANEL_ROWS, count * sizeof(float));
  for (size_t token = 0; token < tokens; token++) {
    float partial[COG_PANEL_ROWS];
    float *destination = output + token * output_stride + panel * COG_PANEL_ROWS;
    for (size_t part = 0; part < COG_PARTS; part++) {
      cog_store_part(sums[token][part], bias ? rows : NULL, part, whole ? destination : partial);
    }
    if (!whole) memcpy(destination, partial, count * sizeof(float));
  }
}

/// The products of `tokens` (a constant) tokens from `first_token` on with one panel.
COG_INLINE void cog_multiply_tile(
    const CogPanelMatrix *matrix, size_t panel, bool is_int4, const CogActivations *activations,
    size_t first_token, const size_t tokens, const float *bias, float *output, size_t output_stride) {
  const uint8_t *bytes = cog_panel(matrix, panel);
  const size_t columns_in_line = is_int4 ? 8 : 4;
  cog_floats sums[COG_TOKENS_AT_ONCE][COG_PARTS];
  for (size_t token = 0; token < tokens; token++) {
    for (size_t part = 0; part < COG_PARTS; part++) sums[token][part] = cog_no_floats();
  }
  for (size_t group = 0; group < matrix->group_count; group++) {
    const size_t first = group * matrix->group_size;
    const CogGroupInput input = {
        bytes + matrix->header_bytes + first / columns_in_line * COG_LINE_BYTES,
        cog_group_columns(matrix, group), activations->values + first_token * activations->stride + first,
        activations->stride};
    cog_ints dots[COG_TOKENS_AT_ONCE][COG_PARTS];
    for (size_t token = 0; token < tokens; token++) {
      for (size_t part = 0; part < COG_PARTS; part++) dots[token][part] = cog_no_ints();
    }
    if (is_int4) {
      cog_dot_int4(&input, tokens, dots);
    } else {
      cog_dot_int8(&input, tokens, dots);
    }
    const float *scales = activations->scales + first_token * matrix->group_count + group;
    const int32_t *totals = activations->sums + first_token * matrix->group_count + group;
    for (size_t part = 0; part < COG_PARTS; part++) {
      const cog_floats weight_scales = cog_group_scales(bytes, group, part);
      const cog_ints zeros = is_int4 ? cog_group_zeros(matrix, bytes, group, part) : cog_int8_zeros();
      for (size_t token = 0; token < tokens; token++) {
        const size_t at = token * matrix->group_count;
        sums[token][part] = cog_add_scaled(
            sums[token][part], dots[token][part], zeros, weight_scales, scales[at], totals[at]);
      }
    }
  }
  cog_store_tile(
      matrix, panel, tokens, sums, bias, output + first_token * output_stride, output_stride);
}

/// Defines a function that multiplies `tokens` tokens with a range of panels: the tokens' values stay in the
/// first-level cache while the panels pass.
#define COG_TILE_FUNCTION(name, tokens, is_int4)                                                      \
  COG_KERNEL __attribute__((noinline)) void name(                                                     \
      const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel,                             \
      const CogActivations *activations, size_t token, const float *bias, float *output,              \
      size_t output_stride) {                                                                         \
    for (size_t panel = first_panel; panel < end_panel; panel++) {                                    \
      cog_multiply_tile(matrix, panel, is_int4, activations, token, tokens, bias, output, output_stride); \
    }                                                                                                 \
  }

COG_TILE_FUNCTION(cog_most_tokens_int4, COG_TOKENS_AT_ONCE, true)
COG_TILE_FUNCTION(cog_4_tokens_int4, 4, true)
COG_TILE_FUNCTION(cog_3_tokens_int4, 3, true)
COG_TILE_FUNCTION(cog_2_tokens_int4, 2, true)
COG_TILE_FUNCTION(cog_1_token_int4, 1, true)
COG_TILE_FUNCTION(cog_most_tokens_int8, COG_TOKENS_AT_ONCE, false)
COG_TILE_FUNCTION(cog_4_tokens_int8, 4, false)
COG_TILE_FUNCTION(cog_3_tokens_int8, 3, false)
COG_TILE_FUNCTION(cog_2_tokens_int8, 2, false)
COG_TILE_FUNCTION(cog_1_token_int8, 1, false)

#undef COG_TILE_FUNCTION

/// Cuts the tokens into tiles.
#define COG_MATMUL_FUNCTION(name, suffix)                                                               \
  COG_KERNEL void name(                                                                                 \
      const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel,                               \
      const CogActivations *activations, const float *bias, float *output, size_t output_stride) {      \
    size_t token = 0;                                                                                   \
    for (; token + COG_TOKENS_AT_ONCE <= activations->tokens; token += COG_TOKENS_AT_ONCE) {            \
      cog_most_tokens_##suffix(                                                                         \
          matrix, first_panel, end_panel, activations, token, bias, output, output_stride);             \
    }                                                                                                   \
    for (; token + 4 <= activations->tokens; token += 4) {                                              \
      cog_4_tokens_##suffix(                                                                            \
          matrix, first_panel, end_panel, activations, token, bias, output, output_stride);             \
    }                                                                                                   \
    switch (activations->tokens - token) {                                                              \
      case 3:                                                                                           \
        cog_3_tokens_##suffix(                                                                          \
            matrix, first_panel, end_panel, activations, token, bias, output, output_stride);           \
        break;                                                                                          \
      case 2:                                                                                           \
        cog_2_tokens_##suffix(                                                                          \
            matrix, first_panel, end_panel, activations, token, bias, output, output_stride);           \
        break;                                                                                          \
      case 1:                                                                                           \
        cog_1_token_##suffix(                                                                           \
            matrix, first_panel, end_panel, activations, token, bias, output, output_stride);           \
        break;                                                                                          \
      default: break;                                                                                   \
    }                                                                                                   \
  }

COG_MATMUL_FUNCTION(cog_matmul_int4, int4)
COG_MATMUL_FUNCTION(cog_matmul_int8, int8)

#undef COG_MATMUL_FUNCTION
