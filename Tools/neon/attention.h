// Attention's kernels beside the portable ones.

#ifndef COG_COMPARE_ATTENTION_H
#define COG_COMPARE_ATTENTION_H

#include "twins.h"

/// Scores and weighted values of one query over a cache in F16.
static void try_attention(Set set, size_t count, size_t dimension, size_t heads) {
  enum { COUNT = 40, DIMENSION = 140, HEADS = 9 };
  static uint16_t rows[COUNT * DIMENSION];
  static float queries[HEADS * DIMENSION], scores[2][HEADS * COUNT], outputs[2][HEADS * DIMENSION];
  const CogKernels *const both[] = {set.backend->kernels, portable().backend->kernels};
  for (size_t i = 0; i < count * dimension; i++) rows[i] = (uint16_t)(next_word() & 0xBBFF);  // below 2
  for (size_t i = 0; i < heads * dimension; i++) queries[i] = next_float();
  for (size_t k = 0; k < 2; k++) {
    both[k]->scores_f16(rows, count, dimension, queries, dimension, heads, scores[k], count);
    both[k]->weigh_values_f16(rows, count, dimension, scores[0], count, heads, outputs[k], dimension);
  }
  compare(set.name, "scores_f16", scores[0], scores[1], heads * count * sizeof(float));
  compare(set.name, "weigh_values_f16", outputs[0], outputs[1], heads * dimension * sizeof(float));
}

/// What one way of attention makes of all blocks of a head's queries.
static void attend(
    CogAttention attention, CogAttentionHead head, const float *keys, const float *values, void *memory) {
  const size_t bytes = cog_packed_size(head.key_count, head.dimension) * sizeof(float);
  char *packed = memory;
  attention.pack_keys(keys, head.dimension, head.key_count, head.dimension, packed);
  attention.pack_values(values, head.dimension, head.key_count, head.dimension, packed + bytes);
  const size_t most = COG_ATTENTION_ROWS / head.heads;
  for (size_t first = 0; first < head.query_count; first += most) {
    const size_t left = head.query_count - first;
    attention.attend_block(
        &head, packed, packed + bytes, first, left < most ? left : most, packed + 2 * bytes);
  }
}

/// Attention of blocks of queries over as many keys or more.
static void try_blocks(Set set, size_t queries, size_t keys, size_t dimension, size_t heads) {
  enum { COUNT = 80, DIMENSION = 140, HEADS = 4, WIDTH = HEADS * DIMENSION };
  static float input[COUNT * WIDTH], own[COUNT * DIMENSION], values[COUNT * DIMENSION],
      outputs[4][COUNT * WIDTH];
  const CogKernels *const both[] = {set.backend->kernels, portable().backend->kernels};
  fill(input, queries * heads * dimension), fill(own, keys * dimension), fill(values, keys * dimension);
  for (size_t k = 0; k < 2; k++) {
    CogAttentionHead head = {
        .queries = input,
        .query_stride = heads * dimension,
        .output = outputs[k],
        .output_stride = heads * dimension,
        .values = values,
        .value_stride = dimension,
        .query_count = queries,
        .key_count = keys,
        .heads = heads,
        .dimension = dimension,
        .scale = queries % 3 == 0 ? 8 : 0.3f,  // with the larger one a few keys have most of the weight
        .is_causal = queries % 2 == 0,
        .rounds = keys % 2 == 0};
    const size_t floats = 2 * cog_packed_size(keys, dimension) + both[k]->attention_scratch_size(&head);
    float *memory = malloc(floats * sizeof(float));
    attend(both[k]->attention, head, own, values, memory);
    head.output = outputs[2 + k];
    attend(both[k]->int16_attention, head, own, values, memory);
    free(memory);
  }
  const size_t bytes = queries * heads * dimension * sizeof(float);
  compare(set.name, "attention", outputs[0], outputs[1], bytes);
  compare(set.name, "int16_attention", outputs[2], outputs[3], bytes);
}

#endif
