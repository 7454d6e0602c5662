// Attention of blocks of queries in 16-bit integers, twice as fast as in float32 where processors multiply
// these in pairs; for fast mode.
//
// Queries and keys, the exponentials of a query's scores and the features of all values are each rounded to
// integers, with scales of their own: the smallest with which their norm is at most COG_INT16_NORM and no
// integer has more than 16 bits. No sum of products |x . y| <= |x| |y| then leaves 32 bits, even with what
// rounding adds to the norms, a half for each integer, up to seven million keys. Rounding loses less than
// 1e-4 of a query or key and 5e-4 of an output; 1e-3 where one value is a hundred times the others.

#ifndef COG_INT16_ATTENTION_INL_H
#define COG_INT16_ATTENTION_INL_H

#include "int16_weights-inl.h"

// MARK: A block

/// Writes the outputs of a row, out of the products of its rounded weights with the values.
COG_KERNEL void cog_finish_row(
    const CogAttentionHead *head, const int32_t *restrict products, const float *restrict value_scales,
    const CogRowWeights *restrict weights, float *restrict output) {
  const float inverse = 1 / weights->sum, step = weights->step * inverse;
  for (size_t i = 0; i < head->dimension; i++) output[i] = (float)products[i] * (value_scales[i] * step);
  for (size_t i = 0; i < weights->heavy.count; i++) {
    const float *value = head->values + weights->heavy.keys[i] * head->value_stride;
    const float share = weights->heavy.weights[i] * inverse;
    for (size_t j = 0; j < head->dimension; j++) output[j] = fmaf(share, value[j], output[j]);
  }
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
  CogRowWeights weights[COG_ATTENTION_ROWS];
  for (size_t row = 0; row < rows; row++) {
    int32_t *own = scores + row * stride;
    const size_t visible = cog_seen_keys(head, first + row / head->heads);
    if (visible > 0) {
      cog_int16_softmax(own, visible, key_scales, factors[row], &weights[row]);
    } else {
      weights[row] = (CogRowWeights){.sum = 1, .step = 0, .heavy = {.count = 0}};
    }
    const size_t written = cog_vectors_of(visible) * COG_LANES / 2;
    if (written < seen_pairs) memset(own + written, 0, (seen_pairs - written) * sizeof *own);
  }
  const CogAttentionRows rounded = {scores, stride, padded_rows, seen_pairs};
  const CogPackedColumns values = {
      packed_values, cog_int16_pairs(head->key_count), cog_vectors_of(dimension)};
  cog_multiply_packed_int16(rounded, values, values.vectors, outputs, width);
  const float *value_scales =
      (const float *)packed_values + cog_int16_scales_offset(dimension, head->key_count);
  for (size_t row = 0; row < rows; row++) {
    float *output = head->output + cog_attention_row(head, head->output_stride, first, row);
    cog_finish_row(head, outputs + row * width, value_scales, &weights[row], output);
  }
}

#endif
