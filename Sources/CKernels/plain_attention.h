// Attention of one query over keys and values in F16, compiled like elementwise.h, which must stand before it with
// conversions.h. Query heads that share a key head meet each of its rows together: it is read and widened once.

enum { COG_HEADS_AT_ONCE = 4, COG_HEAD_PART = 64, COG_DOT_LANES = 16 };

// The including file says whether the instruction set converts F16 itself.
#if defined(COG_HAS_HALF_CONVERSION)
#define COG_FLOAT_OF_HALF(half) cog_float_of_half_type(half)
COG_KERNEL inline float cog_float_of_half_type(uint16_t bits) {
  _Float16 half;
  memcpy(&half, &bits, sizeof half);
  return (float)half;
}
#else
#define COG_FLOAT_OF_HALF(half) cog_float_of_f16(half)
#endif

COG_KERNEL inline void cog_widen(const uint16_t *restrict halves, size_t count, float *restrict floats) {
  for (size_t i = 0; i < count; i++) floats[i] = COG_FLOAT_OF_HALF(halves[i]);
}

/// Adds the products of a part of a key with the same part of `heads` (a constant) queries to their scores.
COG_KERNEL inline __attribute__((always_inline)) void cog_add_scores(
    const float *restrict key, size_t width, const float *restrict queries, size_t query_stride,
    const size_t heads, float *restrict scores, size_t score_stride) {
  float lanes[COG_HEADS_AT_ONCE][COG_DOT_LANES] = {{0}};
  const size_t whole = width / COG_DOT_LANES * COG_DOT_LANES;
  for (size_t i = 0; i < whole; i += COG_DOT_LANES) {
    COG_UNROLL for (size_t head = 0; head < heads; head++) {
      const float *q = queries + head * query_stride + i;
      COG_UNROLL for (size_t j = 0; j < COG_DOT_LANES; j++) lanes[head][j] = fmaf(key[i + j], q[j], lanes[head][j]);
    }
  }
  for (size_t head = 0; head < heads; head++) {
    const float *q = queries + head * query_stride;
    for (size_t i = whole; i < width; i++) lanes[head][i - whole] = fmaf(key[i], q[i], lanes[head][i - whole]);
    float eight[8], four[4];
    for (size_t j = 0; j < 8; j++) eight[j] = lanes[head][j] + lanes[head][j + 8];
    for (size_t j = 0; j < 4; j++) four[j] = eight[j] + eight[j + 4];
    scores[head * score_stride] += (four[0] + four[2]) + (four[1] + four[3]);
  }
}

/// scores[head * score_stride + i] = keys[i] . queries[head], keys [count, dimension].
COG_KERNEL void cog_scores_f16(
    const uint16_t *restrict keys, size_t count, size_t dimension, const float *restrict queries,
    size_t query_stride, size_t heads, float *restrict scores, size_t score_stride) {
  for (size_t i = 0; i < count; i++) {
    for (size_t head = 0; head < heads; head++) scores[head * score_stride + i] = 0;
    for (size_t first = 0; first < dimension; first += COG_HEAD_PART) {
      const size_t width = dimension - first < COG_HEAD_PART ? dimension - first : COG_HEAD_PART;
      float key[COG_HEAD_PART];
      cog_widen(keys + i * dimension + first, width, key);
      size_t head = 0;
      for (; head + COG_HEADS_AT_ONCE <= heads; head += COG_HEADS_AT_ONCE) {
        cog_add_scores(
            key, width, queries + head * query_stride + first, query_stride, COG_HEADS_AT_ONCE,
            scores + head * score_stride + i, score_stride);
      }
      for (; head < heads; head++) {
        cog_add_scores(
            key, width, queries + head * query_stride + first, query_stride, 1,
            scores + head * score_stride + i, score_stride);
      }
    }
  }
}

/// Adds a part of the weighted values of `heads` (a constant) queries.
COG_KERNEL inline __attribute__((always_inline)) void cog_add_value_part(
    const uint16_t *restrict values, size_t count, size_t dimension, size_t width,
    const float *restrict weights, size_t weight_stride, const size_t heads, float *restrict output,
    size_t output_stride) {
  float sums[COG_HEADS_AT_ONCE][COG_HEAD_PART / 2] = {{0}};
  for (size_t i = 0; i < count; i++) {
    float value[COG_HEAD_PART / 2];
    cog_widen(values + i * dimension, width, value);
    for (size_t head = 0; head < heads; head++) {
      const float weight = weights[head * weight_stride + i];
      for (size_t j = 0; j < width; j++) sums[head][j] = fmaf(weight, value[j], sums[head][j]);
    }
  }
  for (size_t head = 0; head < heads; head++) {
    for (size_t j = 0; j < width; j++) output[head * output_stride + j] = sums[head][j];
  }
}

/// output[head * output_stride + j] = sum over i of weights[head * weight_stride + i] * values[i][j], values
/// [count, dimension].
COG_KERNEL void cog_weigh_values_f16(
    const uint16_t *restrict values, size_t count, size_t dimension, const float *restrict weights,
    size_t weight_stride, size_t heads, float *restrict output, size_t output_stride) {
  enum { PART = COG_HEAD_PART / 2 };
  for (size_t first = 0; first < dimension; first += PART) {
    const size_t width = dimension - first < PART ? dimension - first : PART;
    size_t head = 0;
    for (; head + COG_HEADS_AT_ONCE <= heads && width == PART; head += COG_HEADS_AT_ONCE) {
      cog_add_value_part(
          values + first, count, dimension, PART, weights + head * weight_stride, weight_stride,
          COG_HEADS_AT_ONCE, output + head * output_stride + first, output_stride);
    }
    for (; head < heads; head++) {
      cog_add_value_part(
          values + first, count, dimension, width, weights + head * weight_stride, weight_stride, 1,
          output + head * output_stride + first, output_stride);
    }
  }
}
