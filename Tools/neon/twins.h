// What every comparison of compare.c is made of: sets of kernels, random numbers, and counting what differs.

#ifndef COG_TWINS_H
#define COG_TWINS_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

static uint64_t state = 1;
static int failures = 0;

static uint32_t next_word(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33);
}

static float next_float(void) { return (float)(int32_t)(next_word() % 20001 - 10000) * 1e-4f; }

static void compare(const char *set, const char *kernel, const void *a, const void *b, size_t bytes) {
  if (memcmp(a, b, bytes) == 0) return;
  failures++;
  printf("%s: %s differs from the portable kernel\n", set, kernel);
}

/// A backend, with or without its optional products, and its name.
typedef struct Set {
  const CogBackend *backend;
  bool with_option;
  const char *name;
} Set;

static Set portable(void) { return (Set){cog_backend(0), false, "portable"}; }

/// The same for floats, of which all that are no numbers count as equal: which of two such a product of them
/// is differs between instructions.
static void compare_floats(const char *set, const char *kernel, float *a, float *b, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (isnan(a[i])) a[i] = NAN;
    if (isnan(b[i])) b[i] = NAN;
  }
  compare(set, kernel, a, b, count * sizeof(float));
}

static void fill(float *values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = next_float();
}

#endif
