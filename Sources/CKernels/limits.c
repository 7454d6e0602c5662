// Loops that reach one limit of the machine each (CogLimits.h).
//
// The empty assembly statements make a register's value unknown to the compiler, so that it can neither take
// the loop's products out of it nor leave the loop out; they add no instruction.

#include "CogLimits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define COG_TARGET(features) __attribute__((target(features)))
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum {
  COG_LINE_WORDS = 8,       ///< 64-bit words in a cache line
  COG_PREFETCH_WORDS = 256  ///< the matrix kernels ask as far ahead, 2048 bytes
};

// MARK: Portable

/// 16 independent sums, as many as vector registers of any processor family that this file is built for.
static double cog_portable_int8_peak(size_t rounds) {
  int32_t sums[16] = {0};
  int32_t factor = 3;
  for (size_t round = 0; round < rounds; round++) {
    __asm__ volatile("" : "+r"(factor));
    for (size_t i = 0; i < 16; i++) sums[i] += factor * (int32_t)(i + 1);
    __asm__ volatile("" : : "r"(sums) : "memory");
  }
  return (double)rounds * 16 * 2;
}

static double cog_portable_float_peak(size_t rounds) {
  float sums[16] = {0};
  float factor = 1.0f;
  for (size_t round = 0; round < rounds; round++) {
    __asm__ volatile("" : : "r"(&factor) : "memory");
    for (size_t i = 0; i < 16; i++) sums[i] += factor * (float)(i + 1);
    __asm__ volatile("" : : "r"(sums) : "memory");
  }
  return (double)rounds * 16 * 2;
}

static uint64_t cog_portable_sum_words(const uint64_t *words, size_t lines) {
  uint64_t sums[COG_LINE_WORDS] = {0};
  for (size_t line = 0; line < lines; line++, words += COG_LINE_WORDS) {
    __builtin_prefetch((const void *)((uintptr_t)words + COG_PREFETCH_WORDS * sizeof *words));
    for (size_t i = 0; i < COG_LINE_WORDS; i++) sums[i] += words[i];
  }
  uint64_t total = 0;
  for (size_t i = 0; i < COG_LINE_WORDS; i++) total += sums[i];
  return total;
}

#if defined(__x86_64__)

// MARK: AVX2

enum { COG_CHAINS_256 = 12, COG_CHAINS_512 = 24 };

/// 32 products for each maddubs; one 16-bit add takes them up, as the int4 kernel does it.
COG_TARGET("avx2") static double cog_avx2_int8_peak(size_t rounds) {
  __m256i sums[COG_CHAINS_256], weights = _mm256_set1_epi8(3), values = _mm256_set1_epi8(5);
  for (size_t i = 0; i < COG_CHAINS_256; i++) sums[i] = _mm256_setzero_si256();
  for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < COG_CHAINS_256; i++) {
      __asm__ volatile("" : "+x"(values));
      sums[i] = _mm256_add_epi16(sums[i], _mm256_maddubs_epi16(weights, values));
    }
  }
  for (size_t i = 0; i < COG_CHAINS_256; i++) __asm__ volatile("" : : "x"(sums[i]));
  return (double)rounds * COG_CHAINS_256 * 32 * 2;
}

COG_TARGET("avx2,fma") static double cog_avx2_float_peak(size_t rounds) {
  __m256 sums[COG_CHAINS_256], weights = _mm256_set1_ps(1.0f), values = _mm256_set1_ps(1.0f);
  for (size_t i = 0; i < COG_CHAINS_256; i++) sums[i] = _mm256_setzero_ps();
  for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < COG_CHAINS_256; i++) {
      __asm__ volatile("" : "+x"(values));
      sums[i] = _mm256_fmadd_ps(weights, values, sums[i]);
    }
  }
  for (size_t i = 0; i < COG_CHAINS_256; i++) __asm__ volatile("" : : "x"(sums[i]));
  return (double)rounds * COG_CHAINS_256 * 8 * 2;
}

COG_TARGET("avx2") static uint64_t cog_avx2_sum_words(const uint64_t *words, size_t lines) {
  __m256i even = _mm256_setzero_si256(), odd = even;
  for (size_t line = 0; line < lines; line++, words += COG_LINE_WORDS) {
    __builtin_prefetch((const void *)((uintptr_t)words + COG_PREFETCH_WORDS * sizeof *words));
    even = _mm256_add_epi64(even, _mm256_loadu_si256((const __m256i *)words));
    odd = _mm256_add_epi64(odd, _mm256_loadu_si256((const __m256i *)(words + 4)));
  }
  uint64_t parts[4];
  _mm256_storeu_si256((__m256i *)parts, _mm256_add_epi64(even, odd));
  return parts[0] + parts[1] + parts[2] + parts[3];
}

// MARK: VNNI

COG_TARGET("avx2,avxvnni") static double cog_avx_vnni_int8_peak(size_t rounds) {
  __m256i sums[COG_CHAINS_256], weights = _mm256_set1_epi8(3), values = _mm256_set1_epi8(5);
  for (size_t i = 0; i < COG_CHAINS_256; i++) sums[i] = _mm256_setzero_si256();
  for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < COG_CHAINS_256; i++) {
      __asm__ volatile("" : "+x"(values));
      sums[i] = _mm256_dpbusd_avx_epi32(sums[i], weights, values);
    }
  }
  for (size_t i = 0; i < COG_CHAINS_256; i++) __asm__ volatile("" : : "x"(sums[i]));
  return (double)rounds * COG_CHAINS_256 * 32 * 2;
}

COG_TARGET("avx512f,avx512vnni") static double cog_avx512_vnni_int8_peak(size_t rounds) {
  __m512i sums[COG_CHAINS_512], weights = _mm512_set1_epi32(0x03030303);
  __m512i values = _mm512_set1_epi32(0x05050505);
  for (size_t i = 0; i < COG_CHAINS_512; i++) sums[i] = _mm512_setzero_si512();
  for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < COG_CHAINS_512; i++) {
      __asm__ volatile("" : "+v"(values));
      sums[i] = _mm512_dpbusd_epi32(sums[i], weights, values);
    }
  }
  for (size_t i = 0; i < COG_CHAINS_512; i++) __asm__ volatile("" : : "v"(sums[i]));
  return (double)rounds * COG_CHAINS_512 * 64 * 2;
}

COG_TARGET("avx512f") static double cog_avx512_float_peak(size_t rounds) {
  __m512 sums[COG_CHAINS_512], weights = _mm512_set1_ps(1.0f), values = _mm512_set1_ps(1.0f);
  for (size_t i = 0; i < COG_CHAINS_512; i++) sums[i] = _mm512_setzero_ps();
  for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < COG_CHAINS_512; i++) {
      __asm__ volatile("" : "+v"(values));
      sums[i] = _mm512_fmadd_ps(weights, values, sums[i]);
    }
  }
  for (size_t i = 0; i < COG_CHAINS_512; i++) __asm__ volatile("" : : "v"(sums[i]));
  return (double)rounds * COG_CHAINS_512 * 16 * 2;
}

#elif defined(__aarch64__)

// MARK: NEON

enum { COG_CHAINS_128 = 24 };

__attribute__((target("dotprod"))) static double cog_neon_int8_peak(size_t rounds) {
  int32x4_t sums[COG_CHAINS_128];
  int8x16_t weights = vdupq_n_s8(3), values = vdupq_n_s8(5);
  for (size_t i = 0; i < COG_CHAINS_128; i++) sums[i] = vdupq_n_s32(0);
  for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < COG_CHAINS_128; i++) {
      __asm__ volatile("" : "+w"(values));
      sums[i] = vdotq_s32(sums[i], weights, values);
    }
  }
  for (size_t i = 0; i < COG_CHAINS_128; i++) __asm__ volatile("" : : "w"(sums[i]));
  return (double)rounds * COG_CHAINS_128 * 16 * 2;
}

static double cog_neon_float_peak(size_t rounds) {
  float32x4_t sums[COG_CHAINS_128], weights = vdupq_n_f32(1), values = vdupq_n_f32(1);
  for (size_t i = 0; i < COG_CHAINS_128; i++) sums[i] = vdupq_n_f32(0);
  for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < COG_CHAINS_128; i++) {
      __asm__ volatile("" : "+w"(values));
      sums[i] = vfmaq_f32(sums[i], weights, values);
    }
  }
  for (size_t i = 0; i < COG_CHAINS_128; i++) __asm__ volatile("" : : "w"(sums[i]));
  return (double)rounds * COG_CHAINS_128 * 4 * 2;
}

#endif

// MARK: Choice

double cog_int8_peak(CogInstructionSet set, size_t rounds) {
  if (!cog_kernels(set)) return 0;
  switch (set) {
#if defined(__x86_64__)
    case COG_AVX2: return cog_avx2_int8_peak(rounds);
    case COG_AVX_VNNI: return cog_avx_vnni_int8_peak(rounds);
    case COG_AVX512_VNNI:
    case COG_AVX512_PAIRS: return cog_avx512_vnni_int8_peak(rounds);
#elif defined(__aarch64__)
    case COG_NEON: return cog_neon_int8_peak(rounds);
#endif
    default: return cog_portable_int8_peak(rounds);
  }
}

double cog_float_peak(CogInstructionSet set, size_t rounds) {
  if (!cog_kernels(set)) return 0;
  switch (set) {
#if defined(__x86_64__)
    case COG_AVX2: return cog_avx2_float_peak(rounds);
    case COG_AVX_VNNI: return cog_avx2_float_peak(rounds);
    case COG_AVX512_VNNI:
    case COG_AVX512_PAIRS: return cog_avx512_float_peak(rounds);
#elif defined(__aarch64__)
    case COG_NEON: return cog_neon_float_peak(rounds);
#endif
    default: return cog_portable_float_peak(rounds);
  }
}

uint64_t cog_sum_words(const void *bytes, size_t count) {
  const size_t lines = count / (COG_LINE_WORDS * sizeof(uint64_t));
#if defined(__x86_64__)
  if (cog_kernels(COG_AVX2)) return cog_avx2_sum_words(bytes, lines);
#endif
  return cog_portable_sum_words(bytes, lines);
}
