// What this machine can do at most, measured by loops that do nothing else: the yardsticks of `cogvlm bench`.
//
// Each call runs on the calling thread; the caller starts one for each processor and takes the time.

#ifndef COG_LIMITS_H
#define COG_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// The loops of one backend.
typedef struct CogLimits {
  /// Reads `count` bytes (whole 64-byte cache lines; the remainder is left out) and returns the sum of their
  /// 64-bit words, modulo 2^64. `bytes` must be aligned to 8.
  uint64_t (*sum_words)(const void *bytes, size_t count);
  /// Runs `rounds` rounds of the integer dot products that the backend's tiles are built of, in registers
  /// only: maddubs and a 16-bit add for AVX2, vpdpbusd for VNNI, sdot for NEON, plain multiply-adds in
  /// portable C. A product that saves multiplications can do more. Returns the operations done, a
  /// multiplication and an addition counted as two.
  double (*int8_peak)(size_t rounds);
  /// The same with float32 multiply-adds in the widest registers.
  double (*float_peak)(size_t rounds);
  /// The same as int8_peak with products of matrices, whole tiles of AMX or ARM's smmla; NULL where the
  /// backend has none.
  double (*_Nullable tile_peak)(size_t rounds);
} CogLimits;

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
