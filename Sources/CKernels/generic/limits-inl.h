// Loops that reach one limit of the machine each (CogLimits.h). Behind its registers a backend defines
//
//   COG_PEAK_CHAINS     sums that are added to in turn: enough to hide how long an addition takes
//   COG_ANY_REGISTER    an assembly constraint, in quotes: such a register
//   COG_PEAK_PRODUCTS   products of one cog_peak_dot, unless it is one for each byte of a register
//   COG_TILE_PEAK       the loop of the products of matrices that its tiles are built of, where there are any
//
// and the functions that are declared below.

#ifndef COG_LIMITS_INL_H
#define COG_LIMITS_INL_H

#include "base-inl.h"

#ifndef COG_PEAK_CHAINS  // in a header that is opened alone
#define COG_PEAK_CHAINS 16
#define COG_ANY_REGISTER "m"
typedef cog_4_lanes cog_floats;
typedef int32_t cog_ints __attribute__((ext_vector_type(4)));
#endif

#ifndef COG_PEAK_PRODUCTS
#define COG_PEAK_PRODUCTS sizeof(cog_ints)
#endif

/// All bytes of the result are 3.
COG_INLINE cog_ints cog_peak_bytes(void);
/// All numbers of the result are 1.
COG_INLINE cog_floats cog_peak_floats(void);
/// Adds the dot products of the bytes of two registers to sums, the way the backend's tiles do.
COG_INLINE cog_ints cog_peak_dot(cog_ints sums, cog_ints weights, cog_ints values);
/// Adds the products of the floats of two registers to sums.
COG_INLINE cog_floats cog_peak_fma(cog_floats sums, cog_floats weights, cog_floats values);

/// Makes a register's value unknown to the compiler, so that it can neither take a loop's products out of the
/// loop nor leave the loop out; adds no instruction.
#define COG_HIDE(value) __asm__ volatile("" : "+" COG_ANY_REGISTER(value))

COG_KERNEL double cog_int8_peak(size_t rounds) {
  cog_ints sums[COG_PEAK_CHAINS], weights = cog_peak_bytes(), values = cog_peak_bytes();
  memset(sums, 0, sizeof sums);
  for (size_t round = 0; round < rounds; round++) {
    COG_UNROLL for (size_t i = 0; i < COG_PEAK_CHAINS; i++) {
      COG_HIDE(values);
      sums[i] = cog_peak_dot(sums[i], weights, values);
    }
  }
  COG_UNROLL for (size_t i = 0; i < COG_PEAK_CHAINS; i++)
    COG_HIDE(sums[i]);
  return (double)rounds * COG_PEAK_CHAINS * COG_PEAK_PRODUCTS * 2;
}

COG_KERNEL double cog_float_peak(size_t rounds) {
  cog_floats sums[COG_PEAK_CHAINS], weights = cog_peak_floats(), values = cog_peak_floats();
  memset(sums, 0, sizeof sums);
  for (size_t round = 0; round < rounds; round++) {
    COG_UNROLL for (size_t i = 0; i < COG_PEAK_CHAINS; i++) {
      COG_HIDE(values);
      sums[i] = cog_peak_fma(sums[i], weights, values);
    }
  }
  COG_UNROLL for (size_t i = 0; i < COG_PEAK_CHAINS; i++)
    COG_HIDE(sums[i]);
  return (double)rounds * COG_PEAK_CHAINS * (sizeof(cog_floats) / sizeof(float)) * 2;
}

COG_KERNEL uint64_t cog_sum_words(const void *bytes, size_t count) {
  enum { LINE_BYTES = 64, LINES_AHEAD = 32 };  // 2048 bytes
  typedef uint64_t cog_words __attribute__((ext_vector_type(8)));
  const uint8_t *line = bytes;
  cog_words sums = 0;
  for (size_t i = 0; i < count / LINE_BYTES; i++, line += LINE_BYTES) {
    cog_words words;
    __builtin_prefetch(cog_address(line, LINES_AHEAD * LINE_BYTES));
    memcpy(&words, line, sizeof words);
    sums += words;
  }
  return __builtin_reduce_add(sums);
}

static const CogLimits cog_limits = {
    .sum_words = cog_sum_words,
    .int8_peak = cog_int8_peak,
    .float_peak = cog_float_peak,
#ifdef COG_TILE_PEAK
    .tile_peak = COG_TILE_PEAK,
#endif
};

#endif
