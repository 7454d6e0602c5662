// x86: the intrinsics, and which instruction sets a processor and its operating system offer.
//
// A scratch build that defines COG_SIMDE supplies the intrinsics itself (-include), as SIMDe's plain C: so a
// machine without VNNI can still compare these sources with the portable ones. The package never defines it.

#ifndef COG_X86_H
#define COG_X86_H

#include <cpuid.h>
#include <stdbool.h>

#if defined(COG_SIMDE)
#define COG_TARGET(features)
#else
#include <immintrin.h>
#define COG_TARGET(features) __attribute__((target(features)))
#endif

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/// Registers that the operating system saves: bit 1 and 2 SSE and AVX, 5 to 7 AVX-512,
/// 17 and 18 tiles (XCR0).
static inline unsigned cog_saved_registers(void) {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE)) return 0;
  __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return eax;
}

static inline bool cog_has_avx2(void) {
  return (cog_saved_registers() & 0x06) == 0x06 && __builtin_cpu_supports("avx2") &&
         __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static inline bool cog_has_avx_vnni(void) {
  unsigned eax, ebx, ecx, edx;
  return cog_has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & (1u << 4)) != 0;
}

static inline bool cog_has_avx512_vnni(void) {
  return cog_has_avx2() && (cog_saved_registers() & 0xE6) == 0xE6 && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

/// Whether tiles may be used: the process must ask the system, which keeps 8 KiB more for each thread then.
static inline bool cog_has_amx(void) {
#if defined(__linux__) && defined(SYS_arch_prctl)
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18, TILES = 1 << 24, INT8_PRODUCTS = 1 << 25 };
  const unsigned saved = 3u << 17;
  unsigned eax, ebx, ecx, edx;
  return cog_has_avx512_vnni() && (cog_saved_registers() & saved) == saved &&
         __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx & TILES) && (edx & INT8_PRODUCTS) &&
         syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
  return false;
#endif
}

#endif
