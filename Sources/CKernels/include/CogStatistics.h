// Loops of `cogvlm stats` and `cogvlm diff`: counts of values, moments, maxima, differences.
//
// Every backend gives the same bits: counts are integers, maxima have no order, and sums go into a
// fixed number of partial sums whatever the width of a register. Pointers to values may be unaligned.

#ifndef COG_STATISTICS_H
#define COG_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#include "CogPanels.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

enum {
  /// Bins of 16-bit elements: one for each bit pattern.
  COG_HALF_BINS = 65536,
  /// Bins of float32: sign, exponent and the upper 8 bits of the fraction.
  COG_FLOAT_BINS = 131072,
  /// The bin of a float32 is its bit pattern without this many low bits.
  COG_FLOAT_BIN_SHIFT = 15,
};

/// The finite ones of some float32 values: how many, their mean, and the sums of the second, third and fourth
/// powers of their distances from it; all 0 for none.
typedef struct CogMoments {
  size_t count;
  double mean, sum2, sum3, sum4;
} CogMoments;

/// What a run of float32 values holds.
typedef struct CogFloatSummary {
  CogMoments moments;
  float minimum, maximum;  ///< of the finite values; +infinity and -infinity for none
  size_t zeros, infinities;
  uint32_t
      low_bits;  ///< the bits that are lost to bins, of all values together: 0 when every bin is one value
} CogFloatSummary;

/// How values differ from others, over the positions where both are finite. Add to it by calling again.
typedef struct CogDifference {
  double squared_difference;  ///< sum of (a - b)^2
  double squares_a, squares_b, products;
  double largest;           ///< the largest |a - b|
  size_t largest_at;        ///< its position, counted over all calls
  double worst_group;       ///< the largest sqrt(sum (a - b)^2 / sum b^2) of a group
  size_t worst_group_at;    ///< the position of the group's first value
  size_t not_finite;        ///< positions where either is NaN or infinite and their bits are not the same
  size_t first_not_finite;  ///< the first of them
  size_t count;             ///< positions seen in all calls, the finite and the others
} CogDifference;

/// The loops of one backend.
typedef struct CogStatisticsKernels {
  /// Counts the bit patterns of 16-bit elements. `counts` is two tables of COG_HALF_BINS, whose sum counts:
  /// two, because neighbors are often equal and the same counter would be waited for.
  void (*count_halves)(const void *values, size_t count, uint32_t *counts);
  /// Counts float32 by bin, in two tables of COG_FLOAT_BINS.
  void (*count_floats)(const void *values, size_t count, uint32_t *counts);
  /// The largest magnitude (bit pattern without sign) of 16-bit elements that is below `infinity`, 0 for
  /// none; each of `columns` is raised to that of its element.
  int16_t (*half_maximum)(const void *values, size_t count, int16_t infinity, int16_t *_Nullable columns);
  /// The same of float32.
  int32_t (*float_maximum)(const void *values, size_t count, int32_t infinity, int32_t *_Nullable columns);
  CogFloatSummary (*summarize_floats)(const void *values, size_t count);
  /// Compares one row with another, in groups of `group_size` from its start; a group of zeros that should be
  /// zeros has the error 0, one that should be and is not an infinite one.
  void (*compare)(const void *a, const void *b, size_t count, size_t group_size, CogDifference *difference);
} CogStatisticsKernels;

/// Counts the codes of one panel of int4 or int8 weights in 256 counters, int8 as unsigned bytes. Padding is
/// left out.
void cog_count_codes(const CogPanelMatrix *matrix, size_t panel, size_t columns, uint64_t *counts);

/// How many groups of a row, from its start and the last perhaps shorter, hold nothing but 0 and -0, of
/// elements of 2 or 4 bytes; `first` becomes the position of the first such group's first element and stays
/// where there is none. Looks no further into a group than to its first element that is not 0.
size_t cog_count_zero_groups(
    const void *values, size_t count, size_t element_bytes, size_t group_size, size_t *first);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
