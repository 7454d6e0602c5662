// The loops of CogStatistics.h in plain C. statistics.c includes this once for each instruction set, with
// COG_KERNEL (storage class and target attribute) and COG_NAMED (a name of the set's own) defined.
//
// Sums go into 16 partial sums, as those of elementwise.h do, so that no register width changes their order.

/// Adds the partial sums pairwise.
COG_KERNEL inline double COG_NAMED(total)(const double *lanes) {
  double sums[COG_STATISTIC_LANES];
  memcpy(sums, lanes, sizeof sums);
  for (size_t width = COG_STATISTIC_LANES / 2; width > 0; width /= 2) {
    for (size_t i = 0; i < width; i++) sums[i] += sums[i + width];
  }
  return sums[0];
}

COG_KERNEL void COG_NAMED(count_halves)(const void *values, size_t count, uint32_t *counts) {
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

COG_KERNEL void COG_NAMED(count_floats)(const void *values, size_t count, uint32_t *counts) {
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

/// Defines the largest finite magnitude of elements of `Type`, in as many partial maxima as fill a 64-byte
/// register. Magnitudes are compared as signed numbers: AVX2 compares no others.
#define COG_MAXIMUM(name, Type, sign_off)                                                                    \
  COG_KERNEL Type name(const void *restrict values, size_t count, Type infinity, Type *restrict columns) {   \
    enum { LANES = 64 / sizeof(Type) };                                                                      \
    const uint8_t *bytes = values;                                                                           \
    Type maxima[LANES] = {0}, largest = 0;                                                                   \
    for (size_t i = 0; i < count / LANES * LANES; i += LANES) {                                              \
      Type lanes[LANES];                                                                                     \
      memcpy(lanes, bytes + i * sizeof(Type), sizeof lanes);                                                 \
      for (size_t l = 0; l < LANES; l++) {                                                                   \
        const Type magnitude = (Type)(lanes[l] & (sign_off));                                                \
        const Type finite = magnitude < infinity ? magnitude : (Type)0;                                      \
        maxima[l] = finite > maxima[l] ? finite : maxima[l];                                                 \
      }                                                                                                      \
    }                                                                                                        \
    for (size_t i = count / LANES * LANES; i < count; i++) {                                                 \
      Type value;                                                                                            \
      memcpy(&value, bytes + i * sizeof value, sizeof value);                                                \
      value &= (Type)(sign_off);                                                                             \
      if (value < infinity && value > largest) largest = value;                                              \
    }                                                                                                        \
    for (size_t l = 0; l < LANES; l++) largest = maxima[l] > largest ? maxima[l] : largest;                  \
    if (!columns) return largest;                                                                            \
    for (size_t i = 0; i < count; i++) {                                                                     \
      Type value;                                                                                            \
      memcpy(&value, bytes + i * sizeof value, sizeof value);                                                \
      value &= (Type)(sign_off);                                                                             \
      value = value < infinity ? value : (Type)0;                                                            \
      columns[i] = value > columns[i] ? value : columns[i];                                                  \
    }                                                                                                        \
    return largest;                                                                                          \
  }

COG_MAXIMUM(COG_NAMED(half_maximum), int16_t, 0x7FFF)
COG_MAXIMUM(COG_NAMED(float_maximum), int32_t, 0x7FFFFFFF)

#undef COG_MAXIMUM

/// Partial results of the first pass over values.
struct COG_NAMED(first_pass) {
  double sums[COG_STATISTIC_LANES];
  float minima[COG_STATISTIC_LANES], maxima[COG_STATISTIC_LANES];
  uint32_t finite[COG_STATISTIC_LANES], zeros[COG_STATISTIC_LANES], infinities[COG_STATISTIC_LANES];
  uint32_t low_bits[COG_STATISTIC_LANES];
};

COG_KERNEL inline __attribute__((always_inline)) void COG_NAMED(see)(
    struct COG_NAMED(first_pass) * pass, const uint8_t *bytes, size_t count) {
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
COG_KERNEL inline __attribute__((always_inline)) void COG_NAMED(add_powers)(
    double powers[3][COG_STATISTIC_LANES], const uint8_t *bytes, size_t count, double mean) {
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

COG_KERNEL CogFloatSummary COG_NAMED(summarize_floats)(const void *values, size_t count) {
  const uint8_t *bytes = values;
  struct COG_NAMED(first_pass) pass = {0};
  for (size_t l = 0; l < COG_STATISTIC_LANES; l++) {
    pass.minima[l] = INFINITY;
    pass.maxima[l] = -INFINITY;
  }
  size_t i = 0;
  for (; i + COG_STATISTIC_LANES <= count; i += COG_STATISTIC_LANES) {
    COG_NAMED(see)(&pass, bytes + i * 4, COG_STATISTIC_LANES);
  }
  COG_NAMED(see)(&pass, bytes + i * 4, count - i);
  CogFloatSummary summary = {.minimum = INFINITY, .maximum = -INFINITY};
  for (size_t l = 0; l < COG_STATISTIC_LANES; l++) {
    summary.moments.count += pass.finite[l];
    summary.zeros += pass.zeros[l];
    summary.infinities += pass.infinities[l];
    summary.low_bits |= pass.low_bits[l];
    if (pass.minima[l] < summary.minimum) summary.minimum = pass.minima[l];
    if (pass.maxima[l] > summary.maximum) summary.maximum = pass.maxima[l];
  }
  if (summary.moments.count == 0) return summary;
  const double mean = COG_NAMED(total)(pass.sums) / (double)summary.moments.count;
  double powers[3][COG_STATISTIC_LANES] = {{0}};
  for (i = 0; i + COG_STATISTIC_LANES <= count; i += COG_STATISTIC_LANES) {
    COG_NAMED(add_powers)(powers, bytes + i * 4, COG_STATISTIC_LANES, mean);
  }
  COG_NAMED(add_powers)(powers, bytes + i * 4, count - i, mean);
  summary.moments.mean = mean;
  summary.moments.sum2 = COG_NAMED(total)(powers[0]);
  summary.moments.sum3 = COG_NAMED(total)(powers[1]);
  summary.moments.sum4 = COG_NAMED(total)(powers[2]);
  return summary;
}

/// Partial results of one group's comparison.
struct COG_NAMED(group_sums) {
  double difference[COG_STATISTIC_LANES], a[COG_STATISTIC_LANES], b[COG_STATISTIC_LANES];
  double products[COG_STATISTIC_LANES], largest[COG_STATISTIC_LANES];
  uint32_t not_finite[COG_STATISTIC_LANES];
};

COG_KERNEL inline __attribute__((always_inline)) void COG_NAMED(add_pairs)(
    struct COG_NAMED(group_sums) * sums, const uint8_t *a, const uint8_t *b, size_t count) {
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

COG_KERNEL void COG_NAMED(compare)(
    const void *a, const void *b, size_t count, size_t group_size, CogDifference *difference) {
  const uint8_t *bytes_a = a, *bytes_b = b;
  for (size_t first = 0; first < count; first += group_size) {
    const size_t left = count - first, size = left < group_size ? left : group_size;
    const uint8_t *group_a = bytes_a + first * 4, *group_b = bytes_b + first * 4;
    struct COG_NAMED(group_sums) sums = {{0}};
    size_t i = 0;
    for (; i + COG_STATISTIC_LANES <= size; i += COG_STATISTIC_LANES) {
      COG_NAMED(add_pairs)(&sums, group_a + i * 4, group_b + i * 4, COG_STATISTIC_LANES);
    }
    COG_NAMED(add_pairs)(&sums, group_a + i * 4, group_b + i * 4, size - i);
    CogGroupDifference group = {
        .squared_difference = COG_NAMED(total)(sums.difference),
        .squares_a = COG_NAMED(total)(sums.a),
        .squares_b = COG_NAMED(total)(sums.b),
        .products = COG_NAMED(total)(sums.products),
    };
    for (size_t l = 0; l < COG_STATISTIC_LANES; l++) {
      if (sums.largest[l] > group.largest) group.largest = sums.largest[l];
      group.not_finite += sums.not_finite[l];
    }
    cog_add_group_difference(&group, group_a, group_b, size, first, difference);
  }
  difference->count += count;
}

static const CogStatisticsKernels COG_NAMED(statistics) = {
    .count_halves = COG_NAMED(count_halves),
    .count_floats = COG_NAMED(count_floats),
    .half_maximum = COG_NAMED(half_maximum),
    .float_maximum = COG_NAMED(float_maximum),
    .summarize_floats = COG_NAMED(summarize_floats),
    .compare = COG_NAMED(compare),
};
