// Attention of blocks of queries in 16-bit integers, twice as fast as in float32 where processors multiply
// these in pairs; for fast mode.
//
// Queries and keys, the exponentials of a query's scores and the features of all values are each rounded to
// integers, with scales of their own: the smallest with which their norm is at most COG_INT16_NORM and no
// integer has more than 16 bits. No sum of products |x . y| <= |x| |y| then leaves 32 bits, even with what
// rounding adds to the norms, a half for each integer, up to seven million keys. Rounding loses less than
// 1e-4 of a query or key and, with thousands of keys, 5e-4 of an output.
//
// Packed keys and values are columns of pairs (attention_products-inl.h): neighboring features of a key, or a
// feature of neighboring values. Behind them lies the scale of each column.

#ifndef COG_INT16_ATTENTION_INL_H
#define COG_INT16_ATTENTION_INL_H

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

/// Rounds 16 numbers to neighboring int16.
COG_INLINE void cog_store_int16(const cog_lanes *x, const cog_lanes *inverses, int16_t *target) {
  cog_int_lanes rounded;
  cog_round_lanes(x, inverses, &rounded);
  const cog_int16_lanes narrow = __builtin_convertvector(rounded, cog_int16_lanes);
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

// MARK: A block

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
    cog_store_int16(&features, &inverses, rounded + i);
  }
  return scales[0];
}

/// 2^x for x <= 0, from 2^-125 on, within 3e-6 of it: 2^n times a polynomial of the remainder, fitted by
/// iterated weighted least squares. What is smaller would be subnormal, which takes processors a hundred
/// times as long, and is nothing beside the largest, 1.
COG_INLINE void cog_approximate_exp2(cog_lanes *x) {
  const cog_lanes bounded = *x < -125 ? (cog_lanes)-125.0f : *x;
  const cog_lanes shifted = bounded + cog_rounder;
  const cog_lanes remainder = bounded - (shifted - cog_rounder);
  const cog_int_lanes exponents = (cog_int_lanes)shifted - (int32_t)cog_bits_of_float(cog_rounder) + 127;
  cog_lanes p = (cog_lanes)0x1.399748p-7f;
  p = __builtin_elementwise_fma(p, remainder, (cog_lanes)0x1.ca13f2p-5f);
  p = __builtin_elementwise_fma(p, remainder, (cog_lanes)0x1.ec06dap-3f);
  p = __builtin_elementwise_fma(p, remainder, (cog_lanes)0x1.62e0dep-1f);
  p = __builtin_elementwise_fma(p, remainder, (cog_lanes)0x1.ffffe8p-1f);
  *x = p * (cog_lanes)(exponents << 23);
}

/// Replaces products by the scores `factor` * scale * product, and returns the largest; keys that a query
/// does not see get less than any other.
COG_KERNEL float cog_scale_scores(
    int32_t *restrict scores, size_t visible, const float *restrict scales, float factor) {
  cog_lanes largest = (cog_lanes)-INFINITY;
  for (size_t i = 0; i < visible; i += COG_LANES) {
    cog_int_lanes products, lane;
    cog_lanes scale;
    memcpy(&products, scores + i, sizeof products);
    memcpy(&scale, scales + i, sizeof scale);
    cog_lanes scaled = __builtin_convertvector(products, cog_lanes) * (scale * factor);
    if (visible - i < COG_LANES) {
      for (size_t j = 0; j < COG_LANES; j++) lane[j] = (int32_t)j;
      scaled = lane < (int32_t)(visible - i) ? scaled : (cog_lanes)-INFINITY;
    }
    largest = scaled > largest ? scaled : largest;
    memcpy(scores + i, &scaled, sizeof scaled);
  }
  return __builtin_reduce_max(largest);
}

/// Turns the products of a query with `visible` keys, at least one, to int16: the powers of 2 of the scores
/// less the largest of them. Returns what these are to be multiplied with for a sum of 1.
COG_KERNEL float cog_int16_softmax(
    int32_t *restrict scores, size_t visible, const float *restrict scales, float factor) {
  const float largest = cog_scale_scores(scores, visible, scales, factor);
  cog_lanes sums = (cog_lanes)0.0f, squares = (cog_lanes)0.0f, x;
  for (size_t i = 0; i < visible; i += COG_LANES) {
    memcpy(&x, scores + i, sizeof x);
    x -= largest;
    cog_approximate_exp2(&x);
    sums += x;
    squares = __builtin_elementwise_fma(x, x, squares);
    memcpy(scores + i, &x, sizeof x);
  }
  const float norm_inverse = COG_INT16_NORM / __builtin_sqrtf(cog_sum_of_lanes(&squares));
  // The largest is 1.
  const float inverse = norm_inverse < COG_LARGEST_INT16 ? norm_inverse : COG_LARGEST_INT16;
  const cog_lanes inverses = (cog_lanes)inverse;
  int16_t *rounded = (int16_t *)scores;
  for (size_t i = 0; i < visible; i += COG_LANES) {
    memcpy(&x, scores + i, sizeof x);
    cog_store_int16(&x, &inverses, rounded + i);
  }
  return 1 / (inverse * cog_sum_of_lanes(&sums));
}

/// Writes the outputs of a row: its products with the values, times their scales and `factor`.
COG_KERNEL void cog_scale_outputs(
    const int32_t *restrict products, const float *restrict scales, float factor, size_t dimension,
    float *restrict output) {
  for (size_t i = 0; i < dimension; i++) output[i] = (float)products[i] * (scales[i] * factor);
}

/// Rounds the queries of a block's rows, [row][stride] pairs, with zeros behind them up to a whole tile of
/// rows, whose number it returns. `factors` receives what turns a row's products with rounded keys to
/// logarithms of 2.
COG_KERNEL size_t cog_round_queries(
    const CogAttentionHead *head, size_t first, size_t rows, int32_t *restrict pairs, size_t stride,
    float *restrict factors) {
  const float log2_e = 0x1.715476p+0f;
  const size_t padded_rows = cog_padded_rows(rows);
  for (size_t row = 0; row < rows; row++) {
    const float *query = head->queries + cog_attention_row(head, head->query_stride, first, row);
    const float scale = cog_round_query(query, head->dimension, (int16_t *)(pairs + row * stride));
    factors[row] = scale * (head->scale * log2_e);
  }
  memset(pairs + rows * stride, 0, (padded_rows - rows) * stride * sizeof *pairs);
  return padded_rows;
}

/// The outputs of `count` queries from `first` on.
COG_KERNEL void cog_attend_int16_block(
    const CogAttentionHead *head, const void *packed_keys, const void *packed_values, size_t first,
    size_t count, void *memory) {
  const size_t dimension = head->dimension, rows = count * head->heads;
  const size_t width = cog_attention_width(head), stride = cog_score_stride(head);
  int32_t *outputs = (int32_t *)memory + COG_ATTENTION_ROWS * width;
  int32_t *scores = outputs + COG_ATTENTION_ROWS * width;
  float factors[COG_ATTENTION_ROWS];
  const size_t padded_rows = cog_round_queries(head, first, rows, memory, width, factors);
  const size_t seen = cog_seen_keys(head, first + count - 1);  // by the last query, which sees the most
  const CogAttentionRows queries = {memory, width, padded_rows, cog_int16_pairs(dimension)};
  const CogPackedColumns keys = {packed_keys, cog_int16_pairs(dimension), cog_vectors_of(head->key_count)};
  cog_multiply_packed_int16(queries, keys, cog_vectors_of(seen), scores, stride);
  const float *key_scales = (const float *)packed_keys + cog_int16_scales_offset(head->key_count, dimension);
  const size_t seen_pairs = cog_int16_pairs(seen);
  for (size_t row = 0; row < rows; row++) {
    int32_t *own = scores + row * stride;
    const size_t visible = cog_seen_keys(head, first + row / head->heads);
    factors[row] = visible == 0 ? 0 : cog_int16_softmax(own, visible, key_scales, factors[row]);
    const size_t written = cog_vectors_of(visible) * COG_LANES / 2;
    if (written < seen_pairs) memset(own + written, 0, (seen_pairs - written) * sizeof *own);
  }
  const CogAttentionRows weights = {scores, stride, padded_rows, seen_pairs};
  const CogPackedColumns values = {
      packed_values, cog_int16_pairs(head->key_count), cog_vectors_of(dimension)};
  cog_multiply_packed_int16(weights, values, values.vectors, outputs, width);
  const float *value_scales =
      (const float *)packed_values + cog_int16_scales_offset(dimension, head->key_count);
  for (size_t row = 0; row < rows; row++) {
    float *output = head->output + cog_attention_row(head, head->output_stride, first, row);
    cog_scale_outputs(outputs + row * width, value_scales, factors[row], dimension, output);
  }
}

#endif
