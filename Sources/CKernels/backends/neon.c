// NEON with dot products (arm64, ARMv8.2): a line of 16 rows fills four registers.

#include "CogBackends.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

#define COG_KERNEL __attribute__((target("dotprod"))) static

#define COG_HAS_HALF_CONVERSION 1
/// The lower halves of the lanes, then the upper ones: as many products for an instruction as with float32.
#define COG_INT16_PRODUCTS_4(sums, columns, pair)                                                            \
  vmlal_n_s16(                                                                                               \
      vmlal_n_s16((sums), vmovn_s32(columns), (int16_t)(pair)), vshrn_n_s32((columns), 16),                  \
      (int16_t)((pair) >> 16))

#define COG_TILE_TOKENS 4
#define COG_PEAK_CHAINS 24
#define COG_ANY_REGISTER "w"
enum { COG_REGISTERS = 4, COG_FEW_TOKENS = 2 };
typedef int32x4_t cog_ints;
typedef float32x4_t cog_floats;

COG_INLINE size_t cog_bytes_ahead(void) { return 0; }

#include "../products/tile-inl.h"

COG_INLINE cog_ints cog_no_ints(void) { return vdupq_n_s32(0); }

COG_INLINE cog_floats cog_no_floats(void) { return vdupq_n_f32(0); }

/// Four neighboring activations in every 32-bit lane.
COG_INLINE int8x16_t cog_broadcast(const int8_t *values) {
  int32_t four;
  memcpy(&four, values, sizeof four);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
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
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      const int8x16_t left = cog_broadcast(input->values + column * tokens + 4 * token);
      const int8x16_t right = cog_broadcast(input->values + (column + 4) * tokens + 4 * token);
      COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
        dots[token][reg] = vdotq_s32(dots[token][reg], low[reg], left);
        dots[token][reg] = vdotq_s32(dots[token][reg], high[reg], right);
      }
    }
  }
}

COG_INLINE void cog_dot_int8(
    const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]) {
  for (size_t column = 0; column < input->columns; column += 4) {
    const uint8_t *line = input->lines + column / 4 * COG_LINE_BYTES;
    cog_prefetch_line(input, line, tokens);
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      const int8x16_t weights = vreinterpretq_s8_u8(vld1q_u8(line + reg * 16));
      COG_UNROLL for (size_t token = 0; token < tokens; token++) {
        const int8x16_t values = cog_broadcast(input->values + column * tokens + 4 * token);
        dots[token][reg] = vdotq_s32(dots[token][reg], weights, values);
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

#include "../generic/kernel_table-inl.h"
#include "../generic/limits-inl.h"

#if defined(__linux__)
static bool has_dot_products(void) { return (getauxval(AT_HWCAP) & (1ul << 20)) != 0; }  // HWCAP_ASIMDDP
#else
static bool has_dot_products(void) { return true; }  // every arm64 Mac has them
#endif

static const CogProduct *const products[] = {&cog_int4_tile_product, &cog_int8_tile_product};

#endif

const CogBackend cog_neon_backend = {
    .name = "neon",
#if defined(__aarch64__)
    .runs_here = has_dot_products,
    COG_BACKEND_TABLES,
#endif
};
