// NEON with dot products (arm64, ARMv8.2): a line is four registers of 4 rows.

#if defined(__aarch64__)

#include <arm_neon.h>

#include "kernel_tables.h"

#define COG_KERNEL __attribute__((target("dotprod"))) static

#define COG_HAS_HALF_CONVERSION 1
/// The lower halves of the lanes, then the upper ones: as many products for an instruction as with float32.
#define COG_SHORT_PRODUCTS_4(sums, columns, pair)                                                            \
  vmlal_n_s16(                                                                                               \
      vmlal_n_s16((sums), vmovn_s32(columns), (int16_t)(pair)), vshrn_n_s32((columns), 16),                  \
      (int16_t)((pair) >> 16))
#include "plain_kernels.h"

#define COG_WIDE_TILES 0
enum { COG_PARTS = 4, COG_TILE_TOKENS = 4 };
typedef int32x4_t cog_ints;
typedef float32x4_t cog_floats;

COG_INLINE cog_ints cog_no_ints(void) { return vdupq_n_s32(0); }

COG_INLINE cog_floats cog_no_floats(void) { return vdupq_n_f32(0); }

/// Four neighboring activations in every 32-bit lane.
COG_INLINE int8x16_t cog_broadcast(const int8_t *values) {
  int32_t four;
  memcpy(&four, values, sizeof four);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

COG_INLINE void cog_dot_int4(const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_PARTS]) {
  const uint8x16_t low_bits = vdupq_n_u8(15);
  for (size_t column = 0; column < input->columns; column += 8) {
    const uint8_t *line = input->lines + column / 8 * COG_LINE_BYTES;
    if (tokens <= 2) cog_prefetch_pages(line, COG_LINE_BYTES);
    int8x16_t low[COG_PARTS], high[COG_PARTS];
    COG_UNROLL for (size_t part = 0; part < COG_PARTS; part++) {
      const uint8x16_t bytes = vld1q_u8(line + part * 16);
      low[part] = vreinterpretq_s8_u8(vandq_u8(bytes, low_bits));
      high[part] = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
    }
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      const int8x16_t left = cog_broadcast(input->values + column * tokens + 4 * token);
      const int8x16_t right = cog_broadcast(input->values + (column + 4) * tokens + 4 * token);
      COG_UNROLL for (size_t part = 0; part < COG_PARTS; part++) {
        dots[token][part] = vdotq_s32(dots[token][part], low[part], left);
        dots[token][part] = vdotq_s32(dots[token][part], high[part], right);
      }
    }
  }
}

COG_INLINE void cog_dot_int8(const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_PARTS]) {
  for (size_t column = 0; column < input->columns; column += 4) {
    const uint8_t *line = input->lines + column / 4 * COG_LINE_BYTES;
    if (tokens <= 2) cog_prefetch_pages(line, COG_LINE_BYTES);
    COG_UNROLL for (size_t part = 0; part < COG_PARTS; part++) {
      const int8x16_t weights = vreinterpretq_s8_u8(vld1q_u8(line + part * 16));
      COG_UNROLL for (size_t token = 0; token < tokens; token++) {
        const int8x16_t values = cog_broadcast(input->values + column * tokens + 4 * token);
        dots[token][part] = vdotq_s32(dots[token][part], weights, values);
      }
    }
  }
}

/// The dot products above take signed weights as they are.
COG_INLINE cog_ints cog_int8_offset(int32_t sum) {
  (void)sum;
  return vdupq_n_s32(0);
}

COG_INLINE cog_floats cog_group_scales(const uint8_t *scales, size_t part) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(scales + part * 8)));
}

COG_INLINE cog_ints cog_group_zeros(const uint8_t *zeros, size_t part) {
  const uint8_t *own = zeros + part * 4;
  const int32_t four[4] = {own[0], own[1], own[2], own[3]};
  return vld1q_s32(four);
}

COG_INLINE cog_ints cog_int4_offset(cog_ints zeros, int32_t sum) { return vmulq_n_s32(zeros, sum); }

COG_INLINE cog_floats
cog_add_scaled(cog_floats sums, cog_ints dots, cog_ints offset, cog_floats scales, float activation_scale) {
  const float32x4_t exact = vcvtq_f32_s32(vsubq_s32(dots, offset));
  return vfmaq_n_f32(sums, vmulq_f32(scales, exact), activation_scale);
}

COG_INLINE void cog_store_part(cog_floats sums, const float *bias, size_t part, float *output) {
  if (bias) sums = vaddq_f32(sums, vld1q_f32(bias + part * 4));
  vst1q_f32(output + part * 4, sums);
}

#include "panel_matmul.h"

const CogKernels cog_neon_kernels = COG_KERNEL_TABLE(COG_NEON, "neon");

#endif
