// Dot products with VNNI in 512-bit registers, for backends that have them.

#ifndef COG_AVX512_INL_H
#define COG_AVX512_INL_H

#include "x86.h"

#define COG_HAS_HALF_CONVERSION 1
#define COG_ATTENTION_VECTORS 4
/// As assembly: the compiler makes two instructions of the intrinsic, and they take twice the time.
#define COG_INT16_PRODUCTS_16(sums, columns, pair)                                                           \
  ({                                                                                                         \
    __m512i added = (__m512i)(sums);                                                                         \
    __asm__("vpdpwssd %2, %1, %0" : "+v"(added) : "v"((__m512i)(columns)), "v"(_mm512_set1_epi32(pair)));    \
    (cog_int_lanes) added;                                                                                   \
  })

#include "registers_512-inl.h"

#include "../products/tile-inl.h"

/// For few tokens: a processor looks ahead over a number of instructions, and the fewer a line takes, the
/// more lines are on their way. The low halves of the bytes are columns 0 to 3 of a line. The high ones are
/// multiplied where they lie, which makes 16 times their products and saves a shift.
COG_INLINE void cog_dot_few_int4(
    const CogGroupInput *input, const size_t line_count, const size_t tokens,
    cog_ints dots[][COG_REGISTERS]) {
  const __m512i low_bits = _mm512_set1_epi8(15), high_bits = _mm512_set1_epi8((char)0xF0);
  __m512i highs[COG_FEW_TOKENS];
  COG_UNROLL for (size_t token = 0; token < tokens; token++)
    highs[token] = _mm512_setzero_si512();
  for (size_t line = 0; line < line_count; line++) {
    const __m512i bytes = _mm512_loadu_si512(input->lines + line * COG_LINE_BYTES);
    cog_prefetch_ahead(input, input->lines + line * COG_LINE_BYTES);
    const __m512i low = _mm512_and_si512(bytes, low_bits), high = _mm512_and_si512(bytes, high_bits);
    const int8_t *values = input->values + line * 8 * tokens;
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      dots[token][0] = _mm512_dpbusd_epi32(dots[token][0], low, cog_broadcast(values + 4 * token));
      highs[token] = _mm512_dpbusd_epi32(highs[token], high, cog_broadcast(values + 4 * (tokens + token)));
    }
  }
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    dots[token][0] = _mm512_add_epi32(dots[token][0], _mm512_srai_epi32(highs[token], 4));
  }
}

/// The low halves of the bytes meet all tokens before the high ones do: a sum waits for its last addition
/// only after as many others.
COG_INLINE void cog_dot_int4(
    const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]) {
  if (tokens <= COG_FEW_TOKENS) {
    if (input->columns == 64) {  // the usual ones, unrolled
      cog_prefetch_pages(input->lines, 8 * COG_LINE_BYTES);
      cog_dot_few_int4(input, 8, tokens, dots);
    } else {
      cog_prefetch_pages(input->lines, input->columns / 8 * COG_LINE_BYTES);
      cog_dot_few_int4(input, input->columns / 8, tokens, dots);
    }
    return;
  }
  const __m512i low_bits = _mm512_set1_epi8(15);
  const int8_t *values = input->values;
  for (size_t column = 0; column < input->columns; column += 8, values += 8 * tokens) {
    const __m512i bytes = _mm512_loadu_si512(input->lines + column * (COG_LINE_BYTES / 8));
    const __m512i low = _mm512_and_si512(bytes, low_bits);
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low_bits);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      dots[token][0] = _mm512_dpbusd_epi32(dots[token][0], low, cog_broadcast(values + 4 * token));
    }
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      dots[token][0] =
          _mm512_dpbusd_epi32(dots[token][0], high, cog_broadcast(values + 4 * (tokens + token)));
    }
  }
}

/// int8: the instruction wants unsigned weights, so 128 is added to them and taken out as an offset.
COG_INLINE void cog_dot_int8_lines(
    const CogGroupInput *input, const size_t line_count, const size_t tokens,
    cog_ints dots[][COG_REGISTERS]) {
  const __m512i sign_bits = _mm512_set1_epi8((char)0x80);
  const int8_t *values = input->values;
  for (size_t line = 0; line < line_count; line++, values += 4 * tokens) {
    const __m512i bytes = _mm512_loadu_si512(input->lines + line * COG_LINE_BYTES);
    if (tokens <= COG_FEW_TOKENS) cog_prefetch_ahead(input, input->lines + line * COG_LINE_BYTES);
    const __m512i weights = _mm512_xor_si512(bytes, sign_bits);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      dots[token][0] = _mm512_dpbusd_epi32(dots[token][0], weights, cog_broadcast(values + 4 * token));
    }
  }
}

COG_INLINE void cog_dot_int8(
    const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_REGISTERS]) {
  if (tokens <= COG_FEW_TOKENS) cog_prefetch_pages(input->lines, input->columns / 4 * COG_LINE_BYTES);
  if (tokens <= COG_FEW_TOKENS && input->columns == 64) {
    cog_dot_int8_lines(input, 16, tokens, dots);
  } else {
    cog_dot_int8_lines(input, input->columns / 4, tokens, dots);
  }
}

COG_INLINE cog_ints cog_int8_offset(int32_t sum) { return _mm512_slli_epi32(_mm512_set1_epi32(sum), 7); }

COG_INLINE cog_ints cog_peak_dot(cog_ints sums, cog_ints weights, cog_ints values) {
  return _mm512_dpbusd_epi32(sums, weights, values);
}

#endif
