// Which instruction sets this processor and its operating system offer, and how many processors there are.

#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "kernel_tables.h"

#if defined(__x86_64__)

#include <cpuid.h>

/// Registers that the operating system saves: bit 1 and 2 SSE and AVX, 5 to 7 AVX-512 (XCR0).
static unsigned saved_registers(void) {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE)) return 0;
  __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return eax;
}

static bool has_avx2(void) {
  return (saved_registers() & 0x06) == 0x06 && __builtin_cpu_supports("avx2") &&
         __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static bool has_avx_vnni(void) {
  unsigned eax, ebx, ecx, edx;
  return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & (1u << 4)) != 0;
}

static bool has_avx512_vnni(void) {
  return has_avx2() && (saved_registers() & 0xE6) == 0xE6 && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

/// Whether bytes are added in four places of a core and multiplied in two: AMD's since Zen 4, the first that
/// have AVX-512. Intel's add in as few places as they multiply.
static bool adds_faster_than_it_multiplies(void) { return __builtin_cpu_is("amd"); }

const CogKernels *cog_kernels(CogInstructionSet set) {
  switch (set) {
    case COG_PORTABLE: return &cog_portable_kernels;
    case COG_AVX2: return has_avx2() ? &cog_avx2_kernels : NULL;
    case COG_AVX_VNNI: return has_avx_vnni() ? &cog_avx_vnni_kernels : NULL;
    case COG_AVX512_VNNI: return has_avx512_vnni() ? &cog_avx512_vnni_kernels : NULL;
    case COG_AVX512_PAIRS: return has_avx512_vnni() ? &cog_avx512_pairs_kernels : NULL;
    default: return NULL;
  }
}

#elif defined(__aarch64__)

#if defined(__linux__)
#include <sys/auxv.h>
static bool has_dot_products(void) { return (getauxval(AT_HWCAP) & (1ul << 20)) != 0; }  // HWCAP_ASIMDDP
#else
static bool has_dot_products(void) { return true; }  // every arm64 Mac has them
#endif

const CogKernels *cog_kernels(CogInstructionSet set) {
  switch (set) {
    case COG_PORTABLE: return &cog_portable_kernels;
    case COG_NEON: return has_dot_products() ? &cog_neon_kernels : NULL;
    default: return NULL;
  }
}

#else

const CogKernels *cog_kernels(CogInstructionSet set) {
  return set == COG_PORTABLE ? &cog_portable_kernels : NULL;
}

#endif

CogInstructionSet cog_best_instruction_set(void) {
#if defined(__x86_64__)
  if (adds_faster_than_it_multiplies() && cog_kernels(COG_AVX512_PAIRS)) return COG_AVX512_PAIRS;
#endif
  static const CogInstructionSet fastest_first[] = {COG_AVX512_VNNI, COG_AVX_VNNI, COG_AVX2, COG_NEON};
  for (size_t i = 0; i < sizeof fastest_first / sizeof *fastest_first; i++) {
    if (cog_kernels(fastest_first[i])) return fastest_first[i];
  }
  return COG_PORTABLE;
}

const CogKernels *cog_best_kernels(void) {
  const CogKernels *kernels = cog_kernels(cog_best_instruction_set());
  return kernels ? kernels : &cog_portable_kernels;
}

const char *cog_instruction_set_name(CogInstructionSet set) {
  switch (set) {
    case COG_PORTABLE: return "portable";
    case COG_AVX2: return "avx2";
    case COG_AVX_VNNI: return "avx-vnni";
    case COG_AVX512_VNNI: return "avx512-vnni";
    case COG_AVX512_PAIRS: return "avx512-pairs";
    case COG_NEON: return "neon";
  }
  return NULL;
}

size_t cog_processor_count(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return (size_t)count;
  }
#endif
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (size_t)count : 1;
}
