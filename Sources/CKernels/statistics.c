// The loops of CogStatistics.h, built for each instruction set that gains from it.

#include "CogStatistics.h"
#include "panel_layout.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

/// Partial sums of a sum.
enum { COG_STATISTIC_LANES = 16 };

/// What a group of values adds to a comparison.
typedef struct CogGroupDifference {
  double squared_difference, squares_a, squares_b, products, largest;
  size_t not_finite;
} CogGroupDifference;

static float cog_value_at(const uint8_t *bytes, size_t index) {
  float value;
  memcpy(&value, bytes + index * 4, sizeof value);
  return value;
}

static int cog_is_unlike(const uint8_t *a, const uint8_t *b, size_t index) {
  return !(isfinite(cog_value_at(a, index)) && isfinite(cog_value_at(b, index))) &&
         memcmp(a + index * 4, b + index * 4, 4) != 0;
}

/// Adds a group, and looks its values up again where it holds the largest difference or the first value that
/// is not finite.
static void cog_add_group_difference(
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

#define COG_KERNEL static
#define COG_NAMED(name) cog_portable_##name
#include "statistics.h"
#undef COG_KERNEL
#undef COG_NAMED

#if defined(__x86_64__)

#include "simd_x86.h"

#define COG_KERNEL COG_TARGET("avx2") static
#define COG_NAMED(name) cog_avx2_##name
#include "statistics.h"
#undef COG_KERNEL
#undef COG_NAMED

#define COG_KERNEL COG_TARGET("avx2,avx512f,avx512bw,avx512dq,avx512vl") static
#define COG_NAMED(name) cog_avx512_##name
#include "statistics.h"
#undef COG_KERNEL
#undef COG_NAMED

#endif

const CogStatisticsKernels *cog_statistics_kernels(CogInstructionSet set) {
  switch (set) {
#if defined(__x86_64__)
    case COG_AVX2:
    case COG_AVX_VNNI: return &cog_avx2_statistics;
    case COG_AVX512_VNNI:
    case COG_AVX512_PAIRS: return &cog_avx512_statistics;
#endif
    // NEON is part of every arm64 processor: the plain build has it.
    default: return &cog_portable_statistics;
  }
}

static int cog_is_zero(const uint8_t *element, size_t element_bytes) {
  if (element_bytes == 2) {
    uint16_t bits;
    memcpy(&bits, element, sizeof bits);
    return (bits & 0x7FFF) == 0;
  }
  uint32_t bits;
  memcpy(&bits, element, sizeof bits);
  return (bits & 0x7FFFFFFF) == 0;
}

size_t cog_count_zero_groups(
    const void *values, size_t count, size_t element_bytes, size_t group_size, size_t *first) {
  const uint8_t *bytes = values;
  size_t groups = 0;
  for (size_t start = 0; start < count; start += group_size) {
    const size_t end = count - start < group_size ? count : start + group_size;
    size_t i = start;
    while (i < end && cog_is_zero(bytes + i * element_bytes, element_bytes)) i++;
    if (i < end) continue;
    if (groups == 0) *first = start;
    groups++;
  }
  return groups;
}

/// The columns of a last line that is not full.
static void cog_count_last_codes(
    const uint8_t *line, size_t columns, size_t row_bytes, unsigned bits, uint64_t *counts) {
  for (size_t column = 0; column < columns; column++) {
    for (size_t i = column % 4; i < row_bytes; i += 4) {
      counts[bits == 8 ? line[i] : column < 4 ? line[i] & 15 : line[i] >> 4]++;
    }
  }
}

void cog_count_codes(
    const CogPanelMatrix *matrix, size_t panel, size_t columns, unsigned bits, uint64_t *counts) {
  const size_t row_bytes = cog_panel_rows(matrix, panel) * 4;
  const size_t columns_in_line = bits == 4 ? 8 : 4;
  uint64_t bytes[2][256] = {{0}};
  for (size_t group = 0; group < matrix->group_count; group++) {
    const uint8_t *line = cog_panel(matrix, panel) + cog_lines_offset(matrix, group, bits == 4);
    const size_t first = group * matrix->group_size, padded = cog_group_columns(matrix, group);
    size_t left = columns - first < padded ? columns - first : padded;
    for (; left >= columns_in_line; left -= columns_in_line, line += COG_LINE_BYTES) {
      for (size_t i = 0; i < row_bytes; i += 2) {
        bytes[0][line[i]]++;
        bytes[1][line[i + 1]]++;
      }
    }
    cog_count_last_codes(line, left, row_bytes, bits, counts);
  }
  for (size_t byte = 0; byte < 256; byte++) {
    const uint64_t count = bytes[0][byte] + bytes[1][byte];
    counts[bits == 4 ? byte & 15 : byte] += count;
    if (bits == 4) counts[byte >> 4] += count;
  }
}
