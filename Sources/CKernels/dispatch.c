// Which instruction sets this processor and its operating system offer, and how many processors there are.

#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "kernel_tables.h"

const CogKernels *cog_kernels(CogInstructionSet set) {
  return set == COG_PORTABLE ? &cog_portable_kernels : NULL;
}

CogInstructionSet cog_best_instruction_set(void) {
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
