// Attention of blocks of queries in float32: a whole prompt's, or a frame's.
//
// Scores are the products of queries with keys, outputs those of the scores' exponentials with the values'
// features. A block's rows are the queries of all heads that share keys and values; its scores are all that
// is kept of them.

#ifndef COG_BLOCK_ATTENTION_INL_H
#define COG_BLOCK_ATTENTION_INL_H

#include "attention_products-inl.h"
#include "elementwise-inl.h"
#include "transpose-inl.h"

// MARK: Packing

/// Packs keys [count, dimension] as columns.
COG_KERNEL void cog_pack_keys(
    const float *restrict keys, size_t stride, size_t count, size_t dimension, void *restrict destination) {
  float *packed = destination;
  for (size_t first = 0; first < count; first += COG_COLUMNS_TOGETHER) {
    const size_t width = cog_vectors_of(cog_part_size(first, COG_COLUMNS_TOGETHER, count)) * COG_LANES;
    for (size_t vector = 0; vector < width; vector += COG_LANES) {
      const size_t key = first + vector;
      cog_transpose_rows(
          keys + key * stride, stride, cog_part_size(key, COG_LANES, count), dimension, packed + vector,
          width);
    }
    packed += width * dimension;
  }
}

/// Packs the features of values [count, dimension] as columns: of each value, those that lie together.
COG_KERNEL void cog_pack_values(
    const float *restrict values, size_t stride, size_t count, size_t dimension, void *restrict destination) {
  float *packed = destination;
  for (size_t first = 0; first < dimension; first += COG_COLUMNS_TOGETHER) {
    const size_t existing = cog_part_size(first, COG_COLUMNS_TOGETHER, dimension);
    const size_t width = cog_vectors_of(existing) * COG_LANES;
    for (size_t i = 0; i < count; i++, packed += width) {
      const float *source = values + i * stride + first;
      size_t feature = 0;
      for (; feature + COG_LANES <= existing; feature += COG_LANES) {
        cog_lanes features;
        memcpy(&features, source + feature, sizeof features);
        memcpy(packed + feature, &features, sizeof features);
      }
      for (; feature < width; feature++) packed[feature] = feature < existing ? source[feature] : 0;
    }
  }
}

// MARK: A block

/// Floats from one query or output of a block to the next.
COG_KERNEL size_t cog_attention_width(const CogAttentionHead *head) {
  return cog_vectors_of(head->dimension) * COG_LANES;
}

/// Floats from one row of scores to the next, some vectors more than the keys take: rows that are a power of
/// two apart would share sets of the cache.
COG_KERNEL size_t cog_score_stride(const CogAttentionHead *head) {
  return (cog_vectors_of(head->key_count) + COG_ATTENTION_VECTORS) * COG_LANES;
}

/// A block's scratch memory holds its queries, outputs and scores, COG_ATTENTION_ROWS rows of each.
COG_KERNEL size_t cog_attention_scratch_size(const CogAttentionHead *head) {
  return COG_ATTENTION_ROWS * (2 * cog_attention_width(head) + cog_score_stride(head));
}

/// Where a row of a block lies in queries or outputs: the heads of a query follow one another.
COG_INLINE size_t cog_attention_row(const CogAttentionHead *head, size_t stride, size_t first, size_t row) {
  return (first + row / head->heads) * stride + row % head->heads * head->dimension;
}

COG_INLINE size_t cog_seen_keys(const CogAttentionHead *head, size_t query) {
  return cog_visible_keys(head->is_causal, head->query_count, head->key_count, query);
}

/// Copies the queries of a block's rows, and zeros behind them up to a whole tile of rows, whose number it
/// returns.
COG_KERNEL size_t cog_copy_queries(
    const CogAttentionHead *head, size_t first, size_t rows, float *restrict queries, size_t width) {
  const size_t padded_rows = cog_padded_rows(rows);
  for (size_t row = 0; row < rows; row++) {
    const float *query = head->queries + cog_attention_row(head, head->query_stride, first, row);
    memcpy(queries + row * width, query, head->dimension * sizeof *query);
  }
  memset(queries + rows * width, 0, (padded_rows - rows) * width * sizeof *queries);
  return padded_rows;
}

/// The outputs of `count` queries from `first` on.
COG_KERNEL void cog_attend_block(
    const CogAttentionHead *head, const void *packed_keys, const void *packed_values, size_t first,
    size_t count, void *memory) {
  const size_t dimension = head->dimension, rows = count * head->heads;
  const size_t width = cog_attention_width(head), stride = cog_score_stride(head);
  float *outputs = (float *)memory + COG_ATTENTION_ROWS * width,
        *scores = outputs + COG_ATTENTION_ROWS * width;
  const size_t padded_rows = cog_copy_queries(head, first, rows, memory, width);
  const size_t seen = cog_seen_keys(head, first + count - 1);  // by the last query, which sees the most
  const CogAttentionRows queries = {memory, width, padded_rows, dimension};
  const CogPackedColumns keys = {packed_keys, dimension, cog_vectors_of(head->key_count)};
  cog_multiply_packed_floats(queries, keys, cog_vectors_of(seen), scores, stride);
  float sums[COG_ATTENTION_ROWS];
  for (size_t row = 0; row < rows; row++) {
    float *own = scores + row * stride;
    const size_t visible = cog_seen_keys(head, first + row / head->heads);
    sums[row] = visible == 0 ? 1 : cog_softmax(own, visible, head->scale, head->rounds);
    memset(own + visible, 0, (seen - visible) * sizeof *own);
  }
  const CogAttentionRows weights = {scores, stride, padded_rows, seen};
  const CogPackedColumns values = {packed_values, head->key_count, cog_vectors_of(dimension)};
  cog_multiply_packed_floats(weights, values, values.vectors, outputs, width);
  for (size_t row = 0; row < rows; row++) {
    float *output = outputs + row * width;
    cog_divide(output, sums[row], dimension);
    if (head->rounds) cog_round_to_bf16(output, dimension);
    memcpy(
        head->output + cog_attention_row(head, head->output_stride, first, row), output,
        dimension * sizeof *output);
  }
}

#endif
