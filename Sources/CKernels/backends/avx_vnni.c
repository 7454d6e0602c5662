// VNNI on 256-bit registers (AVX-VNNI), for processors without AVX-512.

#include "CogBackends.h"

#if defined(__x86_64__)

#include "x86.h"

#define COG_KERNEL COG_TARGET("avx2,fma,f16c,avxvnni") static

#define COG_HAS_HALF_CONVERSION 1
#define COG_INT16_PRODUCTS_8(sums, columns, pair)                                                            \
  ((cog_8_int_lanes)_mm256_dpwssd_avx_epi32((__m256i)(sums), (__m256i)(columns), _mm256_set1_epi32(pair)))

#include "registers_256-inl.h"

#include "../products/tile-inl.h"

COG_INLINE void cog_dot_int4(
    const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]) {
  const __m256i low_bits = _mm256_set1_epi8(15);
  for (size_t column = 0; column < input->columns; column += 8) {
    const uint8_t *line = input->lines + column / 8 * COG_LINE_BYTES;
    cog_prefetch_line(input, line, tokens);
    __m256i low[COG_REGISTERS], high[COG_REGISTERS];
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      const __m256i bytes = cog_load_register(line, reg);
      low[reg] = _mm256_and_si256(bytes, low_bits);
      high[reg] = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_bits);
    }
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      const __m256i left = cog_broadcast(input->values + column * tokens + 4 * token);
      const __m256i right = cog_broadcast(input->values + (column + 4) * tokens + 4 * token);
      COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
        dots[token][reg] = _mm256_dpbusd_avx_epi32(dots[token][reg], low[reg], left);
        dots[token][reg] = _mm256_dpbusd_avx_epi32(dots[token][reg], high[reg], right);
      }
    }
  }
}

/// int8: the instruction wants unsigned weights, so 128 is added to them and taken out as an offset.
COG_INLINE void cog_dot_int8(
    const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]) {
  const __m256i sign_bits = _mm256_set1_epi8((char)0x80);
  for (size_t column = 0; column < input->columns; column += 4) {
    const uint8_t *line = input->lines + column / 4 * COG_LINE_BYTES;
    cog_prefetch_line(input, line, tokens);
    COG_UNROLL for (size_t reg = 0; reg < COG_REGISTERS; reg++) {
      const __m256i weights = _mm256_xor_si256(cog_load_register(line, reg), sign_bits);
      COG_UNROLL for (size_t token = 0; token < tokens; token++) {
        const __m256i values = cog_broadcast(input->values + column * tokens + 4 * token);
        dots[token][reg] = _mm256_dpbusd_avx_epi32(dots[token][reg], weights, values);
      }
    }
  }
}

COG_INLINE cog_ints cog_int8_offset(int32_t sum) { return _mm256_slli_epi32(_mm256_set1_epi32(sum), 7); }

COG_INLINE cog_ints cog_peak_dot(cog_ints sums, cog_ints weights, cog_ints values) {
  return _mm256_dpbusd_avx_epi32(sums, weights, values);
}

#include "../generic/kernel_table-inl.h"
#include "../generic/limits-inl.h"

static const CogProduct *const products[] = {&cog_int4_tile_product, &cog_int8_tile_product};

#endif

const CogBackend cog_avx_vnni_backend = {
    .name = "avx-vnni",
#if defined(__x86_64__)
    .runs_here = cog_has_avx_vnni,
    COG_BACKEND_TABLES,
#endif
};
