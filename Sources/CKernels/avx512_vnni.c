// AVX-512 with VNNI: a line of 16 rows is one register, 12 tokens share a load of the weights.

#if defined(__x86_64__)

#include "kernel_tables.h"
#include "simd_x86.h"

#define COG_KERNEL COG_TARGET("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni") static

#define COG_HAS_HALF_CONVERSION 1
#define COG_ATTENTION_VECTORS 4
/// As assembly: the compiler makes two instructions of the intrinsic, and they take twice the time.
#define COG_SHORT_PRODUCTS_16(sums, columns, pair)                                                           \
  ({                                                                                                         \
    __m512i added = (__m512i)(sums);                                                                         \
    __asm__("vpdpwssd %2, %1, %0" : "+v"(added) : "v"((__m512i)(columns)), "v"(_mm512_set1_epi32(pair)));    \
    (cog_int_lanes) added;                                                                                   \
  })
#include "plain_kernels.h"

#define COG_WIDE_TILES 1
enum { COG_PARTS = 1, COG_TILE_TOKENS = 12 };
typedef __m512i cog_ints;
typedef __m512 cog_floats;

COG_INLINE cog_ints cog_no_ints(void) { return _mm512_setzero_si512(); }

COG_INLINE cog_floats cog_no_floats(void) { return _mm512_setzero_ps(); }

/// Four neighboring activations in every 32-bit lane.
COG_INLINE __m512i cog_broadcast(const int8_t *values) {
  int32_t four;
  memcpy(&four, values, sizeof four);
  return _mm512_set1_epi32(four);
}

/// Up to so many tokens the processor waits for memory. It looks ahead over a number of instructions: the
/// fewer a line takes, the more lines are on their way.
enum { COG_FEW_TOKENS = 4 };

/// The low halves of the bytes are columns 0 to 3 of a line. The high ones are multiplied where they lie,
/// which makes 16 times their products and saves a shift.
COG_INLINE void cog_dot_few_int4(
    const CogGroupInput *input, const size_t line_count, const size_t tokens, cog_ints dots[][COG_PARTS]) {
  const __m512i low_bits = _mm512_set1_epi8(15), high_bits = _mm512_set1_epi8((char)0xF0);
  __m512i highs[COG_FEW_TOKENS];
  COG_UNROLL for (size_t token = 0; token < tokens; token++)
    highs[token] = _mm512_setzero_si512();
  for (size_t line = 0; line < line_count; line++) {
    const __m512i bytes = _mm512_loadu_si512(input->lines + line * COG_LINE_BYTES);
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
COG_INLINE void cog_dot_int4(const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_PARTS]) {
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
    const CogGroupInput *input, const size_t line_count, const size_t tokens, cog_ints dots[][COG_PARTS]) {
  const __m512i sign_bits = _mm512_set1_epi8((char)0x80);
  const int8_t *values = input->values;
  for (size_t line = 0; line < line_count; line++, values += 4 * tokens) {
    const __m512i bytes = _mm512_loadu_si512(input->lines + line * COG_LINE_BYTES);
    const __m512i weights = _mm512_xor_si512(bytes, sign_bits);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      dots[token][0] = _mm512_dpbusd_epi32(dots[token][0], weights, cog_broadcast(values + 4 * token));
    }
  }
}

COG_INLINE void cog_dot_int8(const CogGroupInput *input, const size_t tokens, cog_ints dots[][COG_PARTS]) {
  if (tokens <= COG_FEW_TOKENS) cog_prefetch_pages(input->lines, input->columns / 4 * COG_LINE_BYTES);
  if (tokens <= COG_FEW_TOKENS && input->columns == 64) {
    cog_dot_int8_lines(input, 16, tokens, dots);
  } else {
    cog_dot_int8_lines(input, input->columns / 4, tokens, dots);
  }
}

COG_INLINE cog_ints cog_int8_offset(int32_t sum) { return _mm512_slli_epi32(_mm512_set1_epi32(sum), 7); }

COG_INLINE cog_floats cog_group_scales(const uint8_t *scales, size_t part) {
  (void)part;
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)scales));
}

COG_INLINE cog_ints cog_group_zeros(const uint8_t *zeros, size_t part) {
  (void)part;
  return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)zeros));
}

/// One madd: both fit 16 bits (|sum| <= 112 * 128), and the upper half of the sum meets the upper half of a
/// zero point, which is 0.
COG_INLINE cog_ints cog_int4_offset(cog_ints zeros, int32_t sum) {
  return _mm512_madd_epi16(zeros, _mm512_set1_epi32(sum));
}

COG_INLINE cog_floats
cog_add_scaled(cog_floats sums, cog_ints dots, cog_ints offset, cog_floats scales, float activation_scale) {
  const __m512 exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(dots, offset));
  return _mm512_fmadd_ps(_mm512_mul_ps(scales, exact), _mm512_set1_ps(activation_scale), sums);
}

COG_INLINE void cog_store_part(cog_floats sums, const float *bias, size_t part, float *output) {
  (void)part;
  if (bias) sums = _mm512_add_ps(sums, _mm512_loadu_ps(bias));
  _mm512_storeu_ps(output, sums);
}

#include "panel_matmul.h"
// After panel_matmul.h:
#include "avx512_pairs.h"

const CogKernels cog_avx512_vnni_kernels = COG_KERNEL_TABLE(COG_AVX512_VNNI, "avx512-vnni");

const CogKernels cog_avx512_pairs_kernels = COG_KERNEL_TABLE_WITH(
    COG_AVX512_PAIRS, "avx512-pairs", cog_quantize_pair_activations, cog_matmul_int4_pairs,
    COG_PAIR_BLOCK_PANELS, COG_MANY_PAIR_TOKENS, cog_matmul_next_pairs);

#endif
