// AVX2, FMA and F16C.

#include "CogBackends.h"

#if defined(__x86_64__)

#include "x86.h"

#define COG_KERNEL COG_TARGET("avx2,fma,f16c") static

#define COG_HAS_HALF_CONVERSION 1
#define COG_INT16_PRODUCTS_8(sums, columns, pair)                                                            \
  ((cog_8_int_lanes)_mm256_add_epi32(                                                                        \
      (__m256i)(sums), _mm256_madd_epi16((__m256i)(columns), _mm256_set1_epi32(pair))))

#include "registers_256-inl.h"

#include "../products/tile-inl.h"

/// Adds the products of four columns, two to each 16-bit lane.
COG_INLINE void cog_add_products(
    const __m256i *weights, const int8_t *values, const size_t tokens, __m256i sums[][COG_REGISTERS]) {
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    const __m256i four = cog_broadcast(values + 4 * token);
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      sums[token][reg] = _mm256_add_epi16(sums[token][reg], _mm256_maddubs_epi16(weights[reg], four));
    }
  }
}

/// Adds the products of `count` lines of int4 weights. The low halves of the bytes are done with before the
/// high ones are unpacked: more does not fit 16 registers.
COG_INLINE void cog_add_lines(
    const CogGroupInput *input, const uint8_t *line, const int8_t *values, const size_t count,
    const size_t tokens, __m256i sums[][COG_REGISTERS]) {
  const __m256i low_bits = _mm256_set1_epi8(15);
  COG_UNROLL for (size_t i = 0; i < count; i++, line += COG_LINE_BYTES, values += 8 * tokens) {
    __m256i weights[COG_REGISTERS];
    cog_prefetch_line(input, line, tokens);
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      weights[reg] = _mm256_and_si256(cog_load_register(line, reg), low_bits);
    }
    cog_add_products(weights, values, tokens, sums);
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      weights[reg] = _mm256_and_si256(_mm256_srli_epi16(cog_load_register(line, reg), 4), low_bits);
    }
    cog_add_products(weights, values + 4 * tokens, tokens, sums);
  }
}

/// int4: unsigned weights up to 15 times signed activations up to 112, two products to a 16-bit lane. Eight
/// of these sums stay below 2^15 (8 * 2 * 15 * 112 = 26880), so four lines are added before they are
/// widened.
COG_INLINE void cog_dot_int4(
    const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (size_t first = 0; first < input->columns; first += 32) {
    const uint8_t *line = input->lines + first / 8 * COG_LINE_BYTES;
    const int8_t *values = input->values + first * tokens;
    __m256i sums[COG_TILE_TOKENS][COG_REGISTERS];
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++)
        sums[token][reg] = cog_no_ints();
    }
    if (input->columns - first >= 32) {
      cog_add_lines(input, line, values, 4, tokens, sums);
    } else {
      for (size_t column = first; column < input->columns; column += 8) {
        cog_add_lines(input, line, values, 1, tokens, sums);
        line += COG_LINE_BYTES;
        values += 8 * tokens;
      }
    }
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
        dots[token][reg] = _mm256_add_epi32(dots[token][reg], _mm256_madd_epi16(sums[token][reg], ones));
      }
    }
  }
}

/// int8: |weight| times the activation with the weight's sign; two products stay below 2^15 (2 * 128 * 112).
COG_INLINE void cog_dot_int8(
    const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (size_t column = 0; column < input->columns; column += 4) {
    const uint8_t *line = input->lines + column / 4 * COG_LINE_BYTES;
    cog_prefetch_line(input, line, tokens);
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      const __m256i weights = cog_load_register(line, reg);
      const __m256i magnitudes = _mm256_abs_epi8(weights);
      COG_UNROLL for (size_t token = 0; token < tokens; token++) {
        const __m256i values = cog_broadcast(input->values + column * tokens + 4 * token);
        const __m256i pairs = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(values, weights));
        dots[token][reg] = _mm256_add_epi32(dots[token][reg], _mm256_madd_epi16(pairs, ones));
      }
    }
  }
}

/// The dot products above take no offset out of int8 weights.
COG_INLINE cog_ints cog_int8_offset(int32_t sum) {
  (void)sum;
  return _mm256_setzero_si256();
}

/// maddubs, and one 16-bit addition that takes its products up.
COG_INLINE cog_ints cog_peak_dot(cog_ints sums, cog_ints weights, cog_ints values) {
  return _mm256_add_epi16(sums, _mm256_maddubs_epi16(weights, values));
}

#include "../generic/kernel_table-inl.h"
#include "../generic/limits-inl.h"

static const CogProduct *const products[] = {&cog_int4_tile_product, &cog_int8_tile_product};

#endif

const CogBackend cog_avx2_backend = {
    .name = "avx2",
#if defined(__x86_64__)
    .runs_here = cog_has_avx2,
    COG_BACKEND_TABLES,
#endif
};
