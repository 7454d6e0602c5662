// int4 products with half the multiplications, for AVX-512 processors whose cores add bytes in four places and
// multiply them in two. After Winograd, "A new algorithm for inner product" (1968):
//
//   (a + w') (a' + w) = a w + a' w' + a a' + w w'
//
// two products for one multiplication and two additions; a a' is found once for a token and all rows, w w' once
// for a row and all tokens. An activation of at most 120 and a weight of at most 15 fit a byte together. The
// activations are stored with what makes the first sum unsigned and the second one signed:
//
//   x = (a + 120) + w'   from 0 to 255        a, w:   columns 0 to 3 of a line, weights in the low four bits
//   y = (a' - 8) + w     from -128 to 127     a', w': columns 4 to 7, weights in the high four bits
//
// Of four lines three are such pairs and one is multiplied as ever, so that both kinds of places are busy.
// A group's result is the sum of x y and of the fourth line's products
//   - the sum of (a + 120) (a' - 8)           the token's `offsets`
//   - the sum of w w' + 120 w - 8 w'          the rows' `offsets`
//   - zero point * the sum of the activations
// and exact, as everything is an integer: the same bits as of all other sets.
//
// avx512_vnni.c includes this file behind panel_matmul.h.

enum {
  COG_PAIR_SHIFT = COG_LARGEST_ACTIVATION,  ///< makes the first factor unsigned
  COG_PAIR_UNSHIFT = 8,                     ///< makes room for the weight in the second
  COG_PAIR_LINES = 4,                       ///< lines that are multiplied together, the last without pairing
  /// Tokens that are worth unpacking the weights for.
  COG_MANY_PAIR_TOKENS = 32,
  COG_FEWEST_PAIR_TOKENS = 8,  ///< the narrowest tile that is paired
  /// With more columns in a group, the weights' own products do not fit 16 bits.
  COG_LARGEST_PAIR_GROUP = 64,
  /// The middle of their range, from 24 * (-8 * 15) to 24 * (15 * 15 + 120 * 15 - 8 * 15).
  COG_PAIR_MIDDLE = 21420,
  /// Groups of a row, and panels, that are unpacked together and meet all tokens before the next are: half a
  /// megabyte, which stays in the second-level cache.
  COG_PAIR_BLOCK_GROUPS = 64,
  COG_PAIR_BLOCK_PANELS = 7,
  /// Tokens between a token's last products and what is done with their sum.
  COG_PAIR_LAG = 2,
};

/// Whether a tile's products are paired: activations and products must agree.
COG_KERNEL inline bool cog_are_pairs(size_t tokens, size_t group_size) {
  return tokens >= COG_FEWEST_PAIR_TOKENS && group_size <= COG_LARGEST_PAIR_GROUP;
}

/// Whether the halves of a group's line are paired.
COG_KERNEL inline bool cog_is_pair_line(size_t line) { return line % COG_PAIR_LINES != COG_PAIR_LINES - 1; }

// MARK: Activations

/// What is added to the values of four lines for pairing.
static const int8_t cog_pair_shifts[COG_PAIR_LINES * 8] = {
#define COG_PAIR_SHIFTS                                                                                 \
  COG_PAIR_SHIFT, COG_PAIR_SHIFT, COG_PAIR_SHIFT, COG_PAIR_SHIFT, -COG_PAIR_UNSHIFT, -COG_PAIR_UNSHIFT, \
      -COG_PAIR_UNSHIFT, -COG_PAIR_UNSHIFT
    COG_PAIR_SHIFTS, COG_PAIR_SHIFTS, COG_PAIR_SHIFTS, 0, 0, 0, 0, 0, 0, 0, 0};
#undef COG_PAIR_SHIFTS

/// Shifts the values of a group's lines for pairing, and returns minus the sum of their own products. What lies
/// behind the last line, up to four, is shifted too.
COG_INLINE int32_t cog_shift_pairs(int8_t *values, size_t columns) {
  const __m256i shifts = _mm256_loadu_si256((const __m256i *)cog_pair_shifts);
  // The first halves of three lines, as unsigned numbers; the others' products are not wanted.
  const __m256i firsts = _mm256_set_epi32(0, 0, 0, -1, 0, -1, 0, -1);
  __m256i own = _mm256_setzero_si256();
  for (size_t column = 0; column < columns; column += COG_PAIR_LINES * 8) {
    __m256i *place = (__m256i *)(values + column);
    const __m256i shifted = _mm256_add_epi8(_mm256_loadu_si256(place), shifts);
    _mm256_storeu_si256(place, shifted);
    const __m256i x = _mm256_and_si256(shifted, firsts), y = _mm256_srli_epi64(shifted, 32);
    own = _mm256_dpbusd_epi32(own, x, y);
  }
  int32_t sums[8];
  memcpy(sums, &own, sizeof sums);
  const size_t rest = columns / 8 % COG_PAIR_LINES;
  const int32_t missing = rest == 0 ? 0 : COG_PAIR_LINES - 1 - (int32_t)rest;  // lines of zeros
  return -(sums[0] + sums[2] + sums[4] + missing * 4 * COG_PAIR_SHIFT * COG_PAIR_UNSHIFT);
}

/// Makes a quantized group one for pairing. Its sum becomes two 16-bit factors for the rows' offsets: minus the sum
/// of the activations and -1.
COG_INLINE void cog_pair_activations(CogActivationGroup *group, size_t columns) {
  group->offset = cog_shift_pairs(group->values, columns) - COG_PAIR_MIDDLE;
  group->sum = (int32_t)(0xFFFF0000u | (uint16_t)-group->sum);
}

COG_KERNEL void cog_quantize_pair_activations(
    const float *restrict x, size_t stride, size_t tokens, size_t columns, size_t padded_columns,
    size_t group_size, void *restrict tile) {
  if (cog_are_pairs(tokens, group_size)) {
    cog_quantize_tile(x, stride, tokens, columns, padded_columns, group_size, tile, cog_pair_activations);
  } else {
    cog_quantize_activations(x, stride, tokens, columns, padded_columns, group_size, tile);
  }
}

// MARK: Weights

/// A group of a panel, unpacked.
typedef struct CogPairGroup {
  uint8_t lines[COG_LARGEST_PAIR_GROUP / 8][2][COG_LINE_BYTES];  ///< columns 0 to 3 of a line, then 4 to 7
  float scales[COG_PANEL_ROWS];
  /// For each row its zero point in the low 16 bits, in the high ones its weights' own products less
  /// COG_PAIR_MIDDLE: one instruction multiplies them with a token's two factors.
  int32_t offsets[COG_PANEL_ROWS];
} CogPairGroup;

COG_KERNEL void
cog_unpack_pairs(const CogPanelMatrix *matrix, const uint8_t *panel, size_t group, CogPairGroup *unpacked) {
  const uint8_t *lines = panel + cog_lines_offset(matrix, group, true);
  const __m512i low_bits = _mm512_set1_epi8(15);
  __m512i own = _mm512_set1_epi32(-COG_PAIR_MIDDLE);
  for (size_t line = 0; line < cog_group_columns(matrix, group) / 8; line++) {
    const __m512i bytes = _mm512_loadu_si512(lines + line * COG_LINE_BYTES);
    const __m512i low = _mm512_and_si512(bytes, low_bits);
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low_bits);
    _mm512_store_si512(unpacked->lines[line][0], low);
    _mm512_store_si512(unpacked->lines[line][1], high);
    if (!cog_is_pair_line(line)) continue;
    own = _mm512_dpbusd_epi32(own, _mm512_add_epi8(high, _mm512_set1_epi8(COG_PAIR_SHIFT)), low);
    own = _mm512_dpbusd_epi32(own, high, _mm512_set1_epi8(-COG_PAIR_UNSHIFT));
  }
  _mm512_store_ps(unpacked->scales, cog_group_scales(panel + cog_scales_offset(matrix, group), 0));
  const __m512i zeros = cog_group_zeros(panel + cog_zeros_offset(matrix, group), 0);
  _mm512_store_si512(unpacked->offsets, _mm512_or_si512(zeros, _mm512_slli_epi32(own, 16)));
}

// MARK: A group

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
COG_INLINE __m512i
cog_dot_pairs(__m512i dots, CogPairLine line, const int8_t *values, size_t token, size_t tokens) {
  const __m512i x = _mm512_add_epi8(line.high, cog_broadcast(values + 4 * token));
  const __m512i y = _mm512_add_epi8(line.low, cog_broadcast(values + 4 * (tokens + token)));
  return _mm512_dpbusd_epi32(dots, x, y);
}

/// A token's products with a line whose halves are not.
COG_INLINE __m512i
cog_dot_halves(__m512i dots, CogPairLine line, const int8_t *values, size_t token, size_t tokens) {
  dots = _mm512_dpbusd_epi32(dots, line.low, cog_broadcast(values + 4 * token));
  return _mm512_dpbusd_epi32(dots, line.high, cog_broadcast(values + 4 * (tokens + token)));
}

/// A token's products with four lines, from the first of which its values are.
COG_INLINE __m512i cog_dot_four_lines(
    __m512i dots, const CogPairLine lines[COG_PAIR_LINES], const int8_t *values, size_t token, size_t tokens) {
  const size_t line_values = 8 * tokens;
  dots = cog_dot_halves(dots, lines[3], values + 3 * line_values, token, tokens);
  COG_UNROLL for (size_t i = 0; i < COG_PAIR_LINES - 1; i++) {
    dots = cog_dot_pairs(dots, lines[i], values + i * line_values, token, tokens);
  }
  return dots;
}

/// What the products of a group's rows are finished with.
typedef struct CogPairRows {
  __m512 scales;
  __m512i offsets;
} CogPairRows;

/// Takes out of a token's products what they carry too much, and adds them to its sums, as in Formats/int4.md.
COG_INLINE void cog_finish_pairs(
    CogPairRows rows, const CogTileGroup *activations, size_t token, __m512i dots, cog_floats sums[][COG_PARTS]) {
  const __m512i exact =
      _mm512_dpwssd_epi32(dots, rows.offsets, _mm512_set1_epi32(activations->sums[token]));
  const __m512 scales = _mm512_mul_ps(_mm512_set1_ps(activations->scales[token]), rows.scales);
  sums[token][0] = _mm512_fmadd_ps(scales, _mm512_cvtepi32_ps(exact), sums[token][0]);
}

/// Adds the last one to four lines' products to those of the others, and the group's to the sums. Four lines of a
/// token stand before what is done with another's sum: they mostly add bytes, that mostly multiplies.
COG_INLINE void cog_finish_pair_group(
    const CogPairGroup *weights, size_t line, size_t line_count, const CogTileGroup *activations,
    const int8_t *values, const size_t tokens, __m512i dots[], cog_floats sums[][COG_PARTS]) {
  const CogPairRows rows = {_mm512_load_ps(weights->scales), _mm512_load_si512(weights->offsets)};
  if (line + COG_PAIR_LINES == line_count) {
    CogPairLine lines[COG_PAIR_LINES];
    COG_UNROLL for (size_t i = 0; i < COG_PAIR_LINES; i++) lines[i] = cog_load_pair_line(weights, line + i);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      dots[token] = cog_dot_four_lines(dots[token], lines, values, token, tokens);
      const size_t other = token - COG_PAIR_LAG;
      if (token >= COG_PAIR_LAG) cog_finish_pairs(rows, activations, other, dots[other], sums);
    }
    COG_UNROLL for (size_t token = tokens - COG_PAIR_LAG; token < tokens; token++) {
      cog_finish_pairs(rows, activations, token, dots[token], sums);
    }
    return;
  }
  for (; line < line_count; line++, values += 8 * tokens) {
    const CogPairLine one = cog_load_pair_line(weights, line);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      dots[token] = cog_dot_pairs(dots[token], one, values, token, tokens);
    }
  }
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    cog_finish_pairs(rows, activations, token, dots[token], sums);
  }
}

/// Adds a group's products to the sums of a tile of `tokens` (a constant) tokens.
COG_INLINE void cog_multiply_pair_group(
    const CogPairGroup *weights, size_t line_count, const CogTileGroup *activations, const size_t tokens,
    cog_floats sums[][COG_PARTS]) {
  __m512i dots[COG_TILE_TOKENS];
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    dots[token] = _mm512_set1_epi32(activations->offsets[token]);
  }
  const int8_t *values = activations->values;
  size_t line = 0;
  for (; line + COG_PAIR_LINES < line_count; line += COG_PAIR_LINES, values += COG_PAIR_LINES * 8 * tokens) {
    CogPairLine lines[COG_PAIR_LINES];
    COG_UNROLL for (size_t i = 0; i < COG_PAIR_LINES; i++) lines[i] = cog_load_pair_line(weights, line + i);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      dots[token] = cog_dot_four_lines(dots[token], lines, values, token, tokens);
      // Otherwise the compiler loads for several tokens ahead, and has to move registers to memory.
      __asm__ volatile("" : "+v"(dots[token]));
    }
  }
  cog_finish_pair_group(weights, line, line_count, activations, values, tokens, dots, sums);
  // The sums stay in memory: the registers are full.
  __asm__ volatile("" : : "r"(sums) : "memory");
}

// MARK: A block

/// Some groups of some panels, unpacked: [panel - first_panel][group - first_group].
typedef struct CogPairBlock {
  const CogPanelMatrix *matrix;
  size_t first_panel, end_panel;
  size_t first_group, end_group;
  const CogPairGroup *groups;
} CogPairBlock;

/// Where products go; the bias is added with a row's last group.
typedef struct CogProductPlace {
  const float *bias;
  float *output;
  size_t stride;
} CogProductPlace;

/// The sums of a panel that an earlier block of its groups has left in the output, or zeros.
COG_INLINE void cog_load_pair_sums(
    const CogPairBlock *block, size_t panel, const float *output, size_t stride, const size_t tokens,
    cog_floats sums[][COG_PARTS]) {
  const unsigned rows = block->first_group > 0 ? (1u << cog_panel_rows(block->matrix, panel)) - 1 : 0;
  COG_UNROLL for (size_t token = 0; token < tokens; token++) {
    sums[token][0] =
        _mm512_maskz_loadu_ps((__mmask16)rows, output + token * stride + panel * COG_PANEL_ROWS);
  }
}

/// Asks for bytes of the next tile, a part of them with each group of each panel: with many tokens they are in the
/// third-level cache or in memory.
COG_INLINE const uint8_t *cog_prefetch_bytes(const uint8_t *next, const uint8_t *end, size_t count) {
  for (const uint8_t *last = next + count; next < last && next < end; next += COG_LINE_BYTES) {
    __builtin_prefetch(next, 0, 3);
  }
  return next;
}

/// The products of a tile of `tokens` (a constant) tokens with a block.
COG_INLINE void cog_multiply_pair_tile(
    const CogPairBlock *block, const CogTokenTile *tile, const size_t tokens, const CogProductPlace *place) {
  const CogPanelMatrix *matrix = block->matrix;
  const CogPairGroup *weights = block->groups;
  const float *bias = block->end_group == matrix->group_count ? place->bias : NULL;
  float *output = place->output + tile->first_token * place->stride;
  const uint8_t *next = tile->groups + (matrix->group_count + block->first_group) * tile->group_bytes;
  const uint8_t *next_end = next + (block->end_group - block->first_group) * tile->group_bytes;
  const size_t at_once = tile->group_bytes / (block->end_panel - block->first_panel) + 1;
  for (size_t panel = block->first_panel; panel < block->end_panel; panel++) {
    cog_floats sums[COG_TILE_TOKENS][COG_PARTS];
    cog_load_pair_sums(block, panel, output, place->stride, tokens, sums);
    COG_UNROLL for (size_t token = 0; token < tokens; token++) {
      __builtin_prefetch(output + token * place->stride + (panel + 1) * COG_PANEL_ROWS, 1, 3);
    }
    for (size_t group = block->first_group; group < block->end_group; group++, weights++) {
      next = cog_prefetch_bytes(next, next_end, at_once);
      const size_t lines = cog_group_columns(matrix, group) / 8;
      if (lines == COG_LARGEST_PAIR_GROUP / 8) {  // the usual one, unrolled
        const CogTileGroup activations = cog_tile_group(tile, group, COG_LARGEST_PAIR_GROUP, tokens);
        cog_multiply_pair_group(weights, COG_LARGEST_PAIR_GROUP / 8, &activations, tokens, sums);
      } else {
        const CogTileGroup activations = cog_tile_group(tile, group, matrix->group_size, tokens);
        cog_multiply_pair_group(weights, lines, &activations, tokens, sums);
      }
    }
    cog_store_tile(matrix, panel, tokens, sums, bias, output, place->stride);
  }
}

typedef void CogPairTile(const CogPairBlock *block, const CogTokenTile *tile, const CogProductPlace *place);

/// A function for each width of a tile, called cog_pair_tile_12 and the like.
#define COG_PAIR_TILE_FUNCTION(width)                                                                   \
  COG_KERNEL __attribute__((noinline)) void cog_pair_tile_##width(                                      \
      const CogPairBlock *block, const CogTokenTile *tile, const CogProductPlace *place) {              \
    cog_multiply_pair_tile(block, tile, width, place);                                                  \
  }
COG_PAIR_TILE_FUNCTION(8)
COG_PAIR_TILE_FUNCTION(9)
COG_PAIR_TILE_FUNCTION(10)
COG_PAIR_TILE_FUNCTION(11)
COG_PAIR_TILE_FUNCTION(12)
#undef COG_PAIR_TILE_FUNCTION

static CogPairTile *const cog_pair_tiles[] = {
    cog_pair_tile_8, cog_pair_tile_9, cog_pair_tile_10, cog_pair_tile_11, cog_pair_tile_12};

/// Unpacks a block, then multiplies it with tile after tile.
COG_KERNEL void cog_multiply_pair_block(
    CogPairBlock block, const CogActivations *activations, const CogProductPlace *place) {
  static _Thread_local __attribute__((aligned(64)))
  CogPairGroup unpacked[COG_PAIR_BLOCK_PANELS * COG_PAIR_BLOCK_GROUPS];
  CogPairGroup *next = unpacked;
  for (size_t panel = block.first_panel; panel < block.end_panel; panel++) {
    for (size_t group = block.first_group; group < block.end_group; group++, next++) {
      cog_unpack_pairs(block.matrix, cog_panel(block.matrix, panel), group, next);
    }
  }
  block.groups = unpacked;
  for (size_t token = 0; token < activations->tokens; token += activations->tile_tokens) {
    const CogTokenTile tile = cog_tile(block.matrix, activations, token);
    if (tile.tokens >= COG_FEWEST_PAIR_TOKENS) {
      cog_pair_tiles[tile.tokens - COG_FEWEST_PAIR_TOKENS](&block, &tile, place);
    } else if (block.first_group == 0) {
      cog_multiply_int4_tile(
          block.matrix, block.first_panel, block.end_panel, &tile, place->bias, place->output, place->stride);
    }
  }
}

COG_KERNEL void cog_matmul_int4_pairs(
    const CogPanelMatrix *matrix, size_t first_panel, size_t end_panel, const CogActivations *activations,
    const float *bias, float *output, size_t output_stride) {
  if (!cog_are_pairs(cog_tile(matrix, activations, 0).tokens, matrix->group_size)) {
    cog_matmul_int4(matrix, first_panel, end_panel, activations, bias, output, output_stride);
    return;
  }
  const CogProductPlace place = {bias, output, output_stride};
  const size_t groups = matrix->group_count;
  const size_t blocks = (groups + COG_PAIR_BLOCK_GROUPS - 1) / COG_PAIR_BLOCK_GROUPS;
  const size_t groups_at_once = (groups + blocks - 1) / blocks;
  const size_t panels_at_once = COG_PAIR_BLOCK_PANELS * COG_PAIR_BLOCK_GROUPS / groups_at_once;
  for (size_t panel = first_panel; panel < end_panel; panel += panels_at_once) {
    const size_t end = panel + panels_at_once < end_panel ? panel + panels_at_once : end_panel;
    for (size_t group = 0; group < groups; group += groups_at_once) {
      const size_t end_group = group + groups_at_once < groups ? group + groups_at_once : groups;
      const CogPairBlock block = {matrix, panel, end, group, end_group, NULL};
      cog_multiply_pair_block(block, activations, &place);
    }
  }
}
