// The loops of CogStatistics.h. Sums go into 16 partial sums, so that no register width changes their order.

#ifndef COG_STATISTICS_INL_H
#define COG_STATISTICS_INL_H

#include "base-inl.h"

COG_KERNEL void cog_count_halves(const void *values, size_t count, uint32_t *counts) {
  const uint8_t *bytes = values;
  uint32_t *others = counts + COG_HALF_BINS;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    uint64_t four;
    memcpy(&four, bytes + i * 2, sizeof four);
    counts[four & 0xFFFF]++;
    others[four >> 16 & 0xFFFF]++;
    counts[four >> 32 & 0xFFFF]++;
    others[four >> 48]++;
  }
  for (; i < count; i++) {
    uint16_t value;
    memcpy(&value, bytes + i * 2, sizeof value);
    counts[value]++;
  }
}

COG_KERNEL void cog_count_floats(const void *values, size_t count, uint32_t *counts) {
  const uint8_t *bytes = values;
  uint32_t *others = counts + COG_FLOAT_BINS;
  size_t i = 0;
  for (; i + 2 <= count; i += 2) {
    uint64_t two;
    memcpy(&two, bytes + i * 4, sizeof two);
    counts[(uint32_t)two >> COG_FLOAT_BIN_SHIFT]++;
    others[two >> (32 + COG_FLOAT_BIN_SHIFT)]++;
  }
  if (i < count) {
    uint32_t value;
    memcpy(&value, bytes + i * 4, sizeof value);
    counts[value >> COG_FLOAT_BIN_SHIFT]++;
  }
}

/// The bits of 64 bytes of elements. Magnitudes are compared as signed numbers: AVX2 compares no others.
typedef int16_t cog_half_bits __attribute__((ext_vector_type(32)));
typedef int32_t cog_float_bits __attribute__((ext_vector_type(16)));

/// Raises `largest`, and the columns unless they are NULL, to the finite magnitudes of 16-bit elements
/// that take `size` bytes, at most a whole vector.
COG_INLINE void cog_raise_half(
    const uint8_t *restrict elements, size_t size, int16_t infinity, cog_half_bits *restrict largest,
    int16_t *restrict columns) {
  cog_half_bits lanes = 0, raised = 0;
  memcpy(&lanes, elements, size);
  lanes &= 0x7FFF;
  lanes = lanes < infinity ? lanes : (cog_half_bits)0;
  *largest = __builtin_elementwise_max(*largest, lanes);
  if (!columns) return;
  memcpy(&raised, columns, size);
  raised = __builtin_elementwise_max(raised, lanes);
  memcpy(columns, &raised, size);
}

COG_KERNEL int16_t
cog_half_maximum(const void *restrict values, size_t count, int16_t infinity, int16_t *restrict columns) {
  enum { LANES = sizeof(cog_half_bits) / sizeof(int16_t) };
  const uint8_t *elements = values;
  cog_half_bits largest = 0;
  for (; count >= LANES; count -= LANES, elements += sizeof largest) {
    cog_raise_half(elements, sizeof largest, infinity, &largest, columns);
    if (columns) columns += LANES;
  }
  cog_raise_half(elements, count * sizeof(int16_t), infinity, &largest, columns);
  return __builtin_reduce_max(largest);
}

/// Raises `largest`, and the columns unless they are NULL, to the finite magnitudes of 32-bit elements
/// that take `size` bytes, at most a whole vector.
COG_INLINE void cog_raise_float(
    const uint8_t *restrict elements, size_t size, int32_t infinity, cog_float_bits *restrict largest,
    int32_t *restrict columns) {
  cog_float_bits lanes = 0, raised = 0;
  memcpy(&lanes, elements, size);
  lanes &= 0x7FFFFFFF;
  lanes = lanes < infinity ? lanes : (cog_float_bits)0;
  *largest = __builtin_elementwise_max(*largest, lanes);
  if (!columns) return;
  memcpy(&raised, columns, size);
  raised = __builtin_elementwise_max(raised, lanes);
  memcpy(columns, &raised, size);
}

COG_KERNEL int32_t
cog_float_maximum(const void *restrict values, size_t count, int32_t infinity, int32_t *restrict columns) {
  enum { LANES = sizeof(cog_float_bits) / sizeof(int32_t) };
  const uint8_t *elements = values;
  cog_float_bits largest = 0;
  for (; count >= LANES; count -= LANES, elements += sizeof largest) {
    cog_raise_float(elements, sizeof largest, infinity, &largest, columns);
    if (columns) columns += LANES;
  }
  cog_raise_float(elements, count * sizeof(int32_t), infinity, &largest, columns);
  return __builtin_reduce_max(largest);
}

/// Partial results of the first pass over values.
typedef struct CogFirstPass {
  double sums[COG_LANES];
  float minima[COG_LANES], maxima[COG_LANES];
  uint32_t finite[COG_LANES], zeros[COG_LANES], infinities[COG_LANES];
  uint32_t low_bits[COG_LANES];
} CogFirstPass;

COG_INLINE void cog_add_values(CogFirstPass *pass, const uint8_t *bytes, size_t count) {
  for (size_t l = 0; l < count; l++) {
    uint32_t bits;
    float value;
    memcpy(&bits, bytes + l * 4, sizeof bits);
    memcpy(&value, bytes + l * 4, sizeof value);
    const uint32_t magnitude = bits & 0x7FFFFFFF;
    const uint32_t is_finite = magnitude < 0x7F800000;
    pass->finite[l] += is_finite;
    pass->zeros[l] += magnitude == 0;
    pass->infinities[l] += magnitude == 0x7F800000;
    pass->low_bits[l] |= bits & ((1u << COG_FLOAT_BIN_SHIFT) - 1);
    pass->sums[l] += is_finite ? (double)value : 0.0;
    const float low = is_finite ? value : INFINITY, high = is_finite ? value : -INFINITY;
    pass->minima[l] = low < pass->minima[l] ? low : pass->minima[l];
    pass->maxima[l] = high > pass->maxima[l] ? high : pass->maxima[l];
  }
}

/// Adds the powers of the finite values' distances from the mean.
COG_INLINE void cog_add_powers(double powers[3][COG_LANES], const uint8_t *bytes, size_t count, double mean) {
  for (size_t l = 0; l < count; l++) {
    uint32_t bits;
    float value;
    memcpy(&bits, bytes + l * 4, sizeof bits);
    memcpy(&value, bytes + l * 4, sizeof value);
    const double distance = (bits & 0x7FFFFFFF) < 0x7F800000 ? (double)value - mean : 0.0;
    const double square = distance * distance;
    powers[0][l] += square;
    powers[1][l] += square * distance;
    powers[2][l] += square * square;
  }
}

COG_KERNEL CogFloatSummary cog_summarize_floats(const void *values, size_t count) {
  const uint8_t *bytes = values;
  CogFirstPass pass = {0};
  for (size_t l = 0; l < COG_LANES; l++) {
    pass.minima[l] = INFINITY;
    pass.maxima[l] = -INFINITY;
  }
  size_t i = 0;
  for (; i + COG_LANES <= count; i += COG_LANES) { cog_add_values(&pass, bytes + i * 4, COG_LANES); }
  cog_add_values(&pass, bytes + i * 4, count - i);
  CogFloatSummary summary = {.minimum = INFINITY, .maximum = -INFINITY};
  for (size_t l = 0; l < COG_LANES; l++) {
    summary.moments.count += pass.finite[l];
    summary.zeros += pass.zeros[l];
    summary.infinities += pass.infinities[l];
    summary.low_bits |= pass.low_bits[l];
    if (pass.minima[l] < summary.minimum) summary.minimum = pass.minima[l];
    if (pass.maxima[l] > summary.maximum) summary.maximum = pass.maxima[l];
  }
  if (summary.moments.count == 0) return summary;
  const double mean = cog_sum_lanes(pass.sums) / (double)summary.moments.count;
  double powers[3][COG_LANES] = {{0}};
  for (i = 0; i + COG_LANES <= count; i += COG_LANES) {
    cog_add_powers(powers, bytes + i * 4, COG_LANES, mean);
  }
  cog_add_powers(powers, bytes + i * 4, count - i, mean);
  summary.moments.mean = mean;
  summary.moments.sum2 = cog_sum_lanes(powers[0]);
  summary.moments.sum3 = cog_sum_lanes(powers[1]);
  summary.moments.sum4 = cog_sum_lanes(powers[2]);
  return summary;
}

/// What a group of values adds to a comparison.
typedef struct CogGroupDifference {
  double squared_difference, squares_a, squares_b, products, largest;
  size_t not_finite;
} CogGroupDifference;

COG_KERNEL inline float cog_value_at(const uint8_t *bytes, size_t index) {
  float value;
  memcpy(&value, bytes + index * 4, sizeof value);
  return value;
}

COG_KERNEL inline bool cog_is_unlike(const uint8_t *a, const uint8_t *b, size_t index) {
  return !(isfinite(cog_value_at(a, index)) && isfinite(cog_value_at(b, index))) &&
         memcmp(a + index * 4, b + index * 4, 4) != 0;
}

/// Adds a group, and looks its values up again where it holds the largest difference or the first value that
/// is not finite.
COG_KERNEL void cog_add_group_difference(
    const CogGroupDifference *group, const uint8_t *a, const uint8_t *b, size_t size, size_t first,
    CogDifference *difference) {
  const size_t start = difference->count + first;
  difference->squared_difference += group->squared_difference;
  difference->squares_a += group->squares_a;
  difference->squares_b += group->squares_b;
  difference->products += group->products;
  if (group->largest > difference->largest) {
    size_t i = 0;
    while (i + 1 < size && fabs((double)cog_value_at(a, i) - (double)cog_value_at(b, i)) != group->largest)
      i++;
    difference->largest = group->largest;
    difference->largest_at = start + i;
  }
  if (group->squared_difference > 0) {
    const double error = group->squares_b > 0 ? sqrt(group->squared_difference / group->squares_b) : INFINITY;
    if (error > difference->worst_group) {
      difference->worst_group = error;
      difference->worst_group_at = start;
    }
  }
  if (group->not_finite > 0) {
    if (difference->not_finite == 0) {
      size_t i = 0;
      while (i + 1 < size && !cog_is_unlike(a, b, i)) i++;
      difference->first_not_finite = start + i;
    }
    difference->not_finite += group->not_finite;
  }
}

/// Partial results of one group's comparison.
typedef struct CogGroupSums {
  double difference[COG_LANES], a[COG_LANES], b[COG_LANES];
  double products[COG_LANES], largest[COG_LANES];
  uint32_t not_finite[COG_LANES];
} CogGroupSums;

COG_INLINE void cog_add_pairs(CogGroupSums *sums, const uint8_t *a, const uint8_t *b, size_t count) {
  for (size_t l = 0; l < count; l++) {
    uint32_t bits_a, bits_b;
    float value_a, value_b;
    memcpy(&bits_a, a + l * 4, sizeof bits_a);
    memcpy(&bits_b, b + l * 4, sizeof bits_b);
    memcpy(&value_a, a + l * 4, sizeof value_a);
    memcpy(&value_b, b + l * 4, sizeof value_b);
    const uint32_t is_finite = ((bits_a & 0x7FFFFFFF) < 0x7F800000) & ((bits_b & 0x7FFFFFFF) < 0x7F800000);
    const double x = is_finite ? (double)value_a : 0.0, y = is_finite ? (double)value_b : 0.0;
    const double difference = x - y;
    const double size = difference < 0 ? -difference : difference;
    sums->difference[l] += difference * difference;
    sums->a[l] += x * x;
    sums->b[l] += y * y;
    sums->products[l] += x * y;
    sums->largest[l] = size > sums->largest[l] ? size : sums->largest[l];
    sums->not_finite[l] += (is_finite ^ 1) & (bits_a != bits_b);
  }
}

COG_KERNEL void cog_compare(
    const void *a, const void *b, size_t count, size_t group_size, CogDifference *difference) {
  const uint8_t *bytes_a = a, *bytes_b = b;
  for (size_t first = 0; first < count; first += group_size) {
    const size_t left = count - first, size = left < group_size ? left : group_size;
    const uint8_t *group_a = bytes_a + first * 4, *group_b = bytes_b + first * 4;
    CogGroupSums sums = {.difference = {0}};
    size_t i = 0;
    for (; i + COG_LANES <= size; i += COG_LANES) {
      cog_add_pairs(&sums, group_a + i * 4, group_b + i * 4, COG_LANES);
    }
    cog_add_pairs(&sums, group_a + i * 4, group_b + i * 4, size - i);
    CogGroupDifference group = {
        .squared_difference = cog_sum_lanes(sums.difference),
        .squares_a = cog_sum_lanes(sums.a),
        .squares_b = cog_sum_lanes(sums.b),
        .products = cog_sum_lanes(sums.products),
    };
    for (size_t l = 0; l < COG_LANES; l++) {
      if (sums.largest[l] > group.largest) group.largest = sums.largest[l];
      group.not_finite += sums.not_finite[l];
    }
    cog_add_group_difference(&group, group_a, group_b, size, first, difference);
  }
  difference->count += count;
}

static const CogStatisticsKernels cog_statistics = {
    .count_halves = cog_count_halves,
    .count_floats = cog_count_floats,
    .half_maximum = cog_half_maximum,
    .float_maximum = cog_float_maximum,
    .summarize_floats = cog_summarize_floats,
    .compare = cog_compare,
};

#endif
