// NEON with products of matrices (arm64 with i8mm: Graviton 3, Apple M2): two tokens by two rows at once;
// with few tokens as NEON with dot products.

#include "CogBackends.h"

#if defined(__aarch64__)

#include "arm.h"

#define COG_KERNEL __attribute__((target("dotprod,i8mm"))) static

#include "neon-inl.h"

#include "../generic/kernel_table-inl.h"
#include "../products/mmla_i8mm-inl.h"

#include "../generic/limits-inl.h"

static const CogProduct int4_product = COG_MMLA_PRODUCT(4);
static const CogProduct int8_product = COG_MMLA_PRODUCT(8);

static const CogProduct *const products[] = {
    &int4_product, &int8_product, &cog_int4_tile_product, &cog_int8_tile_product};

#endif

const CogBackend cog_neon_i8mm_backend = {
    .name = "neon-i8mm",
#if defined(__aarch64__)
    .runs_here = cog_has_i8mm,
    COG_BACKEND_TABLES,
#endif
};
