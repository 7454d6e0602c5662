// The weights of attention as 16-bit integers (int16_attention-inl.h).
//
// Many heads look almost only at one key, the prompt's first or a corner of a frame, whose value is next to
// nothing ("attention sinks": Xiao et al. 2023, "Efficient Streaming Language Models"). Beside it the weights
// of thousands of others, which make the output, would fall to a few steps of an integer or to none. So where
// a few keys have most of the weight, these stay floats, and the others' scale is that of the largest of
// them. What rounding leaves of the others' sum is put right by one factor.

#ifndef COG_INT16_WEIGHTS_INL_H
#define COG_INT16_WEIGHTS_INL_H

#include "int16_operands-inl.h"

enum {
  COG_MOST_HEAVY_KEYS = 16,
  /// Weights whose squares have this sum or a larger one, where the largest is 1, are shared by more keys.
  COG_SHARED_SQUARES = 2 * COG_MOST_HEAVY_KEYS,
};

/// Keys that are not rounded, with what they weigh where the largest weighs 1.
typedef struct CogHeavyKeys {
  size_t count;
  uint32_t keys[COG_MOST_HEAVY_KEYS];
  float weights[COG_MOST_HEAVY_KEYS];
} CogHeavyKeys;

/// A row's weights besides the rounded ones.
typedef struct CogRowWeights {
  float sum;   ///< of all weights
  float step;  ///< what an integer of the rounded ones weighs
  CogHeavyKeys heavy;
} CogRowWeights;

/// What decides on the scale of weights, all of them 0 or positive.
typedef struct CogWeightRange {
  cog_lanes sums, squares, largest;
} CogWeightRange;

COG_INLINE void cog_extend_weight_range(CogWeightRange *range, const cog_lanes *x) {
  range->sums += *x;
  range->squares = __builtin_elementwise_fma(*x, *x, range->squares);
  range->largest = *x > range->largest ? *x : range->largest;
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

/// Turns scores to the powers of 2 of their differences to the largest of them.
COG_INLINE void cog_exponentiate(float *weights, size_t visible, float largest, CogWeightRange *range) {
  cog_lanes x;
  for (size_t i = 0; i < visible; i += COG_LANES) {
    memcpy(&x, weights + i, sizeof x);
    x -= largest;
    cog_approximate_exp2(&x);
    cog_extend_weight_range(range, &x);
    memcpy(weights + i, &x, sizeof x);
  }
}

/// The least power of 1/8, down to the third, that no more than COG_MOST_HEAVY_KEYS weights reach; infinity
/// where more of them reach 1/8.
COG_INLINE float cog_heavy_limit(const float *weights, size_t visible) {
  enum { LIMITS = 3 };
  const float limits[LIMITS] = {0x1p-3f, 0x1p-6f, 0x1p-9f};
  cog_int_lanes counts[LIMITS];
  COG_UNROLL for (size_t j = 0; j < LIMITS; j++)
    counts[j] = 0;
  for (size_t i = 0; i < visible; i += COG_LANES) {
    cog_lanes x;
    memcpy(&x, weights + i, sizeof x);
    COG_UNROLL for (size_t j = 0; j < LIMITS; j++)
      counts[j] -= x >= limits[j];
  }
  float result = INFINITY;
  COG_UNROLL for (size_t j = 0; j < LIMITS; j++) {
    if (__builtin_reduce_add(counts[j]) <= COG_MOST_HEAVY_KEYS) result = limits[j];
  }
  return result;
}

/// Takes weights from `limit` on out of the others, whose range it returns.
COG_INLINE CogWeightRange
cog_take_out_heavy_keys(float *restrict weights, size_t visible, float limit, CogHeavyKeys *restrict heavy) {
  CogWeightRange rest = {0};
  for (size_t i = 0; i < visible; i += COG_LANES) {
    cog_lanes x;
    memcpy(&x, weights + i, sizeof x);
    const cog_int_lanes are_heavy = x >= limit;
    if (__builtin_reduce_or(are_heavy)) {
      for (size_t j = 0; j < COG_LANES; j++) {
        if (!are_heavy[j]) continue;
        heavy->keys[heavy->count] = (uint32_t)(i + j);
        heavy->weights[heavy->count++] = x[j];
      }
      x = are_heavy ? (cog_lanes)0.0f : x;
      memcpy(weights + i, &x, sizeof x);
    }
    cog_extend_weight_range(&rest, &x);
  }
  return rest;
}

/// Rounds weights to int16, in place, and returns what an integer of them weighs, such that their sum stays
/// what it is.
COG_INLINE float cog_round_weights(float *weights, size_t visible, const CogWeightRange *range) {
  const float largest = __builtin_reduce_max(range->largest);
  const float norm_inverse = COG_INT16_NORM / __builtin_sqrtf(cog_sum_of_lanes(&range->squares));
  const float inverse = COG_LARGEST_INT16 / largest;
  cog_lanes inverses = (cog_lanes)(norm_inverse < inverse ? norm_inverse : inverse);
  if (largest < COG_LEAST_INT16) inverses = (cog_lanes)0.0f;
  int16_t *rounded = (int16_t *)weights;
  cog_int_lanes sums = 0;
  for (size_t i = 0; i < visible; i += COG_LANES) {
    cog_lanes x;
    cog_int_lanes steps;
    memcpy(&x, weights + i, sizeof x);
    cog_store_int16(&x, &inverses, rounded + i, &steps);
    sums += steps;
  }
  const int32_t sum = __builtin_reduce_add(sums);
  return sum == 0 ? 0 : cog_sum_of_lanes(&range->sums) / (float)sum;
}

/// Turns the products of a query with `visible` keys, at least one, to the weights of these keys: int16 in
/// the products' place, but for the heavy ones.
COG_KERNEL void cog_int16_softmax(
    int32_t *restrict scores, size_t visible, const float *restrict scales, float factor,
    CogRowWeights *restrict row) {
  const float largest = cog_scale_scores(scores, visible, scales, factor);
  float *weights = (float *)scores;
  CogWeightRange range = {0};
  cog_exponentiate(weights, visible, largest, &range);
  row->sum = cog_sum_of_lanes(&range.sums);
  row->heavy.count = 0;
  if (cog_sum_of_lanes(&range.squares) < COG_SHARED_SQUARES) {
    const float limit = cog_heavy_limit(weights, visible);
    if (limit < 1) range = cog_take_out_heavy_keys(weights, visible, limit, &row->heavy);
  }
  row->step = cog_round_weights(weights, visible, &range);
}

#endif
