// Queries, keys and values as 16-bit integers, for attention (int16_attention-inl.h).
//
// Packed keys and values are columns of pairs (attention_products-inl.h): neighboring features of a key, or a
// feature of neighboring values. Behind them lies the scale of each column.

#ifndef COG_INT16_OPERANDS_INL_H
#define COG_INT16_OPERANDS_INL_H

#include "block_attention-inl.h"

enum { COG_INT16_NORM = 45000, COG_LARGEST_INT16 = 32767 };
/// Numbers of smaller magnitude count as zeros: their squares would not be exact enough.
static const float COG_LEAST_INT16 = 0x1p-60f;

static inline size_t cog_int16_pairs(size_t depth) { return (depth + 1) / 2; }

/// Where the scales of packed columns lie, in numbers from the first.
static inline size_t cog_int16_scales_offset(size_t columns, size_t depth) {
  return cog_vectors_of(columns) * COG_LANES * cog_int16_pairs(depth);
}

// MARK: Rounding

/// What decides on the scales of 16 columns, or, reduced, of a row.
typedef struct CogInt16Range {
  cog_lanes squares;  ///< sums of squares
  cog_lanes largest;  ///< magnitudes
} CogInt16Range;

COG_INLINE void cog_extend_range(CogInt16Range *range, const cog_lanes *x) {
  const cog_lanes magnitudes = __builtin_elementwise_abs(*x);
  range->squares = __builtin_elementwise_fma(*x, *x, range->squares);
  range->largest = magnitudes > range->largest ? magnitudes : range->largest;
}

/// The scales of 16 columns, NaN for those with numbers that are not finite, or too large for their squares
/// to be.
COG_INLINE void cog_find_scales(const CogInt16Range *range, cog_lanes *scales, cog_lanes *inverses) {
  const cog_lanes norms = __builtin_elementwise_sqrt(range->squares) / (float)COG_INT16_NORM;
  const cog_lanes least = range->largest / (float)COG_LARGEST_INT16;
  const cog_lanes larger = norms > least ? norms : least;
  const cog_lanes exact = range->largest < COG_LEAST_INT16 ? (cog_lanes)0.0f : larger;
  *scales = range->squares < INFINITY ? exact : (cog_lanes)NAN;
  *inverses = *scales > 0 ? 1 / *scales : (cog_lanes)0.0f;
}

/// x / scale, rounded half to even.
COG_INLINE void cog_round_lanes(const cog_lanes *x, const cog_lanes *inverses, cog_int_lanes *rounded) {
  const cog_lanes shifted = __builtin_elementwise_fma(*x, *inverses, (cog_lanes)cog_rounder);
  *rounded = (cog_int_lanes)shifted - (int32_t)cog_bits_of_float(cog_rounder);
}

COG_INLINE void cog_store_pairs(const cog_int_lanes *first, const cog_int_lanes *second, int32_t *target) {
  const cog_int_lanes pairs = (*first & 0xFFFF) | (*second << 16);
  memcpy(target, &pairs, sizeof pairs);
}

/// Rounds 16 numbers to neighboring int16, which `rounded` has too.
COG_INLINE void cog_store_int16(
    const cog_lanes *x, const cog_lanes *inverses, int16_t *target, cog_int_lanes *rounded) {
  cog_round_lanes(x, inverses, rounded);
  const cog_int16_lanes narrow = __builtin_convertvector(*rounded, cog_int16_lanes);
  memcpy(target, &narrow, sizeof narrow);
}

// MARK: Packing

/// Up to 16 features of 16 keys, [feature][key], zeros where there are none.
typedef struct CogKeyBlock {
  cog_lanes features[COG_LANES];
} CogKeyBlock;

/// Loads the features from `feature` on, and returns how many there are.
COG_INLINE size_t cog_load_key_block(
    const float *keys, size_t stride, size_t count, size_t feature, size_t dimension, CogKeyBlock *block) {
  const size_t existing = cog_part_size(feature, COG_LANES, dimension);
  cog_transpose_rows(keys + feature, stride, count, existing, (float *)block->features, COG_LANES);
  for (size_t i = existing; i < COG_LANES; i++) block->features[i] = (cog_lanes)0.0f;
  return existing;
}

/// Packs up to 16 keys, `width` pairs from one pair of features to the next.
COG_KERNEL void cog_pack_int16_key_vector(
    const float *restrict keys, size_t stride, size_t count, size_t dimension, int32_t *restrict packed,
    size_t width, float *restrict scales) {
  CogInt16Range range = {(cog_lanes)0.0f, (cog_lanes)0.0f};
  CogKeyBlock block;
  for (size_t feature = 0; feature < dimension; feature += COG_LANES) {
    cog_load_key_block(keys, stride, count, feature, dimension, &block);
    COG_UNROLL for (size_t i = 0; i < COG_LANES; i++)
      cog_extend_range(&range, &block.features[i]);
  }
  cog_lanes found, inverses;
  cog_find_scales(&range, &found, &inverses);
  memcpy(scales, &found, sizeof found);
  for (size_t feature = 0; feature < dimension; feature += COG_LANES) {
    const size_t existing = cog_load_key_block(keys, stride, count, feature, dimension, &block);
    for (size_t i = 0; i < existing; i += 2, packed += width) {
      cog_int_lanes first, second;
      cog_round_lanes(&block.features[i], &inverses, &first);
      cog_round_lanes(&block.features[i + 1], &inverses, &second);
      cog_store_pairs(&first, &second, packed);
    }
  }
}

/// Loads up to 16 features of a value, zeros where there are none.
COG_INLINE void cog_load_features(const float *value, size_t existing, cog_lanes *features) {
  if (existing == COG_LANES) {
    memcpy(features, value, sizeof *features);
  } else {
    cog_load_lanes(value, existing, features);
  }
}

/// Packs up to 16 features of all values, `width` pairs from one pair of values to the next.
COG_KERNEL void cog_pack_int16_value_vector(
    const float *restrict values, size_t stride, size_t existing, size_t count, int32_t *restrict packed,
    size_t width, float *restrict scales) {
  CogInt16Range range = {(cog_lanes)0.0f, (cog_lanes)0.0f};
  cog_lanes features;
  for (size_t i = 0; i < count; i++) {
    cog_load_features(values + i * stride, existing, &features);
    cog_extend_range(&range, &features);
  }
  cog_lanes found, inverses;
  cog_find_scales(&range, &found, &inverses);
  memcpy(scales, &found, sizeof found);
  for (size_t i = 0; i < count; i += 2, packed += width) {
    cog_int_lanes first, second = 0;
    cog_load_features(values + i * stride, existing, &features);
    cog_round_lanes(&features, &inverses, &first);
    if (i + 1 < count) {
      cog_load_features(values + (i + 1) * stride, existing, &features);
      cog_round_lanes(&features, &inverses, &second);
    }
    cog_store_pairs(&first, &second, packed);
  }
}

/// Packs up to 16 columns of `depth` numbers, `existing` of them: one of the two above.
typedef void CogPackInt16Vector(
    const float *restrict numbers, size_t stride, size_t existing, size_t depth, int32_t *restrict packed,
    size_t width, float *restrict scales);

/// Packs `count` columns of `depth` numbers, which begin `column_stride` floats apart.
COG_INLINE void cog_pack_int16_columns(
    const float *numbers, size_t column_stride, size_t stride, size_t count, size_t depth, void *packed,
    CogPackInt16Vector *const pack) {
  float *scales = (float *)packed + cog_int16_scales_offset(count, depth);
  int32_t *together = packed;
  for (size_t first = 0; first < count; first += COG_COLUMNS_TOGETHER) {
    const size_t width = cog_vectors_of(cog_part_size(first, COG_COLUMNS_TOGETHER, count)) * COG_LANES;
    for (size_t vector = 0; vector < width; vector += COG_LANES) {
      const size_t column = first + vector, existing = cog_part_size(column, COG_LANES, count);
      pack(
          numbers + column * column_stride, stride, existing, depth, together + vector, width,
          scales + column);
    }
    together += width * cog_int16_pairs(depth);
  }
}

/// Packs keys [count, dimension] as columns.
COG_KERNEL void cog_pack_int16_keys(
    const float *restrict keys, size_t stride, size_t count, size_t dimension, void *restrict packed) {
  cog_pack_int16_columns(keys, stride, stride, count, dimension, packed, cog_pack_int16_key_vector);
}

/// Packs the features of values [count, dimension] as columns.
COG_KERNEL void cog_pack_int16_values(
    const float *restrict values, size_t stride, size_t count, size_t dimension, void *restrict packed) {
  cog_pack_int16_columns(values, 1, stride, dimension, count, packed, cog_pack_int16_value_vector);
}

// MARK: Queries

/// Rounds a query to pairs of int16 and returns its scale.
COG_KERNEL float cog_round_query(const float *restrict query, size_t dimension, int16_t *restrict rounded) {
  CogInt16Range range = {(cog_lanes)0.0f, (cog_lanes)0.0f};
  cog_lanes features;
  for (size_t i = 0; i < dimension; i += COG_LANES) {
    cog_load_features(query + i, cog_part_size(i, COG_LANES, dimension), &features);
    cog_extend_range(&range, &features);
  }
  range.squares = (cog_lanes)cog_sum_of_lanes(&range.squares);
  range.largest = (cog_lanes)__builtin_reduce_max(range.largest);
  cog_lanes scales, inverses;
  cog_find_scales(&range, &scales, &inverses);
  for (size_t i = 0; i < dimension; i += COG_LANES) {
    cog_load_features(query + i, cog_part_size(i, COG_LANES, dimension), &features);
    cog_int_lanes integers;
    cog_store_int16(&features, &inverses, rounded + i, &integers);
  }
  return scales[0];
}

#endif
