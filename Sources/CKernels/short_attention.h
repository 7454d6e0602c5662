// Attention of blocks of queries in 16-bit integers, twice as fast as in float32 where processors multiply
// these in pairs; for fast mode. Compiled like elementwise.h; block_attention.h must stand before it, and
// plain_attention.h.
//
// Queries and keys, the exponentials of a query's scores and the features of all values are each rounded to
// integers, in steps of their own: the smallest with which their norm is at most COG_SHORT_NORM and no
// integer has more than 16 bits. No sum of products |x . y| <= |x| |y| then leaves 32 bits, even with what
// rounding adds to the norms, half a step for each integer, up to seven million keys. Rounding loses less
// than 1e-4 of a query or key and, with thousands of keys, 5e-4 of an output.
//
// Packed keys and values are attention_products.h's columns of pairs: neighboring features of a key, or a
// feature of neighboring values. Behind them lies the step of each column.

enum { COG_SHORT_NORM = 45000, COG_LARGEST_SHORT = 32767 };
/// Numbers of smaller magnitude count as zeros: their squares would not be exact enough.
static const float COG_LEAST_SHORT = 0x1p-60f;

static inline size_t cog_short_pairs(size_t depth) { return (depth + 1) / 2; }

static inline float *cog_short_steps(void *packed, size_t columns, size_t depth) {
  return (float *)packed + cog_vectors_of(columns) * COG_LANES * cog_short_pairs(depth);
}

// MARK: Rounding

/// What decides on the steps of 16 columns, or, reduced, of a row.
typedef struct CogShortRange {
  cog_lanes squares;  ///< sums of squares
  cog_lanes largest;  ///< magnitudes
} CogShortRange;

COG_INLINE void cog_extend_range(CogShortRange *range, const cog_lanes *x) {
  const cog_lanes magnitudes = __builtin_elementwise_abs(*x);
  range->squares = __builtin_elementwise_fma(*x, *x, range->squares);
  range->largest = magnitudes > range->largest ? magnitudes : range->largest;
}

/// The steps of 16 columns, NaN for those with numbers that are not finite, or too large for their squares to
/// be.
COG_INLINE void cog_find_steps(const CogShortRange *range, cog_lanes *steps, cog_lanes *inverses) {
  const cog_lanes norms = __builtin_elementwise_sqrt(range->squares) / (float)COG_SHORT_NORM;
  const cog_lanes least = range->largest / (float)COG_LARGEST_SHORT;
  const cog_lanes larger = norms > least ? norms : least;
  const cog_lanes exact = range->largest < COG_LEAST_SHORT ? (cog_lanes)0.0f : larger;
  *steps = range->squares < INFINITY ? exact : (cog_lanes)NAN;
  *inverses = *steps > 0 ? 1 / *steps : (cog_lanes)0.0f;
}

/// x / step, rounded half to even.
COG_INLINE void cog_round_lanes(const cog_lanes *x, const cog_lanes *inverses, cog_int_lanes *rounded) {
  const cog_lanes shifted = __builtin_elementwise_fma(*x, *inverses, (cog_lanes)cog_rounder);
  *rounded = (cog_int_lanes)shifted - (int32_t)cog_bits_of_float(cog_rounder);
}

COG_INLINE void cog_store_pairs(const cog_int_lanes *first, const cog_int_lanes *second, int32_t *place) {
  const cog_int_lanes pairs = (*first & 0xFFFF) | (*second << 16);
  memcpy(place, &pairs, sizeof pairs);
}

/// Rounds 16 numbers to neighboring shorts.
COG_INLINE void cog_store_shorts(const cog_lanes *x, const cog_lanes *inverses, int16_t *place) {
  cog_int_lanes rounded;
  cog_round_lanes(x, inverses, &rounded);
  const cog_short_lanes shorts = __builtin_convertvector(rounded, cog_short_lanes);
  memcpy(place, &shorts, sizeof shorts);
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
COG_KERNEL void cog_pack_short_key_vector(
    const float *restrict keys, size_t stride, size_t count, size_t dimension, int32_t *restrict packed,
    size_t width, float *restrict steps) {
  CogShortRange range = {(cog_lanes)0.0f, (cog_lanes)0.0f};
  CogKeyBlock block;
  for (size_t feature = 0; feature < dimension; feature += COG_LANES) {
    cog_load_key_block(keys, stride, count, feature, dimension, &block);
    COG_UNROLL for (size_t i = 0; i < COG_LANES; i++)
      cog_extend_range(&range, &block.features[i]);
  }
  cog_lanes found, inverses;
  cog_find_steps(&range, &found, &inverses);
  memcpy(steps, &found, sizeof found);
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
COG_KERNEL void cog_pack_short_value_vector(
    const float *restrict values, size_t stride, size_t existing, size_t count, int32_t *restrict packed,
    size_t width, float *restrict steps) {
  CogShortRange range = {(cog_lanes)0.0f, (cog_lanes)0.0f};
  cog_lanes features;
  for (size_t i = 0; i < count; i++) {
    cog_load_features(values + i * stride, existing, &features);
    cog_extend_range(&range, &features);
  }
  cog_lanes found, inverses;
  cog_find_steps(&range, &found, &inverses);
  memcpy(steps, &found, sizeof found);
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
typedef void CogPackShortVector(
    const float *restrict numbers, size_t stride, size_t existing, size_t depth, int32_t *restrict packed,
    size_t width, float *restrict steps);

/// Packs `count` columns of `depth` numbers, which begin `column_stride` floats apart.
COG_INLINE void cog_pack_short_columns(
    const float *numbers, size_t column_stride, size_t stride, size_t count, size_t depth, void *packed,
    CogPackShortVector *const pack) {
  float *steps = cog_short_steps(packed, count, depth);
  int32_t *together = packed;
  for (size_t first = 0; first < count; first += COG_COLUMNS_TOGETHER) {
    const size_t width = cog_vectors_of(cog_part_size(first, COG_COLUMNS_TOGETHER, count)) * COG_LANES;
    for (size_t vector = 0; vector < width; vector += COG_LANES) {
      const size_t column = first + vector, existing = cog_part_size(column, COG_LANES, count);
      pack(
          numbers + column * column_stride, stride, existing, depth, together + vector, width,
          steps + column);
    }
    together += width * cog_short_pairs(depth);
  }
}

/// Packs keys [count, dimension] as columns.
COG_KERNEL void cog_pack_short_keys(
    const float *restrict keys, size_t stride, size_t count, size_t dimension, void *restrict packed) {
  cog_pack_short_columns(keys, stride, stride, count, dimension, packed, cog_pack_short_key_vector);
}

/// Packs the features of values [count, dimension] as columns.
COG_KERNEL void cog_pack_short_values(
    const float *restrict values, size_t stride, size_t count, size_t dimension, void *restrict packed) {
  cog_pack_short_columns(values, 1, stride, dimension, count, packed, cog_pack_short_value_vector);
}

// MARK: A block

/// Rounds a query to pairs of shorts and returns its step.
COG_KERNEL float cog_round_query(const float *restrict query, size_t dimension, int16_t *restrict shorts) {
  CogShortRange range = {(cog_lanes)0.0f, (cog_lanes)0.0f};
  cog_lanes features;
  for (size_t i = 0; i < dimension; i += COG_LANES) {
    cog_load_features(query + i, cog_part_size(i, COG_LANES, dimension), &features);
    cog_extend_range(&range, &features);
  }
  range.squares = (cog_lanes)cog_sum_of_lanes(&range.squares);
  range.largest = (cog_lanes)__builtin_reduce_max(range.largest);
  cog_lanes steps, inverses;
  cog_find_steps(&range, &steps, &inverses);
  for (size_t i = 0; i < dimension; i += COG_LANES) {
    cog_load_features(query + i, cog_part_size(i, COG_LANES, dimension), &features);
    cog_store_shorts(&features, &inverses, shorts + i);
  }
  return steps[0];
}

/// 2^x for x <= 0, from 2^-126 on, within 3e-6 of it: 2^n times a polynomial of the rest, fitted by iterated
/// weighted least squares.
COG_INLINE void cog_rough_exp2(cog_lanes *x) {
  const cog_lanes bounded = *x < -126 ? (cog_lanes)-126.0f : *x;
  const cog_lanes shifted = bounded + cog_rounder;
  const cog_lanes rest = bounded - (shifted - cog_rounder);
  const cog_int_lanes exponents = (cog_int_lanes)shifted - (int32_t)cog_bits_of_float(cog_rounder) + 127;
  cog_lanes p = (cog_lanes)0x1.399748p-7f;
  p = __builtin_elementwise_fma(p, rest, (cog_lanes)0x1.ca13f2p-5f);
  p = __builtin_elementwise_fma(p, rest, (cog_lanes)0x1.ec06dap-3f);
  p = __builtin_elementwise_fma(p, rest, (cog_lanes)0x1.62e0dep-1f);
  p = __builtin_elementwise_fma(p, rest, (cog_lanes)0x1.ffffe8p-1f);
  *x = p * (cog_lanes)(exponents << 23);
}

/// The largest of the scores `factor` * step * product, which take the products' places; keys that a query
/// does not see get less than any other.
COG_KERNEL float cog_scale_scores(
    int32_t *restrict scores, size_t visible, const float *restrict steps, float factor) {
  cog_lanes largest = (cog_lanes)-INFINITY;
  for (size_t i = 0; i < visible; i += COG_LANES) {
    cog_int_lanes products, lane;
    cog_lanes step;
    memcpy(&products, scores + i, sizeof products);
    memcpy(&step, steps + i, sizeof step);
    cog_lanes scaled = __builtin_convertvector(products, cog_lanes) * (step * factor);
    if (visible - i < COG_LANES) {
      for (size_t j = 0; j < COG_LANES; j++) lane[j] = (int32_t)j;
      scaled = lane < (int32_t)(visible - i) ? scaled : (cog_lanes)-INFINITY;
    }
    largest = scaled > largest ? scaled : largest;
    memcpy(scores + i, &scaled, sizeof scaled);
  }
  return __builtin_reduce_max(largest);
}

/// Turns the products of a query with `visible` keys, at least one, to shorts in steps of 1 / inverse: the
/// powers of 2 of the scores less the largest of them. Returns what these are to be multiplied with for a sum
/// of 1.
COG_KERNEL float cog_short_softmax(
    int32_t *restrict scores, size_t visible, const float *restrict steps, float factor) {
  const float largest = cog_scale_scores(scores, visible, steps, factor);
  cog_lanes sums = (cog_lanes)0.0f, squares = (cog_lanes)0.0f, x;
  for (size_t i = 0; i < visible; i += COG_LANES) {
    memcpy(&x, scores + i, sizeof x);
    x -= largest;
    cog_rough_exp2(&x);
    sums += x;
    squares = __builtin_elementwise_fma(x, x, squares);
    memcpy(scores + i, &x, sizeof x);
  }
  const float norm_inverse = COG_SHORT_NORM / __builtin_sqrtf(cog_sum_of_lanes(&squares));
  // The largest is 1.
  const float inverse = norm_inverse < COG_LARGEST_SHORT ? norm_inverse : COG_LARGEST_SHORT;
  const cog_lanes inverses = (cog_lanes)inverse;
  int16_t *shorts = (int16_t *)scores;
  for (size_t i = 0; i < visible; i += COG_LANES) {
    memcpy(&x, scores + i, sizeof x);
    cog_store_shorts(&x, &inverses, shorts + i);
  }
  return 1 / (inverse * cog_sum_of_lanes(&sums));
}

/// Writes the outputs of a row: its products with the values, times their steps and `factor`.
COG_KERNEL void cog_scale_outputs(
    const int32_t *restrict products, const float *restrict steps, float factor, size_t dimension,
    float *restrict output) {
  for (size_t i = 0; i < dimension; i++) output[i] = (float)products[i] * (steps[i] * factor);
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
    const float step = cog_round_query(query, head->dimension, (int16_t *)(pairs + row * stride));
    factors[row] = step * (head->scale * log2_e);
  }
  memset(pairs + rows * stride, 0, (padded_rows - rows) * stride * sizeof *pairs);
  return padded_rows;
}

/// The outputs of `count` queries from `first` on.
COG_KERNEL void cog_attend_short_block(
    const CogAttentionHead *head, const void *packed_keys, const void *packed_values, size_t first,
    size_t count, void *memory) {
  const size_t dimension = head->dimension, rows = count * head->heads;
  const size_t width = cog_attention_width(head), stride = cog_score_stride(head);
  int32_t *outputs = (int32_t *)memory + COG_ATTENTION_ROWS * width;
  int32_t *scores = outputs + COG_ATTENTION_ROWS * width;
  float factors[COG_ATTENTION_ROWS];
  const size_t padded_rows = cog_round_queries(head, first, rows, memory, width, factors);
  const size_t seen = cog_seen_keys(head, first + count - 1);  // by the last query, which sees the most
  const CogAttentionRows queries = {memory, width, padded_rows, cog_short_pairs(dimension)};
  const CogPackedColumns keys = {packed_keys, cog_short_pairs(dimension), cog_vectors_of(head->key_count)};
  cog_multiply_packed_shorts(queries, keys, cog_vectors_of(seen), scores, stride);
  const float *key_steps = cog_short_steps((void *)packed_keys, head->key_count, dimension);
  const size_t seen_pairs = cog_short_pairs(seen);
  for (size_t row = 0; row < rows; row++) {
    int32_t *own = scores + row * stride;
    const size_t visible = cog_seen_keys(head, first + row / head->heads);
    factors[row] = visible == 0 ? 0 : cog_short_softmax(own, visible, key_steps, factors[row]);
    const size_t written = cog_vectors_of(visible) * COG_LANES / 2;
    if (written < seen_pairs) memset(own + written, 0, (seen_pairs - written) * sizeof *own);
  }
  const CogAttentionRows weights = {scores, stride, padded_rows, seen_pairs};
  const CogPackedColumns values = {
      packed_values, cog_short_pairs(head->key_count), cog_vectors_of(dimension)};
  cog_multiply_packed_shorts(weights, values, values.vectors, outputs, width);
  const float *value_steps = cog_short_steps((void *)packed_values, dimension, head->key_count);
  for (size_t row = 0; row < rows; row++) {
    float *output = head->output + cog_attention_row(head, head->output_stride, first, row);
    cog_scale_outputs(outputs + row * width, value_steps, factors[row], dimension, output);
  }
}
