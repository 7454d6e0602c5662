// Attention of one query over keys and values in F16. Query heads that share a key head meet each of its rows
// together: it is read and widened once.
//
// Sums are vectors of 16 lanes whatever the registers: an array of sums would be kept in memory, and every
// addition would wait for the store before it.

#ifndef COG_CACHED_ATTENTION_INL_H
#define COG_CACHED_ATTENTION_INL_H

#include "conversions-inl.h"

enum { COG_HEADS_AT_ONCE = 4, COG_VALUE_VECTORS = 2, COG_VALUE_PART = COG_VALUE_VECTORS * COG_LANES };

/// Adds the products of a part of a key with the same part of `heads` (a constant) queries.
COG_INLINE void cog_add_key_products(
    const uint16_t *restrict key, const float *restrict queries, size_t query_stride, size_t width,
    const size_t heads, cog_lanes sums[COG_HEADS_AT_ONCE]) {
  cog_lanes wide, query;
  cog_widen(key, width, &wide);
  COG_UNROLL for (size_t head = 0; head < heads; head++) {
    cog_load_lanes(queries + head * query_stride, width, &query);
    sums[head] = __builtin_elementwise_fma(wide, query, sums[head]);
  }
}

/// The scores of one key for `heads` (a constant) queries.
COG_INLINE void cog_score_key(
    const uint16_t *restrict key, size_t dimension, const float *restrict queries, size_t query_stride,
    const size_t heads, float *restrict scores, size_t score_stride) {
  cog_lanes sums[COG_HEADS_AT_ONCE];
  COG_UNROLL for (size_t head = 0; head < heads; head++)
    sums[head] = (cog_lanes)0.0f;
  size_t i = 0;
  for (; i + COG_LANES <= dimension; i += COG_LANES) {
    cog_add_key_products(key + i, queries + i, query_stride, COG_LANES, heads, sums);
  }
  if (i < dimension) cog_add_key_products(key + i, queries + i, query_stride, dimension - i, heads, sums);
  COG_UNROLL for (size_t head = 0; head < heads; head++) {
    scores[head * score_stride] = cog_sum_of_lanes(&sums[head]);
  }
}

/// scores[head * score_stride + i] = keys[i] . queries[head], keys [count, dimension].
COG_KERNEL void cog_scores_f16(
    const uint16_t *restrict keys, size_t count, size_t dimension, const float *restrict queries,
    size_t query_stride, size_t heads, float *restrict scores, size_t score_stride) {
  for (size_t i = 0; i < count; i++) {
    const uint16_t *key = keys + i * dimension;
    size_t head = 0;
    for (; head + COG_HEADS_AT_ONCE <= heads; head += COG_HEADS_AT_ONCE) {
      cog_score_key(
          key, dimension, queries + head * query_stride, query_stride, COG_HEADS_AT_ONCE,
          scores + head * score_stride + i, score_stride);
    }
    for (; head < heads; head++) {
      cog_score_key(
          key, dimension, queries + head * query_stride, query_stride, 1, scores + head * score_stride + i,
          score_stride);
    }
  }
}

/// Weighs `width` (at most COG_VALUE_PART) columns of the values for `heads` (a constant) queries.
COG_INLINE void cog_weigh_columns(
    const uint16_t *restrict values, size_t count, size_t dimension, size_t width,
    const float *restrict weights, size_t weight_stride, const size_t heads, float *restrict output,
    size_t output_stride) {
  cog_lanes sums[COG_HEADS_AT_ONCE][COG_VALUE_VECTORS], value[COG_VALUE_VECTORS];
  COG_UNROLL for (size_t head = 0; head < heads; head++) {
    COG_UNROLL for (size_t v = 0; v < COG_VALUE_VECTORS; v++)
      sums[head][v] = (cog_lanes)0.0f;
  }
  const size_t second = width > COG_LANES ? width - COG_LANES : 0;
  for (size_t i = 0; i < count; i++) {
    cog_widen(values + i * dimension, width - second, &value[0]);
    cog_widen(values + i * dimension + (width - second), second, &value[1]);
    COG_UNROLL for (size_t head = 0; head < heads; head++) {
      const cog_lanes weight = (cog_lanes)weights[head * weight_stride + i];
      COG_UNROLL for (size_t v = 0; v < COG_VALUE_VECTORS; v++) {
        sums[head][v] = __builtin_elementwise_fma(weight, value[v], sums[head][v]);
      }
    }
  }
  COG_UNROLL for (size_t head = 0; head < heads; head++) {
    memcpy(output + head * output_stride, sums[head], width * sizeof(float));
  }
}

/// output[head * output_stride + j] = sum over i of weights[head * weight_stride + i] * values[i][j], values
/// [count, dimension].
COG_KERNEL void cog_weigh_values_f16(
    const uint16_t *restrict values, size_t count, size_t dimension, const float *restrict weights,
    size_t weight_stride, size_t heads, float *restrict output, size_t output_stride) {
  for (size_t first = 0; first < dimension; first += COG_VALUE_PART) {
    const size_t width = dimension - first < COG_VALUE_PART ? dimension - first : COG_VALUE_PART;
    size_t head = 0;
    for (; head + COG_HEADS_AT_ONCE <= heads && width == COG_VALUE_PART; head += COG_HEADS_AT_ONCE) {
      cog_weigh_columns(
          values + first, count, dimension, COG_VALUE_PART, weights + head * weight_stride, weight_stride,
          COG_HEADS_AT_ONCE, output + head * output_stride + first, output_stride);
    }
    for (; head < heads; head++) {
      cog_weigh_columns(
          values + first, count, dimension, width, weights + head * weight_stride, weight_stride, 1,
          output + head * output_stride + first, output_stride);
    }
  }
}

#endif
