// Attention of many queries.

#ifndef COG_ATTENTION_H
#define COG_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// A key and value head, and the query heads that share it.
typedef struct CogAttentionHead {
  const float *queries;  ///< [query_count][heads * dimension], the first of the heads
  size_t query_stride;   ///< floats from one query to the next
  float *output;         ///< likewise
  size_t output_stride;
  const float *values;  ///< [key_count][dimension], unpacked
  size_t value_stride;  ///< floats from one value to the next
  size_t query_count;
  size_t key_count;
  size_t heads;      ///< query heads, 1 to COG_ATTENTION_ROWS
  size_t dimension;  ///< features of a head
  float scale;       ///< what the scores are multiplied with
  bool is_causal;    ///< query i sees key_count - query_count + i + 1 keys, all otherwise
  /// To BF16: the exponentials before they meet the values, and the outputs. Attention in int16 does not.
  bool rounds;
} CogAttentionHead;

/// Queries times heads that a block of attention has at most.
enum { COG_ATTENTION_ROWS = 24 };

/// How many of `key_count` keys the query of a number below `query_count` sees: the first ones.
static inline size_t cog_visible_keys(bool is_causal, size_t query_count, size_t key_count, size_t query) {
  if (!is_causal) return key_count;
  const size_t seen = key_count + query + 1;
  return seen > query_count ? seen - query_count : 0;
}

/// Room for the packed keys, or values, of a head, in floats. Values without keys have scales all the same.
static inline size_t cog_packed_size(size_t count, size_t dimension) {
  const size_t vectors = count > 0 ? (count + 15) / 16 : 1;
  return vectors * 16 * ((dimension + 15) / 16 * 16);
}

/// Attention of many queries: softmax(q k^T * scale) v. Keys and values, rows [count, dimension] that are
/// `stride` floats apart, are packed once for all queries, into the room of cog_packed_size floats.
typedef struct CogAttention {
  void (*pack_keys)(const float *keys, size_t stride, size_t count, size_t dimension, void *packed);
  void (*pack_values)(const float *values, size_t stride, size_t count, size_t dimension, void *packed);
  /// Writes the outputs of `count` queries from `first` on, count * heads <= COG_ATTENTION_ROWS; a query that
  /// sees no key gets zeros. The scratch memory has room for as many floats as attention_scratch_size tells.
  void (*attend_block)(
      const CogAttentionHead *head, const void *packed_keys, const void *packed_values, size_t first,
      size_t count, void *scratch);
} CogAttention;

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
