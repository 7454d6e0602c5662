// 256-bit registers, for products/tile-inl.h and generic/limits-inl.h: a line of 16 rows fills two.

#ifndef COG_REGISTERS_256_INL_H
#define COG_REGISTERS_256_INL_H

#include "../generic/base-inl.h"
#include "x86.h"

#define COG_TILE_TOKENS 4
#define COG_SEARCH_ROWS 8
#define COG_PEAK_CHAINS 12
#define COG_ANY_REGISTER "x"
enum { COG_REGISTERS = 2, COG_FEW_TOKENS = 2 };
typedef __m256i cog_ints;
typedef __m256 cog_floats;

COG_INLINE cog_ints cog_no_ints(void) { return _mm256_setzero_si256(); }

COG_INLINE cog_floats cog_no_floats(void) { return _mm256_setzero_ps(); }

COG_INLINE __m256i cog_load_register(const uint8_t *line, size_t reg) {
  return _mm256_loadu_si256((const __m256i *)(line + reg * 32));
}

/// Four neighboring activations in every 32-bit lane.
COG_INLINE __m256i cog_broadcast(const int8_t *values) {
  int32_t four;
  memcpy(&four, values, sizeof four);
  return _mm256_set1_epi32(four);
}

COG_INLINE cog_floats cog_group_scales(const uint8_t *scales, size_t reg) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(scales + reg * 16)));
}

COG_INLINE cog_ints cog_group_zeros(const uint8_t *zeros, size_t reg) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(zeros + reg * 8)));
}

/// One madd: both fit 16 bits (|sum| <= 112 * 128), and the upper half of the sum meets the upper half of a
/// zero point, which is 0.
COG_INLINE cog_ints cog_int4_offset(cog_ints zeros, int32_t sum) {
  return _mm256_madd_epi16(zeros, _mm256_set1_epi32(sum));
}

COG_INLINE cog_floats
cog_add_scaled(cog_floats sums, cog_ints dots, cog_ints offset, cog_floats scales, float activation_scale) {
  const __m256 exact = _mm256_cvtepi32_ps(_mm256_sub_epi32(dots, offset));
  return _mm256_fmadd_ps(_mm256_mul_ps(scales, exact), _mm256_set1_ps(activation_scale), sums);
}

COG_INLINE void cog_store_register(cog_floats sums, const float *bias, size_t reg, float *output) {
  if (bias) sums = _mm256_add_ps(sums, _mm256_loadu_ps(bias + reg * 8));
  _mm256_storeu_ps(output + reg * 8, sums);
}

// MARK: Limits

COG_INLINE cog_ints cog_peak_bytes(void) { return _mm256_set1_epi8(3); }

COG_INLINE cog_floats cog_peak_floats(void) { return _mm256_set1_ps(1.0f); }

COG_INLINE cog_floats cog_peak_fma(cog_floats sums, cog_floats weights, cog_floats values) {
  return _mm256_fmadd_ps(weights, values, sums);
}

#endif
