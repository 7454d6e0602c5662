// What this machine can do at most, measured by loops that do nothing else: the yardsticks of `cogvlm bench`.
//
// Each call runs on the calling thread; the caller starts one for each processor and takes the time.

#ifndef COG_LIMITS_H
#define COG_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "CKernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// Reads `count` bytes (whole 64-byte lines; a rest is left out) and returns the sum of their 64-bit words,
/// modulo 2^64. `bytes` must be aligned to 8.
uint64_t cog_sum_words(const void *bytes, size_t count);

/// Runs `rounds` rounds of the integer dot products that the kernels of `set` are built of, in registers
/// only: maddubs and a 16-bit add for AVX2, vpdpbusd for VNNI, sdot for NEON, plain multiply-adds for the
/// portable set. COG_AVX512_PAIRS, which saves multiplications, can do more than its vpdpbusd alone. Returns
/// the operations done, a multiplication and an addition counted as two; 0 where this processor or build
/// lacks the set.
double cog_int8_peak(CogInstructionSet set, size_t rounds);

/// The same with float32 multiply-adds in the widest registers of `set`.
double cog_float_peak(CogInstructionSet set, size_t rounds);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
