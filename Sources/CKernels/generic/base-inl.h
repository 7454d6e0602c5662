// What every kernel is written with. A backend, one file in backends/, is compiled as one translation unit:
// it defines COG_KERNEL, the storage class and target attribute of its functions, and includes the headers
// whose names end in -inl.h. These are plain C, or written in terms of a few functions that the backend has.
//
// Only fmaf and __builtin_elementwise_fma fuse a product with an addition, and sums are taken in an order
// that no register width changes: so every backend gives the same bits.

#ifndef COG_BASE_INL_H
#define COG_BASE_INL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "CKernels.h"

#pragma STDC FP_CONTRACT OFF

#ifndef COG_KERNEL  // in a header that is opened alone
#define COG_KERNEL static
#endif

/// A kernel that is always inlined: what is constant in its caller is constant in it.
#define COG_INLINE __attribute__((always_inline)) COG_KERNEL inline

/// Before a loop whose bounds are constants once its function is inlined.
#define COG_UNROLL _Pragma("clang loop unroll(full)")

/// Partial sums of a reduction: fixed, so that the order of additions depends on no register width.
enum { COG_LANES = 16 };

/// 16 numbers, in as many registers as they take.
typedef float cog_lanes __attribute__((ext_vector_type(16)));
typedef int32_t cog_int_lanes __attribute__((ext_vector_type(16)));
typedef int16_t cog_int16_lanes __attribute__((ext_vector_type(16)));
typedef int8_t cog_int8_lanes __attribute__((ext_vector_type(16)));

/// Halves and quarters of them.
typedef float cog_8_lanes __attribute__((ext_vector_type(8)));
typedef float cog_4_lanes __attribute__((ext_vector_type(4)));
typedef int32_t cog_8_int_lanes __attribute__((ext_vector_type(8)));

/// Adding and subtracting it rounds |x| < 2^22 to an integer, half to even.
static const float cog_rounder = 12582912.0f;  // 1.5 * 2^23

COG_KERNEL inline float cog_float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

COG_KERNEL inline uint32_t cog_bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// An address for a hint, which may lie beyond the memory that `base` points into.
COG_INLINE const void *cog_address(const void *base, size_t bytes) {
  return (const void *)((uintptr_t)base + bytes);
}

/// Loads `count` floats; the other lanes become 0.
COG_INLINE void cog_load_lanes(const float *restrict floats, size_t count, cog_lanes *restrict lanes) {
  float padded[COG_LANES] = {0};
  memcpy(padded, floats, count * sizeof *floats);
  memcpy(lanes, padded, sizeof padded);
}

COG_INLINE float cog_sum_of_lanes(const cog_lanes *lanes) {
  const cog_8_lanes eight = lanes->lo + lanes->hi;
  const cog_4_lanes four = eight.lo + eight.hi;
  return (four[0] + four[2]) + (four[1] + four[3]);
}

/// The sum of COG_LANES partial sums, added pairwise.
COG_KERNEL inline double cog_sum_lanes(const double *lanes) {
  double pairs[COG_LANES];
  memcpy(pairs, lanes, sizeof pairs);
  for (size_t width = COG_LANES / 2; width > 0; width /= 2) {
    for (size_t i = 0; i < width; i++) pairs[i] += pairs[i + width];
  }
  return pairs[0];
}

#endif
