// A group of a panel times a tile of tokens, by pairing.

#ifndef COG_PAIR_GROUP_AVX512_INL_H
#define COG_PAIR_GROUP_AVX512_INL_H

#include "pair_operands_avx512-inl.h"

enum { COG_PAIR_NEIGHBORS = 4 };  ///< tokens whose products are found in turn

/// The halves of a line's weights in registers.
typedef struct CogPairLine {
  __m512i low;   ///< columns 0 to 3
  __m512i high;  ///< columns 4 to 7
} CogPairLine;

COG_INLINE CogPairLine cog_load_pair_line(const CogPairGroup *group, size_t line) {
  const CogPairLine result = {
      _mm512_load_si512(group->lines[line][0]), _mm512_load_si512(group->lines[line][1])};
  return result;
}

/// A token's products with a line whose halves are paired.
COG_INLINE __m512i cog_dot_pairs(__m512i dots, CogPairLine line, const int8_t *values) {
  const __m512i x = _mm512_add_epi8(line.high, cog_broadcast(values));
  const __m512i y = _mm512_add_epi8(line.low, cog_broadcast(values + 4));
  return _mm512_dpbusd_epi32(dots, x, y);
}

/// A token's products with half of a line whose halves are not.
COG_INLINE __m512i cog_dot_half(__m512i dots, __m512i half, const int8_t *values) {
  return _mm512_dpbusd_epi32(dots, half, cog_broadcast(values));
}

/// Adds the products of four lines, one dot product at a time for a few neighboring tokens: the processor
/// looks ahead over some sixty instructions only, and a token's next product waits for its last one. `values`
/// are the tokens' in the first line.
COG_INLINE void cog_dot_four_lines(
    __m512i dots[], const CogPairLine lines[COG_PAIR_LINES], const int8_t *values, const size_t tokens) {
  enum { PRODUCTS = COG_PAIR_LINES + 1, PLAIN = COG_PAIR_LINES - 1 };
  COG_UNROLL for (size_t i = 0; i < PRODUCTS; i++) {
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      const int8_t *own = values + token * COG_PAIR_GROUP;
      // Such that mostly add bytes in turn with such that only multiply.
      if (i % 2 == 0) {
        dots[token] = cog_dot_pairs(dots[token], lines[i / 2], own + i / 2 * 8);
      } else {
        const __m512i half = i == 1 ? lines[PLAIN].low : lines[PLAIN].high;
        dots[token] = cog_dot_half(dots[token], half, own + PLAIN * 8 + i / 2 * 4);
      }
      // Otherwise the compiler loads for several tokens ahead, and has to move registers to memory.
      __asm__ volatile("" : "+v"(dots[token]));
    }
  }
}

/// What the products of a group's rows are finished with.
typedef struct CogPairRows {
  bool at_once;  ///< a constant after inlining
  __m512 scales;
  __m512i own;  ///< minus the rows' own sums; if at once times the scales, as floats
} CogPairRows;

COG_INLINE CogPairRows cog_load_pair_rows(const CogPairGroup *group, const bool at_once) {
  const CogPairRows rows = {at_once, _mm512_load_ps(group->scales), _mm512_load_si512(group->offsets)};
  return rows;
}

/// Takes out of a token's products what they carry too much, and adds them to its sums, as in
/// Formats/int4.md.
COG_INLINE void cog_finish_pairs(
    CogPairRows rows, const CogTileGroup *activations, size_t token, __m512i dots,
    cog_floats sums[][COG_REGISTERS]) {
  __m512 products;
  if (rows.at_once) {
    products = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), rows.scales, _mm512_castsi512_ps(rows.own));
  } else {
    products = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(dots, rows.own)), rows.scales);
  }
  cog_floats sum = sums[token][0];
  // With the sum in a register the scale comes from memory within the addition. Loading a float for all lanes
  // is not free, as loading an integer is: it takes a port that adds.
  __asm__("" : "+v"(sum));
  sums[token][0] = _mm512_fmadd_ps(products, _mm512_set1_ps(activations->scales[token]), sum);
}

/// Finishes the neighbors of a tile's `tokens` tokens from `first` on.
COG_INLINE void cog_finish_neighbors(
    CogPairRows rows, const CogTileGroup *activations, const size_t first, const size_t tokens,
    const __m512i dots[], cog_floats sums[][COG_REGISTERS]) {
  COG_UNROLL for (size_t i = 0; i < COG_PAIR_NEIGHBORS; i++) {
    const size_t token = first + i;
    if (token < tokens) cog_finish_pairs(rows, activations, token, dots[token], sums);
  }
}

COG_INLINE void cog_begin_dots(const CogTileGroup *activations, const size_t tokens, __m512i dots[]) {
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    dots[token] = _mm512_set1_epi32(activations->offsets[token]);
  }
}

/// Adds the products of a group of eight lines to the sums of a tile of `tokens` (a constant) tokens.
/// Neighbors are finished behind the next ones' last products: the ones mostly multiply, the others mostly
/// add bytes.
COG_INLINE void cog_multiply_pair_group(
    const CogPairGroup *weights, const bool at_once, const CogTileGroup *activations, const size_t tokens,
    cog_floats sums[][COG_REGISTERS]) {
  const CogPairRows rows = cog_load_pair_rows(weights, at_once);
  const size_t last_neighbors = (tokens - 1) / COG_PAIR_NEIGHBORS * COG_PAIR_NEIGHBORS;
  __m512i dots[COG_TILE_TOKENS];
  cog_begin_dots(activations, tokens, dots);
  COG_UNROLL for (size_t line = 0; line < COG_PAIR_GROUP_LINES; line += COG_PAIR_LINES) {
    CogPairLine lines[COG_PAIR_LINES];
    COG_UNROLL for (size_t i = 0; i < COG_PAIR_LINES; i++)
      lines[i] = cog_load_pair_line(weights, line + i);
    COG_UNROLL for (size_t first = 0; first < tokens; first += COG_PAIR_NEIGHBORS) {
      const int8_t *values = activations->values + first * COG_PAIR_GROUP + line * 8;
      const size_t left = tokens - first;
      cog_dot_four_lines(dots + first, lines, values, left < COG_PAIR_NEIGHBORS ? left : COG_PAIR_NEIGHBORS);
      if (line == 0 || first == 0) continue;
      cog_finish_neighbors(rows, activations, first - COG_PAIR_NEIGHBORS, tokens, dots, sums);
    }
  }
  cog_finish_neighbors(rows, activations, last_neighbors, tokens, dots, sums);
  // The sums stay in memory: the registers are full.
  __asm__ volatile("" : : "r"(sums) : "memory");
}

/// The same for a row's last group of fewer lines.
COG_INLINE void cog_multiply_short_pair_group(
    const CogPairGroup *weights, size_t line_count, const CogTileGroup *activations, const size_t tokens,
    cog_floats sums[][COG_REGISTERS]) {
  const CogPairRows rows = cog_load_pair_rows(weights, false);
  __m512i dots[COG_TILE_TOKENS];
  cog_begin_dots(activations, tokens, dots);
  for (size_t line = 0; line < line_count; line++) {
    const CogPairLine one = cog_load_pair_line(weights, line);
    const bool is_pair = cog_is_pair_line(line);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      const int8_t *values = activations->values + token * COG_PAIR_GROUP + line * 8;
      dots[token] = is_pair ? cog_dot_pairs(dots[token], one, values)
                            : cog_dot_half(cog_dot_half(dots[token], one.low, values), one.high, values + 4);
    }
  }
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    cog_finish_pairs(rows, activations, token, dots[token], sums);
  }
}

#endif
