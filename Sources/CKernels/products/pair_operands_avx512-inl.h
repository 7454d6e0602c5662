// int4 products with half the multiplications, for AVX-512 processors whose cores add bytes on four ports and
// multiply them on two. After Winograd, "A new algorithm for inner product" (1968):
//
//   (a + w') (a' + w) = a w + a' w' + a a' + w w'
//
// two products for one multiplication and two additions; a a' is found once for a token and all rows, w w'
// once for a row and all tokens. Weights less their zero point, w = q - zero, are from -15 to 15; so an
// activation of at most 112 and a weight fit a byte together, with what makes the first sum unsigned:
//
//   x = (a + 128) + w'   from 0 to 255        a, w:   columns 0 to 3 of a line, weights in the low four bits
//   y = a' + w           from -128 to 127     a', w': columns 4 to 7, weights in the high four bits
//
// Of four lines three are such pairs and one is multiplied as ever, with 15 added to its weights, so that
// both kinds of ports are busy. A group's result is exact, as everything is an integer:
//
//   the sum of x y and of the fourth line's products
//   - the sum of (a + 128) a' and of 15 a over the fourth line     the token's `offsets`
//   - the sum of (w' + 128) w                                      the rows' own
//
// What follows is in float32: times the rows' scale, and that times the token's. If the rows' own sum times
// their scale is a float32 (below 2^13 it always is), one fused multiply-add takes it out and rounds as the
// product alone would. So a group of a row takes three instructions besides its products, and all products
// give the same bits.
//
// This file has the operands, pair_group_avx512-inl.h multiplies a group of a panel with a tile of tokens,
// and pairs_avx512-inl.h multiplies matrices.

#ifndef COG_PAIR_OPERANDS_AVX512_INL_H
#define COG_PAIR_OPERANDS_AVX512_INL_H

#include "../backends/registers_512-inl.h"
#include "tile-inl.h"

enum {
  COG_PAIR_SHIFT = 128,  ///< makes the first factor unsigned
  COG_PAIR_WEIGHT = 15,  ///< the largest magnitude of a weight less its zero point
  COG_PAIR_LINES = 4,    ///< lines that are multiplied together, the last without pairing
  COG_PAIR_GROUP = 64,   ///< the only group size whose products are paired
  COG_PAIR_GROUP_LINES = COG_PAIR_GROUP / 8,
  /// Tokens that are worth unpacking the weights for.
  COG_MANY_PAIR_TOKENS = 32,
  COG_FEWEST_PAIR_TOKENS = 8,  ///< the narrowest tile that is paired
};

_Static_assert(COG_LARGEST_ACTIVATION + COG_PAIR_WEIGHT <= 127, "an activation and a weight fit a byte");

/// Whether a tile's products are paired: activations and products must agree.
COG_KERNEL inline bool cog_are_pairs(size_t tokens) { return tokens >= COG_FEWEST_PAIR_TOKENS; }

/// Whether the halves of a group's line are paired.
COG_KERNEL inline bool cog_is_pair_line(size_t line) { return line % COG_PAIR_LINES != COG_PAIR_LINES - 1; }

// MARK: Activations

/// Of the 32-bit lanes of a token's group, two for each line: the first halves of paired lines, and all
/// others'.
enum { COG_PAIR_FIRSTS = 0x1515, COG_PAIR_PLAIN = 0xC0C0 };

/// Stores a token's group, [token][column], with the first factors shifted. Behind its last
/// column there must be zeros.
COG_INLINE void cog_store_pair_group(
    const CogActivationGroup *source, size_t group_size, CogTileGroupTarget target, size_t token,
    size_t tokens) {
  (void)group_size;
  (void)tokens;
  const __m512i values = _mm512_loadu_si512(source->values);
  const __m512i shifted =
      _mm512_mask_xor_epi32(values, COG_PAIR_FIRSTS, values, _mm512_set1_epi8((char)COG_PAIR_SHIFT));
  _mm512_storeu_si512(target.values + token * COG_PAIR_GROUP, shifted);
  const __m512i x = _mm512_mask_mov_epi32(_mm512_set1_epi8(COG_PAIR_WEIGHT), COG_PAIR_FIRSTS, shifted);
  const __m512i y = _mm512_mask_srli_epi64(values, 0x77, values, 32);
  const __m512i own =
      _mm512_maskz_dpbusd_epi32(COG_PAIR_FIRSTS | COG_PAIR_PLAIN, _mm512_setzero_si512(), x, y);
  target.scales[token] = source->scale;
  target.offsets[token] = -_mm512_reduce_add_epi32(own);
}

COG_KERNEL void cog_quantize_pair_activations(
    const float *restrict x, size_t stride, size_t tokens, size_t columns, size_t padded_columns,
    size_t group_size, void *restrict tile) {
  if (cog_are_pairs(tokens)) {
    cog_quantize_tile(x, stride, tokens, columns, padded_columns, COG_PAIR_GROUP, tile, cog_store_pair_group);
  } else {
    cog_quantize_activations(x, stride, tokens, columns, padded_columns, group_size, tile);
  }
}

// MARK: Weights

/// A group of a panel, unpacked.
typedef struct CogPairGroup {
  int8_t lines[COG_PAIR_GROUP_LINES][2][COG_LINE_BYTES];  ///< columns 0 to 3 of a line, then 4 to 7
  float scales[COG_PANEL_ROWS];
  /// Minus the rows' own sums: in groups that are finished at once times the scales, as float32, in others as
  /// integers.
  int32_t offsets[COG_PANEL_ROWS];
} CogPairGroup;

/// Unpacks a group, and returns whether it is finished at once, which a short last one never is.
COG_KERNEL bool cog_unpack_pairs(
    const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, CogPairGroup *unpacked) {
  const __m512i zeros = cog_group_zeros(panel + cog_zeros_offset(matrix, group), 0);
  const __m512i taken = _mm512_mullo_epi32(zeros, _mm512_set1_epi32(0x01010101));
  const __m512i taken_plain = _mm512_sub_epi8(taken, _mm512_set1_epi8(COG_PAIR_WEIGHT));
  const size_t columns = cog_group_columns(matrix, group);
  const uint8_t *lines = panel + cog_lines_offset(matrix, group, true);
  const __m512i low_bits = _mm512_set1_epi8(15);
  __m512i own = _mm512_setzero_si512();
  for (size_t line = 0; line < columns / 8; line++) {
    const __m512i bytes = _mm512_loadu_si512(lines + line * COG_LINE_BYTES);
    const __m512i zero = cog_is_pair_line(line) ? taken : taken_plain;
    const __m512i low = _mm512_sub_epi8(_mm512_and_si512(bytes, low_bits), zero);
    const __m512i high = _mm512_sub_epi8(_mm512_and_si512(_mm512_srli_epi16(bytes, 4), low_bits), zero);
    _mm512_store_si512(unpacked->lines[line][0], low);
    _mm512_store_si512(unpacked->lines[line][1], high);
    if (!cog_is_pair_line(line)) continue;
    own = _mm512_dpbusd_epi32(own, _mm512_xor_si512(high, _mm512_set1_epi8((char)COG_PAIR_SHIFT)), low);
  }
  const __m512 scales = cog_group_scales(panel + cog_scales_offset(matrix, group), 0);
  const __m512i sums = _mm512_sub_epi32(_mm512_setzero_si512(), own);
  const __m512 floats = _mm512_cvtepi32_ps(sums), scaled = _mm512_mul_ps(floats, scales);
  // 0 but for what rounding left out; NaN if a scale is not finite.
  const __m512 residual = _mm512_fmsub_ps(floats, scales, scaled);
  const bool at_once =
      columns == COG_PAIR_GROUP && _mm512_cmp_ps_mask(residual, _mm512_setzero_ps(), _CMP_EQ_OQ) == 0xFFFF;
  _mm512_store_ps(unpacked->scales, scales);
  _mm512_store_si512(unpacked->offsets, at_once ? _mm512_castps_si512(scaled) : sums);
  return at_once;
}

#endif
