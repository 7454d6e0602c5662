// Dot products with NEON's sdot, for backends that have it: a line of 16 rows fills four registers.

#ifndef COG_NEON_INL_H
#define COG_NEON_INL_H

#include "../generic/base-inl.h"
#include "arm.h"

#define COG_HAS_HALF_CONVERSION 1
/// The lower halves of the lanes, then the upper ones: as many products for an instruction as with float32.
#define COG_INT16_PRODUCTS_4(sums, columns, pair)                                                            \
  vmlal_n_s16(                                                                                               \
      vmlal_n_s16((sums), vmovn_s32(columns), (int16_t)(pair)), vshrn_n_s32((columns), 16),                  \
      (int16_t)((pair) >> 16))

#define COG_TILE_TOKENS 4
#define COG_SEARCH_ROWS 8
#define COG_PEAK_CHAINS 24
#define COG_ANY_REGISTER "w"
enum { COG_REGISTERS = 4, COG_FEW_TOKENS = 2 };
typedef int32x4_t cog_ints;
typedef float32x4_t cog_floats;

#include "../products/tile-inl.h"

COG_INLINE cog_ints cog_no_ints(void) { return vdupq_n_s32(0); }

COG_INLINE cog_floats cog_no_floats(void) { return vdupq_n_f32(0); }

/// Four neighboring activations of each token of a tile, a lane each: sdot multiplies by one of them.
COG_INLINE int32x4_t cog_load_tokens(const int8_t *values, const size_t tokens) {
  int32_t lanes[COG_TILE_TOKENS] = {0};
  memcpy(lanes, values, tokens * sizeof *lanes);
  return vld1q_s32(lanes);
}

COG_INLINE int8x16_t cog_broadcast(int32x4_t tokens, const size_t token) {
  return vreinterpretq_s8_s32(vdupq_n_s32(tokens[token]));
}

COG_INLINE void cog_dot_int4(
    const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]) {
  const uint8x16_t low_bits = vdupq_n_u8(15);
  for (size_t column = 0; column < input->columns; column += 8) {
    const uint8_t *line = input->lines + column / 8 * COG_LINE_BYTES;
    cog_prefetch_line(input, line, tokens);
    int8x16_t low[COG_REGISTERS], high[COG_REGISTERS];
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      const uint8x16_t bytes = vld1q_u8(line + reg * 16);
      low[reg] = vreinterpretq_s8_u8(vandq_u8(bytes, low_bits));
      high[reg] = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
    }
    const int32x4_t left = cog_load_tokens(input->values + column * tokens, tokens);
    const int32x4_t right = cog_load_tokens(input->values + (column + 4) * tokens, tokens);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
        dots[token][reg] = vdotq_s32(dots[token][reg], low[reg], cog_broadcast(left, token));
        dots[token][reg] = vdotq_s32(dots[token][reg], high[reg], cog_broadcast(right, token));
      }
    }
  }
}

COG_INLINE void cog_dot_int8(
    const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]) {
  for (size_t column = 0; column < input->columns; column += 4) {
    const uint8_t *line = input->lines + column / 4 * COG_LINE_BYTES;
    cog_prefetch_line(input, line, tokens);
    const int32x4_t values = cog_load_tokens(input->values + column * tokens, tokens);
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      const int8x16_t weights = vreinterpretq_s8_u8(vld1q_u8(line + reg * 16));
      COG_UNROLL for (size_t token = 0; token < tokens; token++) {
        dots[token][reg] = vdotq_s32(dots[token][reg], weights, cog_broadcast(values, token));
      }
    }
  }
}

/// The dot products above take signed weights as they are.
COG_INLINE cog_ints cog_int8_offset(int32_t sum) {
  (void)sum;
  return vdupq_n_s32(0);
}

COG_INLINE cog_floats cog_group_scales(const uint8_t *scales, size_t reg) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(scales + reg * 8)));
}

COG_INLINE cog_ints cog_group_zeros(const uint8_t *zeros, size_t reg) {
  const uint8_t *own = zeros + reg * 4;
  const int32_t four[4] = {own[0], own[1], own[2], own[3]};
  return vld1q_s32(four);
}

COG_INLINE cog_ints cog_int4_offset(cog_ints zeros, int32_t sum) { return vmulq_n_s32(zeros, sum); }

COG_INLINE cog_floats
cog_add_scaled(cog_floats sums, cog_ints dots, cog_ints offset, cog_floats scales, float activation_scale) {
  const float32x4_t exact = vcvtq_f32_s32(vsubq_s32(dots, offset));
  return vfmaq_n_f32(sums, vmulq_f32(scales, exact), activation_scale);
}

COG_INLINE void cog_store_register(cog_floats sums, const float *bias, size_t reg, float *output) {
  if (bias) sums = vaddq_f32(sums, vld1q_f32(bias + reg * 4));
  vst1q_f32(output + reg * 4, sums);
}

// MARK: Limits

COG_INLINE cog_ints cog_peak_bytes(void) { return vreinterpretq_s32_s8(vdupq_n_s8(3)); }

COG_INLINE cog_floats cog_peak_floats(void) { return vdupq_n_f32(1); }

COG_INLINE cog_ints cog_peak_dot(cog_ints sums, cog_ints weights, cog_ints values) {
  return vdotq_s32(sums, vreinterpretq_s8_s32(weights), vreinterpretq_s8_s32(values));
}

COG_INLINE cog_floats cog_peak_fma(cog_floats sums, cog_floats weights, cog_floats values) {
  return vfmaq_f32(sums, weights, values);
}

#endif
