// 64-bit ARM: the intrinsics, and which instruction sets a processor has.

#ifndef COG_ARM_H
#define COG_ARM_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(__linux__)

/// sdot, an option from ARMv8.2 on.
static inline bool cog_has_dot_products(void) {
  enum { HWCAP_DOT_PRODUCTS = 1 << 20 };
  return (getauxval(AT_HWCAP) & HWCAP_DOT_PRODUCTS) != 0;
}

/// smmla, an option from ARMv8.2 on: Neoverse V1 and N2, Apple's M2.
static inline bool cog_has_i8mm(void) {
  enum { HWCAP2_MATRIX_PRODUCTS = 1 << 13 };
  return cog_has_dot_products() && (getauxval(AT_HWCAP2) & HWCAP2_MATRIX_PRODUCTS) != 0;
}

#elif defined(__APPLE__)

static inline bool cog_has_dot_products(void) { return true; }  // every arm64 Mac has them

static inline bool cog_has_i8mm(void) {
  int has = 0;
  size_t bytes = sizeof has;
  return sysctlbyname("hw.optional.arm.FEAT_I8MM", &has, &bytes, NULL, 0) == 0 && has != 0;
}

#else

static inline bool cog_has_dot_products(void) { return false; }

static inline bool cog_has_i8mm(void) { return false; }

#endif

#endif
