// Activations quantized to 8 bits, in tiles (CogActivations; Formats/int4.md, "Activations").

#ifndef COG_ACTIVATIONS_INL_H
#define COG_ACTIVATIONS_INL_H

#include "base-inl.h"
#include "panel_layout.h"

/// One tile of activations (CogActivations).
typedef struct CogTokenTile {
  const uint8_t *groups;
  size_t group_bytes;
  size_t first_token;
  size_t tokens;
} CogTokenTile;

/// A group of a tile, as kernels that multiply read it.
typedef struct CogTileGroup {
  const int8_t *values;  ///< [group_size / 4][tokens][4]
  const float *scales;
  const int32_t *sums;
  const int32_t *offsets;
} CogTileGroup;

/// The same where it is written.
typedef struct CogTileGroupTarget {
  int8_t *values;
  float *scales;
  int32_t *sums;
  int32_t *offsets;
} CogTileGroupTarget;

/// The tile that starts with a token.
COG_KERNEL inline CogTokenTile cog_tile(
    const CogPanelMatrix *matrix, const CogActivations *activations, size_t first_token) {
  const size_t tokens = cog_part_size(first_token, activations->tile_tokens, activations->tokens);
  const size_t token_bytes = cog_token_bytes(matrix->group_size);
  const CogTokenTile tile = {
      (const uint8_t *)activations->tiles + first_token * matrix->group_count * token_bytes,
      tokens * token_bytes, first_token, tokens};
  return tile;
}

/// The group of `tokens` tokens that begins with `values` (CogActivations).
COG_INLINE CogTileGroup cog_group_at(const void *values, size_t group_size, const size_t tokens) {
  const float *scales = (const float *)((const int8_t *)values + group_size * tokens);
  const int32_t *sums = (const int32_t *)(scales + tokens);
  const CogTileGroup group = {values, scales, sums, sums + tokens};
  return group;
}

COG_INLINE CogTileGroupTarget cog_group_target(void *values, size_t group_size, size_t tokens) {
  float *scales = (float *)((int8_t *)values + group_size * tokens);
  int32_t *sums = (int32_t *)(scales + tokens);
  const CogTileGroupTarget target = {values, scales, sums, sums + tokens};
  return target;
}

/// A group of a tile of `tokens` tokens, a constant where that helps.
COG_INLINE CogTileGroup
cog_tile_group(const CogPanelMatrix *matrix, const CogTokenTile *tile, size_t group, const size_t tokens) {
  return cog_group_at(tile->groups + group * tile->group_bytes, matrix->group_size, tokens);
}

/// A quantized group of a token.
typedef struct CogActivationGroup {
  float scale;
  int32_t sum;
  int8_t values[COG_LARGEST_GROUP];  ///< zeros behind the last column
} CogActivationGroup;

/// The largest magnitude of 16 lanes each: the bits of |x| order as the numbers do, NaN and infinity last.
COG_INLINE int32_t cog_largest_magnitude(const float *x, size_t count) {
  cog_int_lanes largest = 0;
  for (size_t i = 0; i < count; i += COG_LANES) {
    cog_int_lanes bits;
    memcpy(&bits, x + i, sizeof bits);
    largest = __builtin_elementwise_max(largest, bits & 0x7FFFFFFF);
  }
  return __builtin_reduce_max(largest);
}

/// Quantizes `count` numbers, a multiple of 16, and returns their sum; `inverse` times the largest of them is
/// COG_LARGEST_ACTIVATION but for its rounding.
COG_INLINE int32_t cog_quantize_lanes(const float *x, size_t count, float inverse, int8_t *q) {
  const int32_t rounder_bits = (int32_t)cog_bits_of_float(cog_rounder);
  cog_int_lanes sum = 0;
  for (size_t i = 0; i < count; i += COG_LANES) {
    cog_lanes values;
    memcpy(&values, x + i, sizeof values);
    const cog_lanes shifted = values * inverse + cog_rounder;
    cog_int_lanes bits;
    memcpy(&bits, &shifted, sizeof bits);
    const cog_int_lanes rounded = bits - rounder_bits;
    const cog_int8_lanes bytes = __builtin_convertvector(rounded, cog_int8_lanes);
    memcpy(q + i, &bytes, sizeof bytes);
    sum += rounded;
  }
  return __builtin_reduce_add(sum);
}

/// Quantizes a whole group; the format's page has the rule for tiny and for infinite numbers.
COG_INLINE void cog_quantize_whole_group(const float *x, size_t count, CogActivationGroup *group) {
  const int32_t bits = cog_largest_magnitude(x, count);
  const float largest = cog_float_of_bits((uint32_t)bits);
  const bool finite = bits < 0x7F800000, none = largest < COG_LEAST_ACTIVATION;
  group->scale = !finite ? NAN : none ? 0 : largest / COG_LARGEST_ACTIVATION;
  group->sum = 0;
  if (finite && !none) {
    group->sum = cog_quantize_lanes(x, count, COG_LARGEST_ACTIVATION / largest, group->values);
  } else {
    memset(group->values, 0, count);
  }
}

/// Quantizes a group of `group_size` columns, of which `count` exist.
COG_INLINE void cog_quantize_group(
    const float *x, size_t count, size_t group_size, CogActivationGroup *group) {
  if (count == group_size) {
    if (group_size == 64) {
      cog_quantize_whole_group(x, 64, group);  // the usual one, unrolled
    } else {
      cog_quantize_whole_group(x, group_size, group);
    }
    return;
  }
  float padded[COG_LARGEST_GROUP] = {0};
  memcpy(padded, x, count * sizeof *x);
  cog_quantize_whole_group(padded, group_size, group);
}

/// What rounding leaves out of a row's groups: nothing of one that counts as zeros, and of one with NaN or
/// infinity.
COG_KERNEL void cog_rounding_residual(
    const float *restrict x, size_t columns, size_t group_size, float *restrict residual) {
  for (size_t first = 0; first < columns; first += group_size) {
    const size_t count = cog_part_size(first, group_size, columns);
    CogActivationGroup group;
    cog_quantize_group(x + first, count, group_size, &group);
    const bool rounded = group.scale > 0;
    for (size_t i = 0; i < count; i++) {
      residual[first + i] = rounded ? x[first + i] - (float)group.values[i] * group.scale : 0;
    }
  }
}

/// Stores a token's group in a tile of `tokens` tokens, with the zeros behind a short group's last column.
typedef void CogStoreGroup(
    const CogActivationGroup *source, size_t group_size, CogTileGroupTarget target, size_t token,
    size_t tokens);

/// As [column / 4][token][4], without an offset.
COG_INLINE void cog_store_activation_group(
    const CogActivationGroup *source, size_t group_size, CogTileGroupTarget target, size_t token,
    size_t tokens) {
  for (size_t i = 0; i < group_size; i += 4) {
    memcpy(target.values + i * tokens + token * 4, source->values + i, 4);
  }
  target.scales[token] = source->scale;
  target.sums[token] = source->sum;
}

/// Quantizes a tile.
COG_INLINE void cog_quantize_tile(
    const float *x, size_t stride, size_t tokens, size_t columns, size_t padded_columns, size_t group_size,
    void *tile, CogStoreGroup *const store) {
  uint8_t *start = tile;
  for (size_t first = 0; first < padded_columns; first += group_size) {
    const size_t count = cog_part_size(first, group_size, columns);
    const CogTileGroupTarget target = cog_group_target(start, group_size, tokens);
    for (size_t token = 0; token < tokens; token++) {
      CogActivationGroup group;
      cog_quantize_group(x + token * stride + first, count, group_size, &group);
      store(&group, group_size, target, token, tokens);
    }
    start += tokens * cog_token_bytes(group_size);
  }
}

COG_KERNEL void cog_quantize_activations(
    const float *restrict x, size_t stride, size_t tokens, size_t columns, size_t padded_columns,
    size_t group_size, void *restrict tile) {
  cog_quantize_tile(x, stride, tokens, columns, padded_columns, group_size, tile, cog_store_activation_group);
}

/// A backend's product of such tiles, which takes all group sizes and any number of tokens.
#define COG_TILE_PRODUCT(weight_bits, most_tokens)                                                           \
  {                                                                                                          \
      .bits = weight_bits,                                                                                   \
      .group_sizes = 32 | 64 | 128,                                                                          \
      .fewest_tokens = 1,                                                                                    \
      .tile_tokens = most_tokens,                                                                            \
      .fewest_panels = 4,                                                                                    \
      .prepare = cog_quantize_activations,                                                                   \
      .multiply = cog_multiply_int##weight_bits,                                                             \
  }

#endif
